# SPDX-License-Identifier: GPL-2.0-or-later
"""Quotations of a patch, cut hard: only the lines that lead to a remark, the rest is `[ ... ]`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.review.finding_group import FindingGroup
from bot.review.render.text import visible
from rules.diff.patch import FileChange, Hunk, Patch
from rules.finding import Anchor, LogAnchor

CUT: Final = "> [ ... ]"
_BEFORE: Final = 4  # lines quoted above the line that a remark is about
_WIDEST: Final = 120  # characters of a quoted line; what is beyond is generated or hostile


@dataclass(frozen=True, slots=True)
class Quoted:
    """A piece of quotation and the remarks that stand below it."""

    lines: tuple[str, ...]
    remarks: tuple[FindingGroup, ...]


def quoted(line: str) -> str:
    """One line as a reply quotes it, never wrapped, cut only where it is absurdly long."""
    text = visible(line)
    if not text:
        return ">"
    return f"> {text}" if len(text) <= _WIDEST else f"> {text[:_WIDEST]} [ ... ]"


def quotations(patch: Patch, remarks: Iterable[FindingGroup]) -> Iterator[Quoted]:
    """The remarks on one patch in the order of its text, each under the quoted line it is about."""
    waiting = list(remarks)
    logged = [remark for remark in waiting if isinstance(remark.first.anchor, LogAnchor)]
    for remark in sorted(logged, key=lambda remark: remark.first.anchor.line):
        start = (CUT,) if remark.first.anchor.line > 1 else ()
        yield Quoted((*start, quoted(remark.first.anchor.text)), (remark,))
    for change in patch.changes:
        here = [remark for remark in waiting if remark.first.path == change.path]
        if here:
            yield from _of_file(change, here)
    known = set(patch.paths)
    for remark in waiting:
        anchor = remark.first.anchor
        if isinstance(anchor, Anchor) and anchor.path not in known:
            yield Quoted((quoted(f"{anchor.path}:"), quoted(f" {anchor.text}")), (remark,))


def _of_file(change: FileChange, remarks: Sequence[FindingGroup]) -> Iterator[Quoted]:
    header = [quoted(f"--- a/{change.before}" if change.before else "--- /dev/null")]
    header.append(quoted(f"+++ b/{change.after}" if change.after else "+++ /dev/null"))
    placed: dict[tuple[int, int], list[FindingGroup]] = {}
    for remark in remarks:
        placed.setdefault(_place(change, remark), []).append(remark)
    hunk_before, line_before = -1, -1
    for (hunk_index, line_index), here in sorted(placed.items(), key=lambda item: item[0]):
        if hunk_index == len(change.hunks):
            yield from (Quoted((*header, CUT, quoted(f" {_text(remark)}")), (remark,)) for remark in here)
            header = []
            continue
        hunk = change.hunks[hunk_index]
        same = hunk_index == hunk_before
        start = max(line_before + 1 if same else 0, _start(hunk, line_index))
        lines = header if same else [*header, quoted(_head(hunk))]
        if start > (line_before + 1 if same else 0):
            lines = [*lines, CUT]
        lines += [quoted(f"{line.marker}{line.text}".rstrip()) for line in hunk.lines[start : line_index + 1]]
        yield Quoted(tuple(lines), tuple(sorted(here, key=lambda group: -group.severity.rank)))
        header, hunk_before, line_before = [], hunk_index, line_index


def _start(hunk: Hunk, line: int) -> int:
    """Where the quotation of that line begins: a few lines above, but not with a blank one or a closing brace."""
    start = max(0, line - _BEFORE)
    while start < line and hunk.lines[start].text.strip() in ("", "}", "},", "};", ")", ");"):
        start += 1
    return start


def _place(change: FileChange, remark: FindingGroup) -> tuple[int, int]:
    """Which hunk, and which line of it, a remark is about; the number of hunks where none shows the line."""
    anchor = remark.first.anchor
    assert isinstance(anchor, Anchor)
    for hunk_index, hunk in enumerate(change.hunks):
        for line_index, line in enumerate(hunk.lines):
            if (line.before if anchor.side == "pre" else line.after) == anchor.line:
                return hunk_index, line_index
    return len(change.hunks), anchor.line


def _text(remark: FindingGroup) -> str:
    return remark.first.anchor.text


def _head(hunk: Hunk) -> str:
    before, after = (f"{hunk.before_start},{hunk.before_count}", f"{hunk.after_start},{hunk.after_count}")
    return f"@@ -{before} +{after} @@ {hunk.heading}".rstrip()
