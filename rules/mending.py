# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a later patch of the series removes what a finding is about."""

from collections.abc import Callable

from rules.finding import Anchor, Finding
from rules.image import Image
from rules.patch import FileChange
from rules.view import FileView, SeriesView

Audited = Callable[[str, Image], frozenset[int]]
"""The lines at which the rule with that id finds something in an image, all of whose lines count as new."""


def mended_by(finding: Finding, shown: SeriesView, audited: Audited) -> int | None:
    """The index of the later patch after which the finding's place is clean; None: still there, or not to be seen.

    The finding's line is followed through the later hunks of its file. A patch has mended it where the rule finds it
    in the patch's pre-image and no more in its post-image; both are read with the same knowledge, so that what a
    partial image does not show is never taken for mended. Code that the patch takes away altogether is mended too.
    """
    anchor = finding.anchor
    if not isinstance(anchor, Anchor):
        return None
    file = _file(shown, anchor)
    line = None if file is None else _first_line(file.change, anchor)
    if file is None or line is None:
        return None
    for later in shown.later(file):
        if later.change.deleted:
            return None if _is_added(shown, later, anchor.text) else later.patch.index
        if later.pre is None or later.post is None:
            return None
        places = _places_after(later.change, line)
        if not places:
            return None if _is_added(shown, later, anchor.text) else later.patch.index
        if later.pre.shows(line) and line in audited(finding.rule, later.pre):
            remaining = [place for place in places if place in audited(finding.rule, later.post)]
            if not remaining:
                return later.patch.index
            line = remaining[0]
        elif len(places) == 1:
            line = places[0]
        else:
            return None
    return None


def _file(shown: SeriesView, anchor: Anchor) -> FileView | None:
    """The first file of the patch that has the path on either side."""
    if _file not in shown.answers:
        shown.answers[_file] = places = dict[tuple[int, str | None], FileView]()
        for file in shown.files:
            places.setdefault((file.patch.index, file.change.after), file)
            places.setdefault((file.patch.index, file.change.before), file)
    found: FileView | None = shown.answers[_file].get((anchor.patch, anchor.path))
    return found


def _is_added(shown: SeriesView, later: FileView, text: str) -> bool:
    """Whether that patch adds the line in one of its files: then it has moved."""
    lines = (line for file in shown.of_patch(later.patch.index) for hunk in file.change.hunks for line in hunk.lines)
    return any(line.added and line.text.strip() == text.strip() for line in lines)


def _first_line(change: FileChange, anchor: Anchor) -> int | None:
    """The finding's line in the post-image; for a removed line the one that now stands in its place."""
    if anchor.side == "post":
        return anchor.line
    for hunk in change.hunks:
        behind = False
        for line in hunk.lines:
            behind = behind or line.before == anchor.line
            if behind and line.after is not None:
                return line.after
    return None


def _places_after(change: FileChange, line: int) -> list[int]:
    """Where a line of the pre-image went: its own new number, or, if it was removed, every line its hunk adds.

    Empty where it was removed and nothing was added in its place: the code went away, or elsewhere.
    """
    shift = 0
    for hunk in change.hunks:
        if line < hunk.before_start:
            break
        if line < hunk.before_start + hunk.before_count:
            for one in hunk.lines:
                if one.before == line:
                    if one.after is not None:
                        return [one.after]
                    return [added.after for added in hunk.lines if added.added and added.after is not None]
        shift = (hunk.after_start + hunk.after_count) - (hunk.before_start + hunk.before_count)
    return [line + shift]
