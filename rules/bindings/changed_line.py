# SPDX-License-Identifier: GPL-2.0-or-later
"""Choose the changed line that shows best what a patch does to a declaration."""

from collections.abc import Iterable

from rules.bindings.bindings_diff import Step
from rules.bindings.breakage import DiffLocation
from rules.diff.patch import Line
from rules.lazy import re
from rules.source.c.source import Declaration

_WORD = re.compile(r"\w+")
_BELOW = 100_000  # makes a line below the declaration farther than every line above it


def locate_condition(step: Step, name: str) -> DiffLocation:
    """Return the directive that a patch adds above a declaration, otherwise the result of `locate_change`."""
    lines = [line for hunk in step.change.hunks for line in hunk.lines if line.text.lstrip().startswith("#if")]
    above = _nearest_above([line for line in lines if line.is_added], _spans(step.shown(name, "post")))
    return _locate(step, above) if above is not None else locate_change(step, name)


def locate_change(step: Step, name: str, member: str = "") -> DiffLocation:
    """Return the best changed line of a declaration.

    This is a removed line that names it, any removed line, an added line that names it, any added line, or a changed
    line outside the declaration, in this order.
    """
    word = member or name
    before, after = _spans(step.shown(name, "pre")), _spans(step.shown(name, "post"))
    lines = [line for hunk in step.change.hunks for line in hunk.lines]
    for changed in (
        [line for line in lines if line.is_removed and _is_inside(line.before, before)],
        [line for line in lines if line.is_added and _is_inside(line.after, after)],
    ):
        if changed:
            return _locate(step, next((line for line in changed if _names(line.text, word)), changed[0]))
    removed = (line for line in lines if line.is_removed and _names(line.text, word))
    chosen = next(removed, None) or _nearest_above(lines, after or before)
    return _locate(step, chosen) if chosen is not None else DiffLocation(step, "post", 0, "")


def _names(text: str, word: str) -> bool:
    return word in text and word in _WORD.findall(text)  # to compile an expression for the word takes longer


def _spans(declarations: Iterable[Declaration]) -> list[tuple[int, int]]:
    return [(declaration.line, declaration.last) for declaration in declarations]


def _is_inside(number: int | None, spans: list[tuple[int, int]]) -> bool:
    return number is not None and any(first <= number <= last for first, last in spans)


def _nearest_above(lines: list[Line], spans: list[tuple[int, int]]) -> Line | None:
    """Return the nearest changed directive above the declaration, otherwise the nearest changed line."""
    changed = [line for line in lines if line.is_added or line.is_removed]
    target = spans[0][0] if spans else 0

    def distance(line: Line) -> int:
        number = line.after if line.after is not None else line.before
        assert number is not None
        gap = target - number
        return gap if gap >= 0 else _BELOW - gap

    directives = [line for line in changed if line.text.lstrip().startswith("#")]
    return min(directives or changed, key=distance, default=None)


def _locate(step: Step, line: Line) -> DiffLocation:
    if line.after is None:
        assert line.before is not None
        return DiffLocation(step, "pre", line.before, line.text)
    return DiffLocation(step, "post", line.after, line.text)
