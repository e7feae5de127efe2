# SPDX-License-Identifier: GPL-2.0-or-later
"""Apply the hunks of a diff to the bytes of a file."""

from collections.abc import Mapping, Sequence
from itertools import islice, takewhile

from rules.diff.patch import FileChange, Hunk
from rules.finding import Side


def apply_exactly(content: bytes, change: FileChange) -> bytes | None:
    """Return the file after the change; None unless each hunk fits exactly at its line.

    No offset and no fuzz are allowed, and a missing newline at the end of the file must be announced.
    """
    lines = content.split(b"\n")
    lacks_newline = lines[-1] != b""
    if not lacks_newline:
        lines.pop()
    result: list[bytes] = []
    at = 0
    for hunk in change.hunks:
        start = hunk.before_start - 1 if hunk.before_count else hunk.before_start
        if start < at or start > len(lines):
            return None
        result += lines[at:start]
        if hunk.after_count and hunk.after_start != len(result) + 1:
            return None
        before = _lines_on(hunk, "pre")
        at = start + len(before)
        if lines[start:at] != before:
            return None
        result += _lines_on(hunk, "post")
    reaches_end = at == len(lines) and bool(change.hunks)
    if reaches_end:
        if change.ends_without_newline_before != lacks_newline:
            return None
        lacks_newline = change.ends_without_newline_after
    result += lines[at:]
    return b"\n".join(result) + (b"" if lacks_newline else b"\n") if result else b""


def apply_with_offset(content: bytes, change: FileChange) -> bytes | None:
    """Return the file after the change, with each hunk applied where its lines stand, nearest to its announced line.

    Return None if the lines of a hunk stand nowhere. The result is likely but not proven: blob ids are not compared.
    """
    return _apply(content, [(hunk.before_start, *_sides(hunk)) for hunk in change.hunks], is_unique=False)


def apply_with_little_context(content: bytes, change: FileChange) -> bytes | None:
    """Return the file after the change, with one line of context around each hunk, as `git apply -C1` does.

    Return None if the lines of a hunk stand nowhere, or at several places. This is for a file that another series has
    changed nearby: git merges such changes.
    """
    hunks = []
    for hunk in change.hunks:
        before, after = _sides(hunk)
        leading = max(0, _count_equal(before, after) - 1)
        trailing = max(0, _count_equal(before[:leading:-1], after[:leading:-1]) - 1)
        hunks.append(
            (
                hunk.before_start + leading,
                before[leading : len(before) - trailing],
                after[leading : len(after) - trailing],
            )
        )
    return _apply(content, hunks, is_unique=True)


def _count_equal(lines: Sequence[bytes], others: Sequence[bytes]) -> int:
    """Return how many lines are equal at the start of both."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(lines, others, strict=False)))


def _apply(content: bytes, hunks: Sequence[tuple[int, list[bytes], list[bytes]]], *, is_unique: bool) -> bytes | None:
    """Replace the lines of each hunk: its announced first line, and its lines before and after."""
    # Most hunks that do not fit are nowhere in the file. A search in the bytes shows this fastest.
    if any(b"\n".join(before) not in content for _, before, _ in hunks):
        return None
    lines = content.split(b"\n")
    numbers: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        numbers.setdefault(line, []).append(number)
    result: list[bytes] = []
    at = 0
    for announced, before, after in hunks:
        start = _find_lines(lines, numbers, before, at, announced, is_unique=is_unique)
        if start is None:
            return None
        result += lines[at:start]
        result += after
        at = start + len(before)
    return b"\n".join([*result, *lines[at:]])


def _sides(hunk: Hunk) -> tuple[list[bytes], list[bytes]]:
    return _lines_on(hunk, "pre"), _lines_on(hunk, "post")


def _lines_on(hunk: Hunk, side: Side) -> list[bytes]:
    return hunk.text_on(side).encode("utf-8", "surrogateescape").split(b"\n")[:-1]


def _find_lines(
    lines: Sequence[bytes],
    numbers: Mapping[bytes, Sequence[int]],
    wanted: Sequence[bytes],
    first: int,
    announced: int,
    *,
    is_unique: bool,
) -> int | None:
    """Return the index at or after `first` where the lines stand, nearest to the line number `announced`.

    `numbers` has the indexes of each line. With `is_unique`, return None if the lines stand at several places.
    """
    if not wanted:
        return announced if first <= announced <= len(lines) and not is_unique else None
    expected = announced - 1
    if not is_unique and expected >= first and lines[expected : expected + len(wanted)] == wanted:
        return expected
    rarest = min(range(len(wanted)), key=lambda index: len(numbers.get(wanted[index], ())))
    places = (number - rarest for number in numbers.get(wanted[rarest], ()))
    found = (start for start in places if start >= first and lines[start : start + len(wanted)] == wanted)
    if is_unique:
        starts = list(islice(found, 2))
        return starts[0] if len(starts) == 1 else None
    return min(found, key=lambda start: abs(start - expected), default=None)
