# SPDX-License-Identifier: GPL-2.0-or-later
"""What a callee asks for, found in the file, in the series and in the base kernel."""

import pytest

from rules.analysis.safety_sections import SafetySections
from rules.finding import Evidence
from rules.lint.engine import view
from rules.lint.example import load
from rules.lint.rule import Example
from rules.source.rust.docs import Docs, headings, requirements
from rules.source.rust.operations import Operation
from rules.source.rust.source import RustSource

SECTION = ("- `led` is valid, and stays so.", "- Nobody else switches it.")


def evidence_of(text: str, name: str, scope: str = "", kind: str = "call") -> Evidence | None:
    """The requirements of what the last file of an example calls."""
    loaded = load(Example("test", text))
    file = view(loaded.series, loaded.tree).files[-1]
    return SafetySections(file).of(Operation("implementation" if kind == "trait" else "call", name), scope)


def test_in_the_same_file() -> None:
    evidence = evidence_of(
        """
        | diff a.rs (new)
        | +impl Led {
        | +    /// Switches.
        | +    ///
        | +    /// # Safety
        | +    ///
        | +    /// - `led` is valid,
        | +    ///   and stays so.
        | +    /// - Nobody else switches it.
        | +    ///
        | +    /// # Examples
        | +    unsafe fn on() {}
        | +}
        """,
        "Self::on",
        "impl Drop for Led / fn drop",
    )

    assert Evidence("a.rs:4", SECTION) == evidence


def test_only_the_items_that_have_the_name_are_parsed(parsed_sources: list[RustSource]) -> None:
    item = "/// # Safety\n/// Shine {0}.\npub unsafe fn on{0}() {{\n    // {1}\n}}\n"
    source = RustSource("".join(item.format(number, "x" * 60) for number in range(20)))

    (section,) = source.safety_sections("on7")

    assert ("Shine 7.",) == section.requirements
    assert 1 == len(parsed_sources)


def test_in_an_earlier_patch() -> None:
    text = """
        | patch one
        | diff a.rs (new)
        | +/// # Safety
        | +/// Shine.
        | +pub unsafe trait Light {}
        | patch two
        | diff b.rs (new)
        | +fn f() {}
        """

    assert Evidence("a.rs:1", ("Shine.",)) == evidence_of(text, "crate::Light", kind="trait")


def test_in_the_base_kernel_through_an_import() -> None:
    text = """
        | tree rust/kernel/led/mod.rs
        |  impl Led {
        |      /// # Safety
        |      /// Shine.
        |      pub unsafe fn on() {}
        |  }
        | diff drivers/b.rs (new)
        | +use kernel::{led::Led, prelude::*};
        """

    assert Evidence("rust/kernel/led/mod.rs:2", ("Shine.",)) == evidence_of(text, "Led::on")


def test_two_that_fit_are_none() -> None:
    text = """
        | diff a.rs (new)
        | +/// # Safety
        | +/// Shine.
        | +unsafe fn on() {}
        | +mod m {
        | +    /// # Safety
        | +    /// Glow.
        | +    unsafe fn on() {}
        | +}
        """

    assert evidence_of(text, "on") is None


NAMESAKES = """
        | patch one
        | diff rust/kernel/led.rs (new)
        | +impl Led {
        | +    /// # Safety
        | +    /// Shine.
        | +    pub unsafe fn from_raw() {}
        | +    /// # Safety
        | +    /// Glow.
        | +    pub unsafe fn as_ref(&self) {}
        | +    /// # Safety
        | +    /// Blink.
        | +    pub unsafe fn blink(&self) {}
        | +}
        | +/// # Safety
        | +/// Read.
        | +pub unsafe fn read() {}
        | +/// # Safety
        | +/// Switch.
        | +pub unsafe fn switch() {}
        | +trait Light {
        | +    /// # Safety
        | +    /// Dim.
        | +    unsafe fn dim();
        | +}
        | diff rust/kernel/lamp.rs (new)
        | +use crate::led::switch;
        """


@pytest.mark.parametrize(
    ("name", "scope", "line"),
    [
        ("Led::from_raw", "", "Shine."),
        ("crate::led::Led::from_raw", "", "Shine."),
        ("Self::from_raw", "impl Drop for Led<'_> / fn drop", "Shine."),
        ("Self::from_raw", "impl Lamp / fn drop", None),
        ("Self::from_raw", "impl Light<u8> for kernel::led::Led<'_> / fn drop", "Shine."),
        ("Self::from_raw", "impl Light<Led> for Lamp / fn drop", None),
        ("Self::dim", "trait Light / fn bright", "Dim."),
        ("KBox::from_raw", "", None),
        ("<T as Light>::dim", "", "Dim."),
        ("T::dim", "", "Dim."),
        (".blink", "", "Blink."),
        (".as_ref", "", None),
        ("crate::led::read", "", "Read."),
        ("core::ptr::read", "", None),
        ("read", "", None),
        ("switch", "", "Switch."),
    ],
)
def test_the_path_says_whose_function_it_is(name: str, scope: str, line: str | None) -> None:
    evidence = evidence_of(NAMESAKES, name, scope)

    assert line == (evidence and evidence.lines[0])


def test_nothing_is_asked_where_no_section_is() -> None:
    lines = ((1, " # Notes"), (2, " Shine."))

    assert () == requirements(Docs(lines, headings(lines)))


def test_the_base_kernel_does_not_speak_for_a_file_that_the_series_changes() -> None:
    text = """
        | tree rust/kernel/led.rs
        |  impl Led {
        |      /// # Safety
        |      /// Shine.
        |      pub unsafe fn on() {}
        |  }
        | diff rust/kernel/led.rs
        |  impl Led {
        | -    /// # Safety
        | -    /// Shine.
        |      pub unsafe fn on() {}
        | diff drivers/b.rs (new)
        | +use kernel::led::Led;
        """

    assert evidence_of(text, "Led::on") is None


def test_a_name_that_is_a_keyword_is_found_in_another_file() -> None:
    text = """
        | diff a.rs (new)
        | +/// # Safety
        | +/// Shine.
        | +pub unsafe fn r#move() {}
        | diff b.rs (new)
        | +fn f() {}
        """

    assert Evidence("a.rs:1", ("Shine.",)) == evidence_of(text, "crate::r#move")


def test_a_long_section_is_cut() -> None:
    lines = "".join(f"        | +/// - Number {number}.\n" for number in range(13))
    text = f"        | diff a.rs (new)\n        | +/// # Safety\n{lines}        | +unsafe fn on() {{}}\n"

    evidence = evidence_of(text, "on")

    assert evidence is not None
    assert evidence.lines == tuple(f"- Number {number}." for number in range(12))
