# SPDX-License-Identifier: GPL-2.0-or-later
"""Removed lines are identified by their text and neighbours, not by their numbers."""

import pytest

from rules.diff.parse import parse
from rules.diff.patch import FileChange, Hunk
from rules.diff.rewrites import Rewrite, digest, find_rewrites, is_significant

_HEAD = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n"
_BODY = " int a;\n {{\n-\tcall(old);\n+\tcall({0});\n }}\n end();\n"


def _change(diff: str) -> FileChange:
    changes = parse(diff)
    assert isinstance(changes, tuple)
    return changes[0]


def _numbered(hunks: str, head: str = _HEAD) -> list[tuple[int, Rewrite]]:
    return list(find_rewrites(_change(head + hunks)))


def _rewrites(hunks: str, head: str = _HEAD) -> list[Rewrite]:
    return [rewrite for _, rewrite in _numbered(hunks, head)]


def _hunk(line: int = 10, new: str = "new", body: str = _BODY) -> str:
    return f"@@ -{line},5 +{line},5 @@ f\n{body.format(new)}"


def test_the_same_line_has_one_identity_at_any_number_and_replacement() -> None:
    ((number, first),) = _numbered(_hunk())
    ((moved_number, moved),) = _numbered(_hunk(line=90, new="other"))

    assert (first.text, number, moved_number) == ("\tcall(old);", 12, 92)
    assert first.identity == moved.identity
    assert first.replacement != moved.replacement


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("a b\n\tc\x1c", "abcee480c6edacd1"),
        ("ab", "0e52b5f187de1088"),
        ("\u00e9\u00a0x\ny", "32394aefd398ff9a"),
    ],
)
def test_a_stored_digest_stays_valid_and_white_space_does_not_count(lines: str, expected: str) -> None:
    without_spaces = "\n".join("".join(line.split()) for line in lines.split("\n"))

    assert digest(lines) == digest(without_spaces) == expected


def test_equal_replacements_are_equal() -> None:
    assert _rewrites(_hunk())[0].replacement == _rewrites(_hunk(line=20))[0].replacement


@pytest.mark.parametrize("changed", [_BODY.replace("int a", "int b"), _BODY.replace("end()", "stop()")])
def test_the_same_text_in_another_place_has_another_identity(changed: str) -> None:
    assert _rewrites(_hunk())[0].identity != _rewrites(_hunk(body=changed))[0].identity


def test_a_line_at_the_end_of_a_hunk_keeps_its_stored_identity() -> None:
    (last,) = _rewrites("@@ -1,2 +1 @@\n int a;\n-\tcall(old);\n")
    (above_the_end,) = _rewrites("@@ -1,3 +1,2 @@\n int a;\n-\tcall(old);\n end();\n")
    (above_a_blank_line,) = _rewrites("@@ -1,4 +1,3 @@\n int a;\n-\tcall(old);\n end();\n \n")

    identities = [rewrite.identity for rewrite in (last, above_the_end, above_a_blank_line)]
    assert identities == ["4441da9f09496fda", "3e3fa93eb965d597", "e8d3b493c8db8a52"]


def test_a_deleted_file_has_all_its_lines_without_a_replacement() -> None:
    head = "diff --git a/a.c b/a.c\ndeleted file mode 100644\n--- a/a.c\n+++ /dev/null\n"
    lines = "-int a;\n-{\n-\tcall(old);\n-}\n-end();\n"

    rewrites = _rewrites(f"@@ -1,5 +0,0 @@\n{lines}", head)

    assert [(rewrite.text, rewrite.replacement) for rewrite in rewrites] == [
        ("int a;", ""),
        ("\tcall(old);", ""),
    ]
    assert rewrites[1].identity == _rewrites(_hunk())[0].identity


def test_long_hunks_are_read_as_short_ones_are() -> None:
    body = "".join(f"-\tcall(old_{at});\n {at};\n" for at in range(400))
    hunk = f"@@ -1,800 +1,400 @@\n{body}"

    rewrites = _numbered(hunk)

    assert [(number, rewrite.text) for number, rewrite in rewrites] == [
        (2 * at + 1, f"\tcall(old_{at});") for at in range(400)
    ]
    short = _numbered("@@ -99,5 +99,2 @@\n-\tcall(old_4);\n 4;\n-\tcall(old_5);\n 5;\n-\tcall(old_6);\n")
    assert short[1] == (101, rewrites[5][1]._replace(row=2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\tcall(old);", True),
        ("obj-$(CONFIG_LED) += led.o", True),
        ("*led = value;", True),
        ("}", False),
        ("\treturn ret;", False),
        ("// Lights the LED.", False),
        (" * Lights the LED.", False),
        ("#include <linux/led.h>", False),
        ("# Lights the LED", False),
        ("#define LED_ON 1", True),
        ("pub(crate) use crate::led::Led;", False),
        ("    led::{self, Led},", False),
        ("    Led::new(1),", True),
    ],
)
def test_imports_comments_and_braces_identify_no_place(text: str, expected: bool) -> None:
    assert is_significant(text) is expected


def test_a_text_without_markers_has_unchanged_lines_and_breaks_nothing() -> None:
    """No reader makes such a hunk, but a value can contain one, and what it shows may be hostile."""
    hunk = Hunk(1, 2, 1, 1, "", "-\tcall(old);\n\n")

    assert [(line.text, line.marker) for line in hunk.lines] == [("\tcall(old);", "-"), ("", " ")]
    assert len(list(find_rewrites(FileChange("a.c", "a.c", (hunk,))))) == 1
