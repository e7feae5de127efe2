# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the later patch of a series that removes what a finding is about.

All findings of a file are followed together, patch by patch. A patch costs as much as its hunks and the findings in
them, and one addition for each finding below a hunk, so that many findings before many patches stay cheap.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import FileView, SeriesView
from rules.diff.image import Image
from rules.diff.patch import FileChange, Hunk
from rules.finding import Anchor, Finding
from rules.lazy import dataclass, re

Audited = Callable[[str, Image], frozenset[int] | None]
"""Return the lines at which the rule with that id reports something in an image, all of whose lines count as new.

None says that the image was not examined, because the series reached a limit of the analysis.
"""

_AddedLines = dict[str, list[tuple[FileView, int]]]


def _collect_added_lines(series: SeriesView, _: Results) -> dict[int, _AddedLines]:
    lines: dict[int, _AddedLines] = {}
    for file in series.files:
        by_text = lines.setdefault(file.patch.index, {})
        for line in file.added:
            if line.after is not None:
                by_text.setdefault(line.text.strip(), []).append((file, line.after))
    return lines


_ADDED_LINES: Final = Analysis("added-lines", _collect_added_lines)
"""The files and numbers of all lines that a patch adds, by their stripped text, by the index of the patch."""

_line = attrgetter("line")
_WORD: Final = re.compile(r"\w+")
_MAX_COMPARED: Final = 20  # lines that are compared with that of a finding
_MAX_PARTIAL_FILES: Final = 2  # if there are two, one is not that of the finding


@dataclass(slots=True)
class _FollowedFinding:
    """A finding, and its line in the current image."""

    finding: Finding
    line: int


def fixed_later(findings: Iterable[Finding], series: SeriesView, audited: Audited) -> dict[int, int]:
    """Return the index of the patch that fixes a finding, by the `id` of the finding. Other findings are left out.

    A finding's line is followed through the later hunks of its file. A patch fixes the finding if the rule reports it
    in the pre-image of the patch, but not in the post-image, or if the patch removes the code and does not add it
    elsewhere with the finding. Both images are read alone, so that code that a partial image does not show does not
    count as fixed. Neither does unexamined code.
    """
    by_file = _by_file(findings, series, audited)
    follower = _Follower(series, audited)
    arriving: dict[int, list[_FollowedFinding]] = {}
    for file in series.files:
        followed = follower.pass_patch(file, arriving.pop(id(file), []))
        followed += by_file.get(id(file), ())
        if followed and (later := series.next_change(file)) is not None:
            arriving.setdefault(id(later), []).extend(followed)
    return follower.fixed


def _by_file(findings: Iterable[Finding], series: SeriesView, audited: Audited) -> dict[int, list[_FollowedFinding]]:
    """Return the findings that can be followed, by the `id` of the first file of their patch that has their path."""
    files: dict[tuple[int, str | None], FileView] = {}
    for file in series.files:
        files.setdefault((file.patch.index, file.change.after), file)
        files.setdefault((file.patch.index, file.change.before), file)
    followed: dict[int, list[_FollowedFinding]] = {}
    reported: dict[tuple[str, int], list[int]] = {}
    for finding in findings:
        anchor = finding.anchor
        if not isinstance(anchor, Anchor):
            continue
        anchored = files.get((anchor.patch, anchor.path))
        line = None if anchored is None else _first_line(anchored.change, anchor)
        if anchor.side == "pre" and line is not None and anchored is not None and series.next_change(anchored):
            # The code whose comment is removed may be some lines below the place of the comment.
            key = finding.rule, id(anchored)
            if key not in reported:
                reported[key] = sorted((anchored.post and audited(finding.rule, anchored.post)) or ())
            at = bisect_left(reported[key], line)
            line = reported[key][at] if at < len(reported[key]) else line
        if anchored is not None and line is not None:
            followed.setdefault(id(anchored), []).append(_FollowedFinding(finding, line))
    return followed


class _Follower:
    """Moves findings from the image before a patch to the image after it, and records those that the patch fixes."""

    def __init__(self, series: SeriesView, audited: Audited) -> None:
        self.fixed: dict[int, int] = {}
        self._series = series
        self._audited = audited
        self._moved: dict[tuple[int, str, str], frozenset[int]] = {}

    def pass_patch(self, file: FileView, followed: list[_FollowedFinding]) -> list[_FollowedFinding]:
        """Return the findings that the next patch has to follow, with their new lines."""
        if not followed:
            return []
        followed.sort(key=_line)
        if file.change.is_deleted:
            self._note_removed(followed, file)
            return []
        if file.pre is None or file.post is None:
            return []
        remaining: list[_FollowedFinding] = []
        for hunks, part, shift in _parts(file.hunk_groups, followed):
            remaining += self._inside(part, hunks, file) if hunks else self._beside(part, shift, file)
        return remaining

    def _beside(self, part: Iterable[_FollowedFinding], shift: int, file: FileView) -> Iterator[_FollowedFinding]:
        """Yield findings outside of all hunks with their new lines. A change elsewhere in the file may fix them."""
        lines_before = _ImageLines(file.pre)
        for item in part:
            rule = item.finding.rule
            after = self._examined(rule, file.post) if item.line in lines_before else None
            if after is not None and item.line + shift not in after:  # most findings stay, and need no image before
                before = self._examined(rule, file.pre)
                if before is not None and item.line in before:
                    self._note(item, file)
                    continue
            item.line += shift
            yield item

    def _inside(
        self, part: Iterable[_FollowedFinding], hunks: Sequence[Hunk], file: FileView
    ) -> Iterator[_FollowedFinding]:
        """Yield findings in a group of hunks with their new lines.

        That is the same line, or an added line that has the finding: one that replaces the line, or a similar one. If
        the hunks add several lines, and none of them is known to have the finding, the finding is dropped.
        """
        after_of = _lines_after(hunks)
        replaced_by = _replaced_by(hunks)
        added = [number for hunk in hunks for number in hunk.added]
        lines_before = _ImageLines(file.pre)
        for item in part:
            if item.line not in after_of:
                continue
            new_line = after_of[item.line]
            places = added if new_line is None else [new_line]
            if not places:
                self._note_removed([item], file)
                continue
            rule = item.finding.rule
            before = self._examined(rule, file.pre) if item.line in lines_before else None
            if before is not None and item.line in before and (after := self._examined(rule, file.post)) is not None:
                if new_line is None:
                    similar = _similar(file.pre_lines[item.line], file.post_lines, filter(after.__contains__, added))
                    places = [place for place in replaced_by[item.line] if place in after] or similar
                else:
                    places = [place for place in places if place in after]
                if not places and new_line is None:
                    self._note_removed([item], file)
                    continue
                if not places:
                    self._note(item, file)
                    continue
            elif len(places) > 1:
                continue
            item.line = places[0]
            yield item

    def _examined(self, rule: str, image: Image | None) -> frozenset[int] | None:
        return None if image is None else self._audited(rule, image)

    def _note(self, item: _FollowedFinding, file: FileView) -> None:
        self.fixed[id(item.finding)] = file.patch.index

    def _note_removed(self, followed: Iterable[_FollowedFinding], file: FileView) -> None:
        """Record findings as fixed whose line the patch removes, unless the line moves and has the finding still."""
        for item in followed:
            anchor = item.finding.anchor
            if isinstance(anchor, Anchor) and not self._is_moved(item.finding.rule, anchor.text.strip(), file):
                self._note(item, file)

    def _is_moved(self, rule: str, text: str, file: FileView) -> bool:
        """Return whether the patch adds a line with this text in which the rule reports something or may do so.

        What it does not report in the file itself is fixed, even if only hunks are known: they show what it reported.
        """
        key = (file.patch.index, rule, text)
        if key not in self._moved:
            self._moved[key] = self._files_with(*key)
        return bool(self._moved[key] - {id(file)})

    def _files_with(self, patch: int, rule: str, text: str) -> frozenset[int]:
        """Return 0 if the rule reports an added line, and the `id` of two files in which it may not see enough."""
        partial: set[int] = set()
        for file, line in self._series.result(_ADDED_LINES)[patch].get(text, ()):
            after = self._examined(rule, file.post)
            if after is None or line in after:
                return frozenset([0])
            if not file.is_complete and len(partial) < _MAX_PARTIAL_FILES:
                partial.add(id(file))
        return frozenset(partial)


def _parts(
    groups: Iterable[Sequence[Hunk]], followed: Sequence[_FollowedFinding]
) -> Iterator[tuple[Sequence[Hunk], Sequence[_FollowedFinding], int]]:
    """Yield the findings in each group of hunks, and those between groups with how many lines they move."""
    start = shift = 0
    for group in groups:
        first = bisect_left(followed, group[0].before_first, start, key=_line)
        end = bisect_left(followed, group[-1].before_end, first, key=_line)
        if first > start:
            yield (), followed[start:first], shift
        if end > first:
            yield group, followed[first:end], 0
        start, shift = end, group[-1].after_end - group[-1].before_end
    if start < len(followed):
        yield (), followed[start:], shift


def _lines_after(hunks: Sequence[Hunk]) -> dict[int, int | None]:
    """Return the numbers after the patch of the lines from the first to the last of these hunks, None if removed."""
    after_of: dict[int, int | None] = {}
    above = hunks[0].before_first
    for hunk in hunks:
        shift = hunk.after_end - hunk.after_count - hunk.before_first
        after_of.update((line, line + shift) for line in range(above, hunk.before_first))
        after_of.update((line.before, line.after) for line in hunk.lines if line.before is not None)
        above = hunk.before_end
    return after_of


def _replaced_by(hunks: Sequence[Hunk]) -> dict[int, list[int]]:
    """Return the added lines that replace each removed line: all that stand beside it without a line that stays."""
    replaced: dict[int, list[int]] = {}
    for hunk in hunks:
        added: list[int] = []
        for line in hunk.lines:
            if line.before is None and line.after is not None:
                added.append(line.after)
            elif line.before is not None and line.after is None:
                replaced[line.before] = added
            else:
                added = []
    return replaced


def _similar(text: str, lines: Mapping[int, str], numbers: Iterable[int]) -> list[int]:
    """Return those of the lines with these numbers, of the first ones, that have most words in common with the text."""
    words = set(_WORD.findall(text))
    pairs = ((number, set(_WORD.findall(lines[number]))) for number in islice(numbers, _MAX_COMPARED))
    return [number for number, others in pairs if 2 * len(words & others) > min(len(words), len(others))]


class _ImageLines:
    """The lines that an image shows."""

    def __init__(self, image: Image | None) -> None:
        fragments = () if image is None else image.fragments
        self._first = [fragment.first for fragment in fragments]
        self._last = [fragment.first + fragment.text.count(b"\n") for fragment in fragments]

    def __contains__(self, line: int) -> bool:
        index = bisect_right(self._first, line) - 1
        return index >= 0 and line <= self._last[index]


def _first_line(change: FileChange, anchor: Anchor) -> int | None:
    """Return the finding's line in the post-image. For a removed line that is the next line that stays or is added."""
    if anchor.side == "post":
        return anchor.line
    for hunk in change.hunks:
        is_past = False
        for line in hunk.lines:
            is_past = is_past or line.before == anchor.line
            if is_past and line.after is not None:
                return line.after
    return None
