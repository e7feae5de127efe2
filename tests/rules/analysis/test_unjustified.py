# SPDX-License-Identifier: GPL-2.0-or-later
"""What a patch leaves without justification: what is new, what was moved, what lost its comment."""

from difflib import SequenceMatcher
from unittest.mock import Mock

import pytest

from rules.analysis import unjustified as unjustified_module
from rules.analysis.unjustified import unjustified_declarations, unjustified_sites
from rules.analysis.view import SeriesView
from rules.bindings.tree import NoTree
from rules.diff.image import FileImages, Images, build_new_file_image
from rules.diff.patch import FileChange, Patch, Series
from rules.lint.engine import view
from rules.lint.example import load
from rules.lint.rule import Example
from rules.source.rust.source import RustSource
from tests.growth import assert_linear


def exposed(text: str) -> list[tuple[int, str, str, str, int]]:
    """Patch, file, cause, side and line of all sites that the diffs of an example expose."""
    loaded = load(Example("test", text))
    sites: list[tuple[int, str, str, str, int]] = []
    for file in view(loaded.series, loaded.tree).files:
        place = file.patch.index, file.path
        sites += [(*place, site.cause, site.position.side, site.position.line) for site in unjustified_sites(file)]
        sites += [
            (*place, declaration.cause, declaration.position.side, declaration.position.line)
            for declaration in unjustified_declarations(file)
        ]
    return sites


MOVED = {
    "re-indented": """
        | diff a.rs (whole)
        |  fn f() {
        | -    unsafe { bindings::on(led) };
        | +    if x {
        | +        unsafe { bindings::on(led) };
        | +    }
        |  }
        """,
    "moved within the file": """
        | diff a.rs (whole)
        |  fn f() {
        | -    unsafe { bindings::on(led) };
        |  }
        |  fn g() {
        | +    unsafe { bindings::on(led) };
        |  }
        """,
    "edited": """
        | diff a.rs (whole)
        |  fn f() {
        | -    let x = unsafe { bindings::on(led) };
        | +    let x = unsafe { bindings::on(led, 1) };
        |  }
        """,
    "edited in two hunks without context": """
        | tree a.rs
        |  fn f() {
        |      unsafe { bindings::on(led) };
        |      a();
        |  }
        | diff a.rs
        | @@ 2 @@
        | -    unsafe { bindings::on(led) };
        | @@ 3 @@
        | +    unsafe { bindings::on(led, 1) };
        """,
    "moved within the file and edited": """
        | tree a.rs
        |  fn f() {
        |      unsafe { bindings::on(led) };
        |  }
        |  fn g() {}
        |  fn h() {}
        |  fn i() {}
        |  fn j() {}
        |  fn k() {}
        |  fn l() {}
        |  fn m() {}
        | diff a.rs
        | @@ 1 @@
        | -fn f() {
        | -    unsafe { bindings::on(led) };
        | -}
        | @@ 10 @@
        |  fn m() {}
        | +fn f() {
        | +    unsafe { bindings::on(led, 1) };
        | +}
        """,
    "moved to another file and edited": """
        | diff a.rs (whole)
        | -impl Led {
        | -    fn f() {
        | -        unsafe { bindings::on(led) };
        | -    }
        | -}
        |  fn g() {}
        | diff b.rs (new)
        | +pub(crate) fn f() {
        | +    unsafe { bindings::on(led, 1) };
        | +}
        """,
    "an impl that is moved to another file and edited": """
        | diff a.rs (whole)
        |  fn f() {}
        | -unsafe impl<T> Send for Led<T> {}
        | diff b.rs (new)
        | +unsafe impl<T: Send> Send for Led<T> {}
        """,
    "below a comment that the hunk cuts, moved within the file": """
        | diff a.rs
        | @@ 2 @@
        |  }
        |
        | -fn f() {
        | -    unsafe { bindings::on(led, state) };
        | -}
        | -
        |  /*
        |   * Isn't
        | @@ 40 @@
        |  }
        |
        | +fn f() {
        | +    unsafe { bindings::on(led, state) };
        | +}
        """,
    "a function that was perhaps in the implementation of a trait": """
        | diff a.rs
        | @@ 2 @@
        |      }
        |
        | -    unsafe fn on(&self) {}
        | +}
        | +
        | +unsafe fn on(&self) {}
        """,
    "split into another file of the patch": """
        | diff a.rs (whole)
        |  fn f() {}
        | -unsafe impl Send for LightEmittingDiode {}
        | diff b.rs (new)
        | +unsafe impl Send for LightEmittingDiode {}
        """,
    "moved by two patches": """
        | patch add
        | diff b.rs (new)
        | +fn f() {
        | +    unsafe { bindings::on(led, state) };
        | +}
        | patch remove
        | diff a.rs (deleted)
        | -fn f() {
        | -    unsafe { bindings::on(led, state) };
        | -}
        """,
    "renamed file": """
        | diff a.rs => b.rs (whole)
        |  fn f() {
        |      unsafe { bindings::on(led) };
        | -    a();
        | +    b();
        |  }
        """,
    "the block is extended": """
        | diff a.rs (whole)
        |  fn f() {
        |      // SAFETY: a
        |      unsafe {
        | +        bindings::off(led);
        |          bindings::on(led);
        |      }
        |  }
        """,
    "the comment is reworded": """
        | diff a.rs (whole)
        |  fn f() {
        | -    // SAFETY: a
        | +    // SAFETY: b
        |      unsafe { bindings::on(led) };
        |  }
        """,
    "the comment moves with the code": """
        | diff a.rs (whole)
        |  fn f() {
        | -    // SAFETY: a
        | -    unsafe { bindings::on(led) };
        |      a();
        | +    // SAFETY: a
        | +    unsafe { bindings::on(led) };
        |  }
        """,
    "old debt stays": """
        | diff a.rs (whole)
        |  fn f() {
        | +    a();
        |      unsafe { bindings::on(led) };
        |  }
        """,
    "moved from where its comment is not shown": """
        | diff a.rs
        | @@ 10 @@
        | -    unsafe { bindings::on(led, state) };
        |      a();
        | @@ 30 @@
        |  fn g() {
        | +    unsafe { bindings::on(led, state) };
        |  }
        """,
    "a long block is edited": f"""
        | diff a.rs (whole)
        |  fn f() {{
        | -    unsafe {{ bindings::first({"a, b, c, d, " * 20}e) }};
        | +    unsafe {{ bindings::second({"a, b, c, d, " * 20}f) }};
        |  }}
        """,
    "an undocumented function gets a parameter": """
        | diff a.rs (whole)
        | -unsafe fn on(led: u8) {}
        | +unsafe fn on(led: u8, state: u8) {}
        """,
}


@pytest.mark.parametrize("name", MOVED)
def test_moved_and_edited_code_is_not_new(name: str) -> None:
    assert [] == exposed(MOVED[name])


NEW = {
    "similar code in another function of another file": ("fn e", "unsafe { bindings::on(led, 1) }"),
    "other code in the same function of another file": ("fn f", "unsafe { *led.level.get() }"),
    "code that loses its comment in another file": ("fn d", "unsafe { bindings::off(led, 1) }"),
}


@pytest.mark.parametrize("name", NEW)
def test_code_in_another_file_is_new_if_its_function_and_text_do_not_say_where_it_was(name: str) -> None:
    head, code = NEW[name]

    site = exposed(f"""
        | diff a.rs (whole)
        | -fn f() {{
        | -    unsafe {{ bindings::on(led) }};
        | -}}
        | -fn d() {{
        | -    // SAFETY: a
        | -    unsafe {{ bindings::off(led) }};
        | -}}
        |  fn g() {{}}
        | diff b.rs (new)
        | +{head}() {{
        | +    {code};
        | +}}
        """)

    assert [(1, "b.rs", "added", "post", 2)] == site


def test_a_piece_that_moves_is_no_earlier_text_of_similar_code() -> None:
    site = exposed("""
        | diff a.rs (whole)
        | -fn f() {
        | -    unsafe { bindings::on(led, state) };
        | -}
        |  fn g() {}
        | diff b.rs (new)
        | +fn f() {
        | +    unsafe { bindings::on(led, state) };
        | +    unsafe { bindings::on(led, other) };
        | +}
        """)

    assert [(1, "b.rs", "added", "post", 3)] == site


def test_a_copy_is_new() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        |      unsafe { bindings::on(led) };
        | +    unsafe { bindings::on(led) };
        |  }
        """)

    assert [(1, "a.rs", "added", "post", 3)] == site


def test_a_removed_piece_stands_for_one_added_piece_only() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    unsafe { bindings::on(led) };
        |  }
        |  fn g() {
        | +    unsafe { bindings::on(led) };
        | +    unsafe { bindings::on(led) };
        |  }
        """)

    assert [(1, "a.rs", "added", "post", 5)] == site


def test_few_words_in_another_file_are_no_match() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    unsafe { *p };
        |  }
        | diff b.rs (new)
        | +fn g() {
        | +    let x = unsafe { *p };
        | +}
        """)

    assert [(1, "b.rs", "added", "post", 2)] == site


def test_code_that_has_its_comment_is_read_only_if_the_patch_removes_code(parsed_sources: list[RustSource]) -> None:
    items = "".join(
        f"        | +fn a{number}() {{\n        | +    // SAFETY: On.\n"
        f"        | +    unsafe {{ on({number}) }};\n        | +}}\n"
        for number in range(20)
    )

    found = exposed(f"""
        | diff a.rs (new)
{items}        | +fn b() {{
        | +    unsafe {{ on() }};
        | +}}
        """)

    assert [(1, "a.rs", "added", "post", 82)] == found
    assert 1 == len(parsed_sources)


def test_the_comment_is_removed() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    // SAFETY: a
        |      unsafe { bindings::on(led) };
        |  }
        """)

    assert [(1, "a.rs", "comment-removed", "pre", 2)] == site


def test_code_that_keeps_its_comment_where_it_moves_is_no_earlier_text_of_other_code() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    // SAFETY: a
        | -    unsafe { bindings::on(led) };
        | +    if ready {
        | +        // SAFETY: a
        | +        unsafe { bindings::on(led) };
        | +        unsafe { bindings::off(led) };
        | +    }
        |  }
        """)

    assert [(1, "a.rs", "added", "post", 5)] == site


def test_equal_code_with_and_without_a_comment_is_told_apart_when_it_moves() -> None:
    pieces = ["// SAFETY: a", "unsafe { led.on() };", "unsafe { led.on() };"]
    for after, unjustified in (
        (pieces, []),
        ([*pieces, pieces[1]], [(1, "a.rs", "added", "post", 5)]),
        (pieces[1:], [(1, "a.rs", "comment-removed", "post", 3)]),
        (pieces[2:], []),
        ([pieces[1], *pieces[:2]], []),
    ):
        before, moved = (
            "".join(f"        | {sign}{line}\n" for line in lines) for sign, lines in (("-", pieces), ("+    ", after))
        )

        assert (
            exposed(f"        | diff a.rs (whole)\n        |  fn f() {{\n{before}{moved}        |  }}\n") == unjustified
        )


def test_equal_code_on_other_lines_is_told_apart_when_it_moves() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    let a = unsafe { led.on() };
        | -    // SAFETY: a
        | -    let b = unsafe { led.on() };
        | +    if x {
        | +        let b = unsafe { led.on() };
        | +        let a = unsafe { led.on() };
        | +    }
        |  }
        """)

    assert [(1, "a.rs", "comment-removed", "post", 3)] == site


def test_a_comment_is_removed_below_code_that_never_had_one() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        |      unsafe { bindings::off(led) };
        | -    // SAFETY: a
        |      unsafe { bindings::on(led) };
        |  }
        """)

    assert [(1, "a.rs", "comment-removed", "pre", 3)] == site


def test_code_that_the_series_brought_and_removes_again_stands_for_no_earlier_code() -> None:
    site = exposed("""
        | patch one
        | diff a.rs (new)
        | +fn f() {
        | +    unsafe { bindings::on(led, state) };
        | +}
        | +fn g() {
        | +}
        | patch two
        | diff a.rs
        |  fn g() {
        | +    a();
        |  }
        | patch three
        | diff a.rs
        |      a();
        | +    // SAFETY: a
        | +    unsafe { bindings::on(led, state) };
        |  }
        | patch four
        | diff a.rs
        |      a();
        | -    // SAFETY: a
        | -    unsafe { bindings::on(led, state) };
        |  }
        """)

    assert [(1, "a.rs", "added", "post", 2)] == site


def test_a_function_that_needed_no_section_before_loses_none() -> None:
    declaration = exposed("""
        | diff a.rs (whole)
        |  impl Light for Led {
        | -    unsafe fn on(&self) {}
        |  }
        | +impl Led {
        | +    unsafe fn on(&self) {}
        | +}
        """)

    assert [(1, "a.rs", "added", "post", 4)] == declaration


def test_the_comment_is_lost_on_the_way() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    // SAFETY: a
        | -    unsafe { bindings::on(led) };
        |  }
        | +fn g() {
        | +    unsafe { bindings::on(led) };
        | +}
        """)

    assert [(1, "a.rs", "comment-removed", "post", 4)] == site


@pytest.mark.parametrize(("removed", "reported"), [("-    unsafe { on(led) };", 1), ("     let x = 1;", 3)])
def test_code_beyond_the_limit_of_comparisons_is_not_called_new_if_it_may_be_edited(
    monkeypatch: pytest.MonkeyPatch, removed: str, reported: int
) -> None:
    monkeypatch.setattr(unjustified_module, "_MAX_EDITED", 1)
    text = f"""
        | diff a.rs (whole)
        |  fn f() {{
        | {removed}
        | +    unsafe {{ *led.state(1) = Fan::new(speed, 100)? }};
        | +    unsafe {{ on(led, 2) }};
        | +    unsafe {{ on(led, 3) }};
        |  }}
        """

    assert len(exposed(text)) == reported


def test_a_word_that_is_renamed_in_many_blocks_is_found_without_a_comparison_of_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = [f"lamp::state(lamp.as_ptr(), {at}, lamp.level())" for at in range(40)]
    removed = "\n".join(f"        | -    unsafe {{ {call} }};" for call in calls)
    added = "\n".join(f"        | +    unsafe {{ {call.replace('lamp', 'light')} }};" for call in calls)
    matcher = Mock(side_effect=SequenceMatcher)
    monkeypatch.setattr("difflib.SequenceMatcher", matcher)

    assert exposed(f"\n        | diff a.rs (whole)\n        |  fn f() {{\n{removed}\n{added}\n        |  }}\n") == []
    assert matcher.call_count == 0


def test_a_comment_that_stays_is_parted_from_code_that_is_edited() -> None:
    site = exposed("""
        | diff a.rs (whole)
        |  fn f() {
        | -    // SAFETY: The light is on.
        | -    let x = with(|| unsafe { bindings::on(led) });
        | +    // SAFETY: The light is on.
        | +    let x = with(|| {
        | +        trace();
        | +        unsafe { bindings::on(led) }
        | +    });
        |  }
        """)

    assert [(1, "a.rs", "comment-parted", "post", 5)] == site


def test_the_comment_goes_to_something_new() -> None:
    site = exposed("""
        | diff a.rs (whole)
        | -// SAFETY: a
        | +// SAFETY: b
        | +unsafe impl Send for Led {}
        |  unsafe impl Sync for Led {}
        """)

    assert [(1, "a.rs", "comment-parted", "post", 3)] == site


def test_a_comment_that_is_added_above_other_code_of_the_hunk_replaces_nothing() -> None:
    site = exposed("""
        | diff a.rs (whole)
        | +// SAFETY: b
        |  unsafe impl Send for Led {}
        |
        | -// SAFETY: a
        |  unsafe impl Sync for Led {}
        """)

    assert [(1, "a.rs", "comment-removed", "pre", 3)] == site


def test_many_blocks_below_a_removed_comment_take_linear_time() -> None:
    def make(size: int) -> str:
        above, code = "|      // a\n" * (10 * size), "|      unsafe { on() },\n" * size
        return f"| diff a.rs (whole)\n|  fn f() {{\n| -    // SAFETY: a\n|      g([\n{above}{code}|      ]);\n|  }}\n"

    assert len(exposed(make(2))) == 2
    assert_linear(make, exposed, 100)


def test_of_many_equal_blocks_each_is_matched_with_one_of_its_state() -> None:
    pairs = ("// SAFETY: `led` is valid.", "unsafe { on(led) };", "unsafe { on(led) };") * 30
    removed, added = ("\n".join(f"        | {sign}{line}" for line in pairs) for sign in ("-    ", "+        "))

    assert [] == exposed(f"""
        | diff a.rs (whole)
        |  fn f() {{
{removed}
{added}
        |  }}
        """)


def test_a_line_between_the_comment_and_the_code_separates_them() -> None:
    """The hunk alone shows the file: the code itself is on no line that the patch touches."""
    site = exposed("""
        | diff a.rs
        |      // SAFETY: a
        | +    b();
        |      unsafe { bindings::on(led) };
        """)

    assert [(1, "a.rs", "comment-parted", "post", 103)] == site


def test_a_removed_line_between_the_comment_and_the_code_separates_nothing() -> None:
    site = exposed("""
        | diff a.rs
        |      // SAFETY: a
        |      unsafe { bindings::on(led) };
        | -    b();
        |      unsafe { bindings::off(led) };
        """)

    assert [] == site


def test_a_comment_removed_above_what_a_hunk_shows_is_left_alone() -> None:
    site = exposed("""
        | diff a.rs
        | -    // SAFETY: a
        |      unsafe { bindings::on(led) };
        """)

    assert [] == site


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("drivers/led/led.rs", b"use kernel::prelude::*;\n// std::ptr\n", True),
        ("lib/led/check.rs", b"use std::ptr;\n", False),
        ("rust/syn/led.rs", b"", False),
        ("rust/pin-init/src/lib.rs", b"use std::ptr;\n", True),
    ],
)
def test_whose_code_it_is(path: str, text: bytes, expected: bool) -> None:
    images = FileImages(Patch(1, ""), FileChange(None, path), None, build_new_file_image(path, text))
    (file,) = SeriesView(Series("", ()), NoTree(), Images((images,))).files

    assert expected is file.is_kernel_rust
