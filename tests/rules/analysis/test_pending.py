# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series changes, uses and adds, in whole files, in hunks and over several patches."""

import pytest

from rules.analysis.pending import MAX_FACTS, PENDING_FACTS
from rules.bindings.pending_facts import PendingFacts, PendingKind
from rules.bindings.tree import NoTree
from rules.diff.parse import read_patch
from rules.diff.patch import Series
from rules.lint.engine import view
from rules.lint.example import load
from rules.lint.rule import Example

_C = """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/led.h>
    | tree rust/helpers/helpers.c
    |  #include "led.c"
    | tree rust/helpers/led.c
    |  #include <linux/led.h>
    | tree include/linux/led.h
    |  struct led {
    |  	int level;
    |  	int hue;
    |  };
    |  int led_on(struct led *led);
    |  int led_off(struct led *led);
    |  #define LED_MAX 8
"""
_KERNEL = """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/led.h>
    | tree rust/kernel/lib.rs
    |  pub mod led;
    | tree rust/kernel/led.rs
    |  //! LEDs.
    |  pub struct Led;
    |  impl Led {
    |      pub fn new(level: u32) -> Self { Led }
    |      fn private(&self) {}
    |  }
    |  pub fn dim(level: u32) {}
    |  pub trait Driver {
    |      fn probe(&self);
    |  }
"""


def _facts(text: str, *, tree: bool = True) -> PendingFacts:
    loaded = load(Example("facts", text))
    return view(loaded.series, loaded.tree if tree else NoTree()).result(PENDING_FACTS)


def _of(text: str, *kinds: PendingKind, tree: bool = True) -> list[tuple[str, str, str]]:
    facts = _facts(text, tree=tree).facts
    return sorted((fact.name, fact.before, fact.after) for fact in facts if fact.kind in kinds)


@pytest.mark.parametrize("tree", [True, False])
def test_changed_declarations_of_c(tree: bool) -> None:
    text = (
        _C
        + """
    | diff include/linux/led.h
    | @@ 1 @@
    |  struct led {
    | -	int level;
    | +	long level;
    | -	int hue;
    |  };
    | -int led_on(struct led *led);
    | +int led_on(struct led *led, int level);
    | -int led_off(struct led *led);
    | -#define LED_MAX 8
    | +#define LED_MAX 9
"""
    )
    removed = [("led_off", "int led_off(struct led *)", "")]

    assert _of(text, PendingKind.C_CHANGE, tree=tree) == [
        ("led.hue", "int hue", ""),
        ("led.level", "int level", "long level"),
        *(removed if tree else []),
        ("led_on", "int led_on(struct led *)", "int led_on(struct led *, int)"),
    ]


def test_a_declaration_that_a_series_moves_or_restores_does_not_change() -> None:
    text = (
        _C
        + """
    | patch move
    | diff include/linux/led.h
    | -int led_on(struct led *led);
    | -int led_off(struct led *led);
    | +int led_off(struct led *led, int now);
    |  #define LED_MAX 8
    | diff include/linux/leds.h (new)
    | +int led_on(struct led *led);
    | patch restore
    | diff include/linux/led.h
    | -int led_off(struct led *led, int now);
    | +int led_off(struct led *led);
    |  #define LED_MAX 8
"""
    )

    assert _of(text, PendingKind.C_CHANGE) == []


@pytest.mark.parametrize("tree", [True, False])
def test_new_uses_of_c_with_their_arguments_and_declarations(tree: bool) -> None:
    text = (
        _C
        + """
    | diff drivers/led.rs (new)
    | +use kernel::bindings;
    | +fn on(led: *mut bindings::led) {
    | +    unsafe { bindings::led_on(led) };
    | +    let level = unsafe { (*led).level };
    | +}
    | diff rust/helpers/led.c
    |  #include <linux/led.h>
    | +
    | +__rust_helper int rust_helper_led_max(void)
    | +{
    | +	return LED_MAX;
    | +}
"""
    )
    declared = {name: form for name, _, form in _of(text, PendingKind.C_USE, tree=tree)}
    calls = {name: arguments for name, arguments, _ in _of(text, PendingKind.C_USE, tree=tree)}

    assert {"led", "led_on", "LED_MAX"} <= declared.keys()
    assert ("led.level" in declared) is tree
    assert calls["led_on"] == "1"
    assert declared["led_on"] == ("int led_on(struct led *)" if tree else "")
    assert [name for name, *_ in _of(text, PendingKind.ADDED, tree=tree)] == ["file drivers/led.rs", "helper led_max"]


def test_a_use_that_is_only_moved_is_not_new() -> None:
    text = (
        _C
        + """
    | tree rust/kernel/led.rs
    |  fn a(led: *mut bindings::led) {
    |      unsafe { bindings::led_on(led) };
    |  }
    | diff rust/kernel/led.rs
    |  fn a(led: *mut bindings::led) {
    | -    unsafe { bindings::led_on(led) };
    | +    if true {
    | +        unsafe { bindings::led_on(led) };
    | +    }
    |  }
"""
    )

    assert _of(text, PendingKind.C_USE) == []


def test_bindings_that_are_added() -> None:
    text = (
        _C
        + """
    | diff rust/bindings/bindings_helper.h
    |  #include <linux/led.h>
    | +#include <linux/page.h>
    | +const u32 RUST_CONST_HELPER_LED_MAX = LED_MAX;
"""
    )

    names = {name: form for name, _, form in _of(text, PendingKind.ADDED)}

    assert names.keys() == {"binding <linux/page.h>", "binding LED_MAX"}
    assert (names["binding <linux/page.h>"], len(names["binding LED_MAX"])) == ("", 16)


def test_changed_and_added_items_of_the_kernel_crate() -> None:
    text = (
        _KERNEL
        + """
    | diff rust/kernel/led.rs
    |  //! LEDs.
    |  pub struct Led;
    |  impl Led {
    | -    pub fn new(level: u32) -> Self { Led }
    | -    fn private(&self) {}
    | +    pub fn new(level: u32, hue: u32) -> Self { Led }
    |  }
    | -pub fn dim(level: u32) {}
    | +pub(crate) fn inner() {}
    | +pub const MAX: u32 = 8;
    |  pub trait Driver {
    | -    fn probe(&self);
    | +    fn probe(&self, led: &Led);
    | +    fn remove(&self);
    | +    fn suspend(&self) {}
    |  }
"""
    )

    assert _of(text, PendingKind.ITEM_CHANGE) == [
        ("kernel::led::Driver::probe", "fn 1", "fn 2"),
        ("kernel::led::Driver::remove", "", "fn 1"),
        ("kernel::led::Led::new", "fn 1", "fn 2"),
        ("kernel::led::dim", "fn 1", ""),
    ]
    assert [name for name, *_ in _of(text, PendingKind.ADDED)] == ["kernel::led::MAX"]


def test_outermost_items_are_read_in_hunks() -> None:
    text = """
    | diff rust/kernel/led.rs
    | @@
    |  impl Led {
    | -    pub fn new(level: u32) -> Self { Led }
    | +    pub fn new(level: u32, hue: u32) -> Self { Led }
    |  }
    | -pub fn dim(level: u32) {}
    | -pub fn gone() {}
    | +pub fn dim(level: u32, hue: u32) {}
    | +pub fn added() {}
"""

    assert _of(text, PendingKind.ITEM_CHANGE, tree=False) == [
        ("kernel::led::dim", "fn 1", "fn 2"),
        ("kernel::led::gone", "fn 0", ""),
    ]
    assert [name for name, *_ in _of(text, PendingKind.ADDED, tree=False)] == ["kernel::led::added"]


def test_an_item_that_moves_to_another_file_is_neither_removed_nor_added() -> None:
    text = (
        _KERNEL
        + """
    | diff rust/kernel/led.rs
    | -pub fn dim(level: u32) {}
    |  pub trait Driver {
    | diff rust/kernel/dim.rs (new)
    | +pub fn dim(level: u32) {}
"""
    )

    assert _of(text, PendingKind.ITEM_CHANGE) == []
    assert [name for name, *_ in _of(text, PendingKind.ADDED)] == ["file rust/kernel/dim.rs"]


def test_a_new_file_stands_at_its_first_added_line() -> None:
    """No tool writes a new file with unchanged lines, but a mail may contain one."""
    diff = "diff --git a/a.c b/a.c\n--- /dev/null\n+++ b/a.c\n@@ -1 +1,2 @@\n int a;\n+int b;\n"
    series = Series("a", (read_patch(1, "a", diff),))
    (fact,) = view(series, NoTree()).result(PENDING_FACTS).facts
    assert (fact.place.line, fact.place.text) == (2, "int b;")


def test_new_uses_and_implementations_of_the_kernel_crate() -> None:
    text = (
        _KERNEL
        + """
    | diff drivers/room.rs (new)
    | +use kernel::led::{self, Driver, Led};
    | +use kernel::prelude::*;
    | +impl Driver for Room {
    | +    fn probe(&self) { led::dim(Led::new(1)); }
    | +}
"""
    )

    assert _of(text, PendingKind.ITEM_USE) == [
        ("kernel::led", "", ""),
        ("kernel::led::Driver", "", ""),
        ("kernel::led::Driver", "probe/1", "impl"),
        ("kernel::led::Led", "", ""),
        ("kernel::led::Led::new", "", "1"),
        ("kernel::led::dim", "", "1"),
    ]


def test_lines_that_the_series_added_itself_are_no_rewrites() -> None:
    text = (
        _KERNEL
        + """
    | patch first
    | diff rust/kernel/led.rs
    | -pub fn dim(level: u32) {}
    | +pub fn dim(brightness: u32) {}
    |  pub trait Driver {
    | patch second
    | diff rust/kernel/led.rs
    | -pub fn dim(brightness: u32) {}
    | +pub fn dim(light: u32) {}
    |  pub trait Driver {
"""
    )
    rewrites = [fact for fact in _facts(text).facts if fact.kind is PendingKind.REWRITE]

    assert [(fact.name, fact.place.patch, fact.place.side, fact.place.text) for fact in rewrites] == [
        ("rust/kernel/led.rs", 1, "pre", "pub fn dim(level: u32) {}")
    ]


def test_too_many_facts_of_a_kind_are_cut_and_reported() -> None:
    lines = "\n".join(f"    | -call_{number}(one);\n    |  kept();" for number in range(MAX_FACTS + 1))
    facts = _facts(f"\n    | diff a.c\n{lines}\n    | +gone();\n")

    assert (len(facts.facts), facts.truncated) == (MAX_FACTS, (PendingKind.REWRITE,))


def test_the_patches_are_named_by_title_and_patch_id() -> None:
    facts = _facts("\n    | patch Rust:  LED: Dim\n    | diff a.c\n    | -one();\n    | +two();\n")

    assert [(patch.index, patch.title, len(patch.patch_id)) for patch in facts.patches] == [(1, "rust: led: dim", 40)]
