# SPDX-License-Identifier: GPL-2.0-or-later
"""A change laid onto a file that is not exactly the one it was made for: hunks may have moved, lines may not differ."""

from rules.diff.patch import FileChange, Hunk


def fit(content: bytes, change: FileChange) -> bytes | None:
    """The file after the change, each hunk where its lines stand, nearest to where it says; None if one stands nowhere.

    What comes out is likely, never proven: the announced blob id is not asked.
    """
    if any(_before(hunk).encode("utf-8", "surrogateescape") not in content for hunk in change.hunks):
        return None  # most hunks that do not fit stand nowhere, which the bytes tell fastest
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    result: list[str] = []
    at = 0
    for hunk in change.hunks:
        start = _place(lines, hunk, at)
        if start is None:
            return None
        result += lines[at:start]
        result += [line.text for line in hunk.lines if not line.removed]
        at = start + sum(not line.added for line in hunk.lines)
    result += lines[at:]
    return "\n".join(result).encode("utf-8", "surrogateescape")


def _before(hunk: Hunk) -> str:
    return "\n".join(line.text for line in hunk.lines if not line.added)


def _place(lines: list[str], hunk: Hunk, least: int) -> int | None:
    """The index of the hunk's first line, no earlier than `least`."""
    wanted = [line.text for line in hunk.lines if not line.added]
    if not wanted:
        start = hunk.before_start
        return start if least <= start <= len(lines) else None
    told = hunk.before_start - 1
    if told >= least and lines[told : told + len(wanted)] == wanted:
        return told
    found = [
        index
        for index in range(least, len(lines) - len(wanted) + 1)
        if lines[index] == wanted[0] and lines[index : index + len(wanted)] == wanted
    ]
    found.sort(key=lambda index: abs(index - told))
    return found[0] if found else None
