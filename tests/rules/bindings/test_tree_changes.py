# SPDX-License-Identifier: GPL-2.0-or-later
"""Which facts of pending postings a change of the tree affects."""

from collections.abc import Mapping

import pytest

from rules.bindings.index import Bindings
from rules.bindings.pending_facts import PendingKind
from rules.bindings.tree_changes import affected_keys

TREE = {
    "rust/bindings/bindings_helper.h": "#include <linux/led.h>\n",
    "rust/helpers/led.c": "int rust_helper_led_on(struct led *led)\n{\n\treturn led_on(led);\n}\n",
    "include/linux/led.h": (
        "struct led {\n\tint level;\n\tint mode;\n};\nint led_get(struct led *led);\n#define MAX 4\n"
    ),
    "include/linux/fan.h": "int fan_get(void);\n",
    "rust/kernel/led.rs": "pub fn level(led: u8) -> u8 {\n    led\n}\npub trait Blink {\n    fn on(&self);\n}\n",
    "drivers/led.rs": "use kernel::led;\nfn f() {\n    led::level(1);\n}\n",
}
C_USE, C_CHANGE, ITEM_USE, ITEM_CHANGE = (
    PendingKind.C_USE,
    PendingKind.C_CHANGE,
    PendingKind.ITEM_USE,
    PendingKind.ITEM_CHANGE,
)


def _affected(changes: Mapping[str, str | None]) -> set[tuple[PendingKind, str]]:
    after = {path: text for path, text in {**TREE, **changes}.items() if text is not None}
    trees = [Bindings.of_files({path: text.encode() for path, text in files.items()}) for files in (TREE, after)]
    return set(affected_keys(trees[0], trees[1], changes))


def _both(first: PendingKind, second: PendingKind, *names: str) -> set[tuple[PendingKind, str]]:
    return {(kind, name) for kind in (first, second) for name in names}


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("int led_get(struct led *led);", "int led_get(struct led *led, int a);", ["led_get"]),
        ("int led_get(struct led *led);\n", "", ["led_get"]),
        ("int led_get(struct led *led);", "int led_get(struct led *led);\nint led_put(void);", ["led_put"]),
        ("int mode;", "long mode;", ["led", "led.mode"]),
        ("#define MAX 4", "#define MAX 5", ["MAX"]),
        ("#define MAX 4", "\n\n#define MAX 4 /* the most */", []),
    ],
)
def test_a_changed_declaration_affects_who_uses_or_changes_it(before: str, after: str, names: list[str]) -> None:
    header = TREE["include/linux/led.h"]
    assert before in header

    assert _both(C_USE, C_CHANGE, *names) == _affected({"include/linux/led.h": header.replace(before, after)})


def test_an_exported_macro_has_the_path_by_which_it_is_used() -> None:
    macro = "#[macro_export]\nmacro_rules! blink {\n    () => {};\n}\n"

    assert _both(ITEM_USE, ITEM_CHANGE, "kernel::blink") == _affected(
        {"rust/kernel/led.rs": TREE["rust/kernel/led.rs"] + macro}
    )


def test_a_declaration_that_moves_to_another_header_affects_nobody() -> None:
    header = TREE["include/linux/led.h"]
    moved = "int led_get(struct led *led);\n"
    changes = {
        "include/linux/led.h": header.replace(moved, "#include <linux/more.h>\n"),
        "include/linux/more.h": moved,
    }

    assert set() == _affected(changes)
    assert _both(C_USE, C_CHANGE, "led_get") == _affected(changes | {"include/linux/more.h": None})


def test_a_header_that_rust_does_not_see_affects_nobody() -> None:
    assert set() == _affected({"include/linux/fan.h": "int fan_get(int a);\n", "kernel/fan.c": "int fan;\n"})


def test_a_helper_counts_by_the_name_that_rust_calls() -> None:
    helper = TREE["rust/helpers/led.c"].replace("struct led *led)", "struct led *led, int a)")

    assert _both(C_USE, C_CHANGE, "led_on") == _affected({"rust/helpers/led.c": helper})


def test_a_new_use_in_rust_affects_who_changes_the_name() -> None:
    text = "use crate::bindings;\nfn f(led: *mut bindings::led) {\n    unsafe { bindings::led_get(led) };\n"
    text += "    unsafe { (*led).level };\n}\n"

    affected = _affected({"rust/kernel/fan.rs": text})

    assert {(C_CHANGE, "led_get"), (C_CHANGE, "led.level"), (C_CHANGE, "led")} <= affected
    assert not any(kind is C_USE for kind, _ in affected)
    assert set() == {key for key in _affected({"rust/kernel/fan.rs": None}) if key[0] is C_CHANGE}


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("(led: u8)", "(led: u8, a: u8)", ["kernel::led::level"]),
        ("pub fn level", "pub fn height", ["kernel::led::level", "kernel::led::height"]),
        ("fn on(&self)", "fn on(&self, a: u8)", ["kernel::led::Blink::on"]),
        ("    led\n", "    led + 1\n", []),
    ],
)
def test_a_changed_item_of_the_crate_affects_who_uses_or_changes_it(before: str, after: str, names: list[str]) -> None:
    text = TREE["rust/kernel/led.rs"]
    assert before in text

    assert _both(ITEM_USE, ITEM_CHANGE, *names) == _affected({"rust/kernel/led.rs": text.replace(before, after)})


def test_a_new_use_of_an_item_affects_who_changes_it_or_what_is_above_it() -> None:
    affected = _affected({"drivers/fan.rs": "use kernel::led::Blink;\nimpl Blink for Fan {\n    fn on(&self) {}\n}\n"})

    assert {(ITEM_CHANGE, "kernel::led::Blink"), (ITEM_CHANGE, "kernel::led")} == affected
    assert set() == _affected({"drivers/led.rs": TREE["drivers/led.rs"] + "fn g() {\n    led::level(2);\n}\n"})
