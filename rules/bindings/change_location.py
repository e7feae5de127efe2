# SPDX-License-Identifier: GPL-2.0-or-later
"""Choose the changed line that shows best what a patch does to a declaration."""

from collections.abc import Iterable

from rules.bindings.bindings_diff import Step
from rules.bindings.breakage import DiffLocation
from rules.diff.patch import Line
from rules.finding import Side
from rules.lazy import re
from rules.source.c.source import Declaration

_WORD = re.compile(r"\w+")


def locate_condition(step: Step, name: str, conditions: Iterable[str]) -> DiffLocation:
    """Return the `#if` of one of these conditions that a patch adds above a declaration, else as `locate_change`."""
    words = set(_WORD.findall(" ".join(conditions))) - {"defined"}
    above = step.changed_lines.nearest_condition(_first_line(step.in_patch(name, "post")), words)
    return _locate(step, above) if above is not None else locate_change(step, name)


def locate_change(step: Step, name: str, member: str = "") -> DiffLocation:
    """Return the best changed line of a declaration.

    This is a removed line that names it, any removed line, an added line that names it, any added line, or a changed
    line outside the declaration, in this order.
    """
    word, lines = member or name, step.changed_lines
    sides: tuple[Side, ...] = ("pre", "post")
    for side in sides:
        inside = step.first_changed(name, side, word) or step.first_changed(name, side)
        if inside is not None:
            return _locate(step, inside)
    declarations = step.in_patch(name, "post") or step.in_patch(name, "pre")
    outside = lines.first_removed(word) or lines.nearest(_first_line(declarations))
    return _locate(step, outside) if outside is not None else DiffLocation(step, "post", 0, "")


def _first_line(declarations: Iterable[Declaration]) -> int:
    return next((declaration.line for declaration in declarations), 0)


def _locate(step: Step, line: Line) -> DiffLocation:
    if line.after is None:
        assert line.before is not None
        return DiffLocation(step, "pre", line.before, line.text)
    return DiffLocation(step, "post", line.after, line.text)
