# SPDX-License-Identifier: GPL-2.0-or-later
"""What was there before, moved or edited, is not new."""

from collections.abc import Iterator
from functools import partial

from rules.analysis.introduced import Occurrence, introduced
from rules.lint.engine import view
from rules.lint.example import load
from rules.lint.rule import Example
from rules.source.rust.source import RustSource


def calls(source: RustSource) -> Iterator[Occurrence]:
    """Every line that calls `bad`."""
    for line, text in enumerate(source.code.split("\n"), source.first_line):
        if "bad(" in text:
            yield Occurrence("bad", line, 1)


def blocks(source: RustSource) -> Iterator[Occurrence]:
    """Every unsafe block."""
    for site in source.unsafe_sites:
        yield Occurrence(site.scope, site.line, site.column)


def lines(text: str) -> list[tuple[str, int]]:
    loaded = load(Example("e", text))
    files = view(loaded.series, loaded.tree).files
    return [(file.path, suspect.line) for file in files for suspect in introduced(file, "bad", calls)]


def test_added_is_new() -> None:
    assert lines("| diff a.rs (new)\n| +bad(1)\n| +good\n| +bad(2)\n") == [("a.rs", 1), ("a.rs", 3)]


def test_edited_moved_and_context_are_not() -> None:
    assert lines("| diff a.rs\n|  bad(0)\n| -bad(1)\n| +bad(2)\n") == []
    assert lines("| diff a.rs\n| -bad(1)\n| diff b.rs (new)\n| +    bad(1)\n") == []
    assert lines("| diff a.rs\n| -bad(1)\n| diff b.rs (new)\n| +bad(2)\n") == []


def test_one_more_than_before_is_new() -> None:
    assert lines("| diff a.rs\n| @@ 9 @@\n| -bad(1)\n| +bad(2)\n| +bad(3)\n") == [("a.rs", 10)]


def test_the_files_of_a_patch_share_what_it_removes() -> None:
    number, searched = 20, list[RustSource]()

    def detect(source: RustSource, *, is_kept: bool) -> Iterator[Occurrence]:
        searched.append(source)
        return calls(source) if is_kept else iter(())

    loaded = load(Example("e", "".join(f"| diff a{at}.rs\n| -bad(1)\n| +bad(2)\n| +bad(3)\n" for at in range(number))))
    files = view(loaded.series, loaded.tree).files
    found = [suspect.line for file in files for suspect in introduced(file, "bad", partial(detect, is_kept=True))]

    assert found == []
    assert len(searched) == 2 * number


def test_a_deleted_file_has_nothing_new() -> None:
    assert lines("| diff a.rs (deleted)\n| -bad(1)\n") == []


def test_the_same_in_the_parsed_source() -> None:
    text = "| diff a.rs (whole)\n|  fn f() {\n"
    text += "| -    unsafe { a(1) };\n| +    unsafe { a(2) };\n| +    unsafe { a(3) };\n|  }\n"
    loaded = load(Example("e", text))
    (file,) = view(loaded.series, loaded.tree).files

    assert [suspect.line for suspect in introduced(file, "unsafe", blocks)] == [3]
