# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of a patch mail becomes a Patch: its log, its notes, and the changes of its diff.

What cannot be read is an Unreadable value with the line that is at fault; half a diff is never returned. Lines end at
"\\n" alone: form feeds and Unicode's line separators stand in real sources and belong to their line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk as Shape
from unidiff.patch import PatchSet

from rules.diff.header import read_header
from rules.diff.log import split_log
from rules.diff.patch import FileChange, Hunk, Line, Patch, Unreadable

MAX_FILES: Final = 10_000
"""A patch of more files is Unreadable: the largest renames of a whole tree have a few thousand."""

# Lines that are looked for in a whole diff begin with the newline above them: that one character is found fast.
_GIT = re.compile(r"\ndiff --(?:git|cc|combined) ")
_START = re.compile(r"\n(?:diff --(?:git|cc|combined) |--- [^\n]+\n\+\+\+ [^\n]+\n@@ -)")
_NOTES = re.compile(r"^---[ \t]*$", re.MULTILINE)
_IN_BODY_HEADER = re.compile(r"(?:From|Date|Subject): ")
_OUTSIDE_OF_HUNKS = re.compile(r"\n[^-+ \\@\r\n]")
_REASONS = {
    "Hunk is shorter than expected": "a hunk is shorter than it announces: cut off, or a wrapped line in it",
    "Hunk is longer than expected": "a hunk is longer than it announces",
    "Hunk diff line expected": "a line in a hunk that is neither added, removed nor context",
    "Unexpected hunk found": "a hunk is longer than it announces",
}


def read_patch(index: int, subject: str, body: str) -> Patch:
    """The patch that a mail's body holds: commit message, `---`, notes, diff.

    The diff begins at the first line `diff --git `, in a mail without one at the first `---`, `+++`, `@@`. A body
    without any diff gives a patch without changes.
    """
    text = body.replace("\r\n", "\n") if "\r\n" in body else body
    start = _diff_start(text)
    log, trailers, notes = _split_message(text[:start])
    changes = parse(text[start:])
    if isinstance(changes, Unreadable):
        above = text.count("\n", 0, start)
        damage = replace(changes, line=changes.line + above if changes.line else 0)
        return Patch(index, subject, log, trailers, notes, damage=damage)
    return Patch(index, subject, log, trailers, notes, changes)


def parse(diff: str) -> tuple[FileChange, ...] | Unreadable:
    """The file changes of a diff in its order; what stands above the first file or behind the last is ignored."""
    text = diff.replace("\r\n", "\n") if "\r\n" in diff else diff
    starts = [match.start() for match in _section_starts(text)]
    if not starts:
        return ()
    if len(starts) > MAX_FILES:
        return Unreadable(f"more than {MAX_FILES:,} files")
    changes: list[FileChange] = []
    line = 1 + text.count("\n", 0, starts[0])
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        section = text[start:end]
        change = _read_section(section)
        if isinstance(change, Unreadable):
            return replace(change, line=line + change.line)
        changes.append(change)
        line += section.count("\n")
    return tuple(changes)


def _diff_start(text: str) -> int:
    below = "\n" + text
    match = _GIT.search(below) or _START.search(below)
    return match.start() if match else len(text)


def _split_message(text: str) -> tuple[str, tuple[str, ...], str]:
    """Log, trailers and notes of what stands above the diff."""
    match = _NOTES.search(text)
    message, notes = (text[: match.start()], text[match.end() :]) if match else (text, "")
    lines = message.strip("\n").split("\n")
    while lines and _IN_BODY_HEADER.match(lines[0]):
        lines.pop(0)
    log, trailers = split_log("\n".join(lines))
    return log, trailers, notes.strip("\n")


def _section_starts(text: str) -> Iterator[re.Match[str]]:
    """Where the files of a diff start; the `---` line within a git header starts none."""
    git_header_open = False
    for match in _START.finditer("\n" + text):
        git = match[0].startswith("\ndiff")
        if git or not git_header_open:
            yield match
        git_header_open = git


def _read_section(section: str) -> FileChange | Unreadable:
    """One file of a diff; the line of an Unreadable counts from 0 here."""
    if not section.startswith(("diff --git ", "--- ")):
        return Unreadable("a combined diff of a merge")
    at = section.find("\n@@ -")
    lines = section[: at if at >= 0 else len(section)].split("\n")
    header = read_header(lines)
    if isinstance(header, str):
        return Unreadable(header)
    if header.change.binary:
        return header.change
    if at < 0:
        return header.change if header.moves else Unreadable("a file header without a change")
    stray = _OUTSIDE_OF_HUNKS.search(section, at)
    if stray and section.find("\n@@ -", stray.end()) >= 0:
        return Unreadable("text between hunks: wrapped or damaged lines", section.count("\n", 0, stray.end()))
    body = section[at + 1 : stray.start() if stray else len(section)].split("\n")
    if body[-1] == "" and stray is None:
        body.pop()
    hunks = _read_hunks(body, cut=stray is not None)
    if isinstance(hunks, Unreadable):
        return replace(hunks, line=hunks.line + len(lines))
    change = header.change
    if section.startswith("--- ") and len(hunks.hunks) == 1:
        change = _created_or_deleted(change, hunks.hunks[0])
    return replace(
        change,
        hunks=hunks.hunks,
        ends_without_newline_before="-" in hunks.bare,
        ends_without_newline_after="+" in hunks.bare,
    )


def _created_or_deleted(change: FileChange, hunk: Hunk) -> FileChange:
    """A plain diff says by its line numbers alone that a file is new or gone."""
    if hunk.before_start == hunk.before_count == 0:
        return replace(change, before=None)
    if hunk.after_start == hunk.after_count == 0:
        return replace(change, after=None)
    return change


@dataclass(frozen=True, slots=True)
class _Hunks:
    """The hunks of one file, and on which sides its last line has no line ending."""

    hunks: tuple[Hunk, ...]
    bare: frozenset[str]


def _read_hunks(lines: list[str], *, cut: bool) -> _Hunks | Unreadable:
    """The hunks in the lines behind a file's header; the line of an Unreadable counts from 0.

    `cut` says that a line follows that can stand in no hunk: the one at fault, where a hunk is too short.
    """
    source = iter([line or "\n" for line in lines])  # what unidiff needs of line endings
    try:
        files = PatchSet(chain(("--- a/file\n", "+++ b/file\n"), source), metadata_only=True)
    except (UnidiffParseError, ValueError) as error:
        reason = str(error).partition(":")[0]
        at_fault = len(lines) - len(list(source)) - 1 + (cut and reason == "Hunk is shorter than expected")
        return Unreadable(_REASONS.get(reason, reason), at_fault)
    hunks: list[Hunk] = []
    bare: frozenset[str] = frozenset()
    at = 0
    for shape in chain.from_iterable(files):
        while not lines[at].startswith("@@ -"):
            at += 1
        body, at, bare = _hunk_lines(lines, at + 1, shape)
        start, count = shape.source_start, shape.source_length
        hunks.append(Hunk(start, count, shape.target_start, shape.target_length, shape.section_header, body))
    return _rest_problem(lines, at) or _Hunks(tuple(hunks), bare)


def _hunk_lines(lines: list[str], at: int, shape: Shape) -> tuple[tuple[Line, ...], int, frozenset[str]]:
    """The lines of the hunk whose first one stands at `at`, where it ends, and the sides on which it ends bare.

    The counts were checked by unidiff.
    """
    before, after = shape.source_start, shape.target_start
    end_before, end_after = before + shape.source_length, after + shape.target_length
    new, taken = tuple.__new__, list[Line]()  # a NamedTuple's own constructor takes twice as long
    bare: set[str] = set()
    while before < end_before or after < end_after or (at < len(lines) and lines[at].startswith("\\")):
        raw = lines[at]
        at += 1
        marker = raw[:1]
        if marker == "+":
            taken.append(new(Line, (raw[1:], None, after)))
            after += 1
        elif marker == "-":
            taken.append(new(Line, (raw[1:], before, None)))
            before += 1
        elif marker == "\\":
            bare.update(taken[-1].marker.replace(" ", "+-") if taken else "")
        else:
            taken.append(new(Line, (raw[1:] if marker == " " else raw, before, after)))
            before += 1
            after += 1
    return tuple(taken), at, frozenset(bare)


def _rest_problem(lines: list[str], at: int) -> Unreadable | None:
    """What stands behind the last hunk must be no part of one: nothing, blank lines, a signature, b4's `---`."""
    for position in range(at, len(lines)):
        line = lines[position]
        if line.rstrip() in ("--", "---"):
            return None
        if line.startswith("@@"):
            return Unreadable("a damaged hunk header", position)
        if line[:1] in ("+", "-") or (line and position == at):
            return Unreadable("a hunk is longer than it announces", position)
    return None
