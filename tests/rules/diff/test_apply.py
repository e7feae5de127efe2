# SPDX-License-Identifier: GPL-2.0-or-later
"""Hunks that are applied to a file that other series have changed."""

import pytest

from rules.diff.apply import apply_with_little_context, apply_with_offset
from rules.diff.patch import FileChange, Hunk, Line
from tests.growth import assert_linear

CONTENT = b"a\nb\nc\nd\ne\nf\ng\n"


def _change(*hunks: tuple[int, str]) -> FileChange:
    """Return a change by the first line of each hunk and its lines with their markers, separated by spaces."""
    made = []
    for first, text in hunks:
        before = after = first
        lines = []
        for word in text.split():
            lines.append(Line(word[1:], None if word[0] == "+" else before, None if word[0] == "-" else after))
            before += word[0] != "+"
            after += word[0] != "-"
        made.append(Hunk.of(first, before - first, first, after - first, "", tuple(lines)))
    return FileChange("a.rs", "a.rs", tuple(made))


@pytest.mark.parametrize(
    ("hunks", "expected"),
    [
        ([(1, "=x =b =c -d +D =e =f =x")], b"a\nb\nc\nD\ne\nf\ng\n"),
        ([(40, "=c -d +D =e")], b"a\nb\nc\nD\ne\nf\ng\n"),
        ([(1, "=x =a +A =b =x"), (5, "=x =e -f =g")], b"a\nA\nb\nc\nd\ne\ng\n"),
        ([(1, "-a +A =b =x =x")], b"A\nb\nc\nd\ne\nf\ng\n"),
        ([(3, "=c -d +D =x")], None),
        ([(3, "=c =x -d +D =e")], None),
        ([(5, "=e -f =g"), (1, "=a -b =c")], None),
        ([(1, "+A")], None),
    ],
)
def test_one_line_of_context_is_enough(hunks: list[tuple[int, str]], expected: bytes | None) -> None:
    assert apply_with_little_context(CONTENT, _change(*hunks)) == expected


def test_a_place_must_be_the_only_one_and_with_all_context_the_nearest() -> None:
    content, change = b"a\nb\nc\na\nb\nc\n", _change((4, "=a -b +B =c"))

    assert apply_with_little_context(content, change) is None
    assert apply_with_offset(content, change) == b"a\nb\nc\na\nB\nc\n"


@pytest.mark.parametrize("apply", [apply_with_offset, apply_with_little_context])
def test_many_hunks_at_other_lines_take_linear_time(apply: object) -> None:
    def make(number: int) -> tuple[bytes, FileChange]:
        content = b"z\n" + b"".join(b"a%d\n{\nb%d\n}\n" % (index, index) for index in range(number))
        return content, _change(*((4 * index + 1, f"=a{index} ={{ -b{index} =}}") for index in range(number)))

    def read(given: tuple[bytes, FileChange]) -> None:
        assert callable(apply)
        assert apply(*given) is not None

    assert_linear(make, read, 300)
