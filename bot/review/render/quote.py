# SPDX-License-Identifier: GPL-2.0-or-later
"""Quote a patch: only the lines just above a finding. `[ ... ]` stands for all other lines."""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.review.finding_group import FindingGroup
from bot.review.render.text import visible
from rules.diff.patch import FileChange, Hunk, Patch
from rules.finding import Anchor, LogAnchor
from rules.lazy import dataclass

CUT: Final = "> [ ... ]"
_LINES_ABOVE: Final = 4  # The number of quoted lines above the line of a finding.
_MAX_WIDTH: Final = 120  # Characters of a quoted line. Longer lines are generated or hostile.


@dataclass(frozen=True, slots=True)
class Quotation:
    """Quotation lines and the groups of findings below them."""

    lines: tuple[str, ...]
    groups: tuple[FindingGroup, ...]


def quoted(line: str) -> str:
    """Return a line as a reply quotes it, never wrapped, but cut to `_MAX_WIDTH`."""
    text = visible(line)
    if not text:
        return ">"
    return f"> {text}" if len(text) <= _MAX_WIDTH else f"> {text[:_MAX_WIDTH]} [ ... ]"


def quotations(patch: Patch, groups: Sequence[FindingGroup]) -> Iterator[Quotation]:
    """Yield the groups of one patch in the order of its text, each under the quoted line of its first finding."""
    in_log = [group for group in groups if isinstance(group.first.anchor, LogAnchor)]
    for group in sorted(in_log, key=lambda group: group.first.anchor.line):
        start = (CUT,) if group.first.anchor.line > 1 else ()
        yield Quotation((*start, quoted(group.first.anchor.text)), (group,))
    for change in patch.changes:
        in_file = [group for group in groups if group.first.path == change.path]
        if in_file:
            yield from _of_file(change, in_file)
    known = set(patch.paths)
    for group in groups:
        anchor = group.first.anchor
        if isinstance(anchor, Anchor) and anchor.path not in known:
            yield Quotation((quoted(f"{anchor.path}:"), quoted(f" {anchor.text}")), (group,))


def _of_file(change: FileChange, groups: Sequence[FindingGroup]) -> Iterator[Quotation]:
    header = [quoted(f"--- a/{change.before}" if change.before else "--- /dev/null")]
    header.append(quoted(f"+++ b/{change.after}" if change.after else "+++ /dev/null"))
    placed: dict[tuple[int, int], list[FindingGroup]] = {}
    for group in groups:
        placed.setdefault(_place(change, group), []).append(group)
    hunk_before, line_before = -1, -1
    for (hunk_index, line_index), groups_here in sorted(placed.items(), key=lambda item: item[0]):
        if hunk_index == len(change.hunks):
            yield from (Quotation((*header, CUT, quoted(f" {_text(group)}")), (group,)) for group in groups_here)
            header = []
            continue
        hunk = change.hunks[hunk_index]
        is_same_hunk = hunk_index == hunk_before
        start = max(line_before + 1 if is_same_hunk else 0, _start(hunk, line_index))
        lines = header if is_same_hunk else [*header, quoted(_head(hunk))]
        if start > (line_before + 1 if is_same_hunk else 0):
            lines = [*lines, CUT]
        lines += [quoted(f"{line.marker}{line.text}".rstrip()) for line in hunk.lines[start : line_index + 1]]
        yield Quotation(tuple(lines), tuple(sorted(groups_here, key=lambda group: -group.severity.rank)))
        header, hunk_before, line_before = [], hunk_index, line_index


def _start(hunk: Hunk, line: int) -> int:
    """Return the index of the first quoted line: a few lines above, but not a blank line or a closing brace."""
    start = max(0, line - _LINES_ABOVE)
    while start < line and hunk.lines[start].text.strip() in ("", "}", "},", "};", ")", ");"):
        start += 1
    return start


def _place(change: FileChange, group: FindingGroup) -> tuple[int, int]:
    """Return the indices of the hunk and of the line in it; the number of hunks if no hunk shows the line."""
    anchor = group.first.anchor
    assert isinstance(anchor, Anchor)
    number = 1 if anchor.side == "pre" else 2  # the field of a line
    for hunk_index, hunk in enumerate(change.hunks):
        # A number grows by at most one from line to line, so the lines before this one are not looked at.
        first = anchor.line - (hunk.before_start if anchor.side == "pre" else hunk.after_start)
        if first >= 0:
            for line_index in range(first, len(hunk.lines)):
                if hunk.lines[line_index][number] == anchor.line:
                    return hunk_index, line_index
    return len(change.hunks), anchor.line


def _text(group: FindingGroup) -> str:
    return group.first.anchor.text


def _head(hunk: Hunk) -> str:
    before, after = (f"{hunk.before_start},{hunk.before_count}", f"{hunk.after_start},{hunk.after_count}")
    return f"@@ -{before} +{after} @@ {hunk.heading}".rstrip()
