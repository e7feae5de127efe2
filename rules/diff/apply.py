# SPDX-License-Identifier: GPL-2.0-or-later
"""Apply the hunks of a diff to the bytes of a file."""

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
    hunks = [(_lines_on(hunk, "pre"), hunk) for hunk in change.hunks]
    # Most hunks that do not fit are nowhere in the file. A search in the bytes shows this fastest.
    if any(b"\n".join(before) not in content for before, _ in hunks):
        return None
    lines = content.split(b"\n")
    result: list[bytes] = []
    at = 0
    for before, hunk in hunks:
        start = _find_lines(lines, before, at, hunk.before_start)
        if start is None:
            return None
        result += lines[at:start]
        result += _lines_on(hunk, "post")
        at = start + len(before)
    return b"\n".join([*result, *lines[at:]])


def _lines_on(hunk: Hunk, side: Side) -> list[bytes]:
    return hunk.text_on(side).encode("utf-8", "surrogateescape").split(b"\n")[:-1]


def _find_lines(lines: list[bytes], wanted: list[bytes], first: int, announced: int) -> int | None:
    """Return the index at or after `first` where the lines stand, nearest to the line number `announced`."""
    if not wanted:
        return announced if first <= announced <= len(lines) else None
    expected = announced - 1
    if expected >= first and lines[expected : expected + len(wanted)] == wanted:
        return expected
    indexes = (
        index
        for index in range(first, len(lines) - len(wanted) + 1)
        if lines[index] == wanted[0] and lines[index : index + len(wanted)] == wanted
    )
    return min(indexes, key=lambda index: abs(index - expected), default=None)
