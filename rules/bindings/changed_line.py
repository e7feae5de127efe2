# SPDX-License-Identifier: GPL-2.0-or-later
"""The changed line that shows best what a patch does to a declaration."""

import re
from collections.abc import Iterable

from rules.bindings.bindings_diff import Step
from rules.bindings.breakage import DiffLocation
from rules.diff.patch import Line
from rules.source.c.source import Declaration


def condition_place(step: Step, name: str) -> DiffLocation:
    """The directive that a patch puts above a declaration, else as `place`."""
    lines = [line for hunk in step.change.hunks for line in hunk.lines if line.text.lstrip().startswith("#if")]
    above = _above([line for line in lines if line.is_added], _spans(step.after(name)))
    return _of(step, above) if above is not None else place(step, name)


def place(step: Step, name: str, member: str = "") -> DiffLocation:
    """The removed line of the declaration that names it, else any removed one, else an added one in it or above it."""
    word = re.compile(rf"\b{re.escape(member or name)}\b")
    before, after = _spans(step.before(name)), _spans(step.after(name))
    lines = [line for hunk in step.change.hunks for line in hunk.lines]
    removed = [line for line in lines if line.is_removed and _inside(line.before, before)]
    added = [line for line in lines if line.is_added and _inside(line.after, after)]
    named = [line for line in removed if word.search(line.text)]
    new = [line for line in added if word.search(line.text)]
    for choice in (named, removed, new, added):
        if choice:
            return _of(step, choice[0])
    gone = [line for line in lines if line.is_removed and word.search(line.text)]
    above = _above(lines, after or before)
    chosen = gone[0] if gone else above
    return _of(step, chosen) if chosen is not None else DiffLocation(step, "post", 0, "")


def _spans(declarations: Iterable[Declaration]) -> list[tuple[int, int]]:
    return [(one.line, one.last) for one in declarations]


def _inside(number: int | None, spans: list[tuple[int, int]]) -> bool:
    return number is not None and any(first <= number <= last for first, last in spans)


def _above(lines: list[Line], spans: list[tuple[int, int]]) -> Line | None:
    """The nearest changed directive above the declaration, else the nearest changed line."""
    changed = [line for line in lines if line.is_added or line.is_removed]
    if not changed:
        return None
    target = spans[0][0] if spans else 0

    def distance(line: Line) -> int:
        number = line.after if line.after is not None else line.before
        assert number is not None
        gap = target - number
        return gap if gap >= 0 else 100_000 - gap

    directives = [line for line in changed if line.text.lstrip().startswith("#")]
    return min(directives or changed, key=distance)


def _of(step: Step, line: Line) -> DiffLocation:
    if line.after is None:
        assert line.before is not None
        return DiffLocation(step, "pre", line.before, line.text)
    return DiffLocation(step, "post", line.after, line.text)
