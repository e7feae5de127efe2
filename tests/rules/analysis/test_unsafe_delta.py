# SPDX-License-Identifier: GPL-2.0-or-later
"""The amount of unsafe code before and after a series, and from one revision to the next."""

from rules.analysis.unsafe_delta import UnsafeDelta, UnsafePlace, compare_deltas, compute_unsafe_delta
from rules.lint.engine import view
from rules.lint.example import load
from rules.lint.rule import Example


def delta(text: str) -> UnsafeDelta:
    loaded = load(Example("e", text))
    return compute_unsafe_delta(view(loaded.series, loaded.tree))


NEW = """
    | patch one
    | diff rust/kernel/led.rs (new)
    | +pub unsafe trait Light {}
    | +unsafe impl Light for Led {}
    | +/// # Safety
    | +pub unsafe fn on(led: *mut u8) {
    | +    // SAFETY: valid.
    | +    unsafe { a(led) };
    | +    unsafe { b(led) };
    | +}
"""


def test_each_kind_is_counted() -> None:
    assert delta(NEW).line() == "2 blocks, 1 function, 1 impl and 1 trait added"


def test_a_place_has_its_line_its_scope_and_its_code_without_blanks() -> None:
    places = {place.kind: place for place in delta(NEW).added}

    assert places["trait"] == UnsafePlace(
        "trait", 1, "rust/kernel/led.rs", 1, "trait Light", "pub unsafe trait Light {}", "LighttraitLight"
    )
    assert places["block"] == UnsafePlace("block", 1, "rust/kernel/led.rs", 7, "fn on", "unsafe { b(led) };", "b(led)")


def test_what_a_later_patch_takes_back_does_not_count() -> None:
    later = (
        "| patch two\n| diff rust/kernel/led.rs\n|      // SAFETY: valid.\n| -    unsafe { a(led) };\n| +    a(led);\n"
    )

    assert delta(NEW + later).line() == "1 block, 1 function, 1 impl and 1 trait added"


def test_indented_anew_edited_and_moved_inside_the_file_is_no_change() -> None:
    text = """
        | diff rust/kernel/led.rs (whole)
        |  fn on(led: *mut u8) {
        | -    unsafe { a(led) };
        | -    unsafe { b(led as _) };
        | +    if led.is_on() {
        | +        unsafe { a(led) };
        | +        unsafe { b(led.cast()) };
        | +    }
        |  }
    """

    assert delta(text).line() == ""
    assert delta(text).edited == 1


def test_moved_out_of_the_kernel_crate() -> None:
    text = """
        | diff rust/kernel/led.rs (whole)
        |  fn on(led: *mut u8) {
        | -    unsafe { a(led) };
        |  }
        | diff drivers/led.rs (new)
        | +fn on(led: *mut u8) {
        | +    unsafe { a(led) };
        | +    unsafe { c(led) };
        | +}
    """

    assert delta(text).line() == "1 block added, 1 block moved out of the kernel crate"


def test_moved_to_another_file_of_the_crate_and_removed() -> None:
    text = """
        | diff rust/kernel/led.rs (whole)
        |  fn on(led: *mut u8) {
        | -    unsafe { a(led) };
        | -    unsafe { gone(led) };
        |  }
        | diff rust/kernel/light.rs (new)
        | +fn on(led: *mut u8) {
        | +    unsafe { a(led) };
        | +}
    """

    assert delta(text).line() == "1 block removed, 1 block moved"


def test_vendored_code_strings_and_doctests_do_not_count() -> None:
    text = """
        | diff rust/syn/lib.rs (new)
        | +fn f() { unsafe { g() } }
        | diff rust/kernel/led.rs (new)
        | +/// ```
        | +/// unsafe { g() }
        | +/// ```
        | +fn f() -> &str { "unsafe { g() }" }
    """

    assert delta(text) == UnsafeDelta()


def test_against_the_previous_revision() -> None:
    before = delta(NEW)
    now = delta(
        NEW.replace("unsafe { b(led) };", "c();").replace(
            "pub unsafe trait", "pub unsafe trait Other {}\n    | +pub unsafe trait"
        )
    )

    assert compare_deltas(now, before).line() == "since the previous revision: blocks -1, traits +1"
    assert compare_deltas(before, before).line() == ""
