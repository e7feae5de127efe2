# SPDX-License-Identifier: GPL-2.0-or-later
"""Find changed lines of a file by their numbers and their words, without a look at all of them each time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

from rules.diff.patch import FileChange, Line
from rules.finding import Side
from rules.lazy import re

_WORD = re.compile(r"\w+")


class ChangedLines:
    """The lines that a patch adds to a file and removes from it, in the order of their numbers."""

    def __init__(self, change: FileChange) -> None:
        lines = [line for hunk in change.hunks for line in hunk.lines]
        removed = [line for line in lines if line.is_removed]
        added = [line for line in lines if line.is_added]
        self._of_side: dict[Side, list[Line]] = {
            "pre": sorted(removed, key=_number),
            "post": sorted(added, key=_number),
        }
        self._conditions: dict[frozenset[str], list[Line]] = {}  # the added `#if`s with any of the words

    def inside(self, side: Side, spans: Iterable[tuple[int, int]]) -> "LinesInside":
        """Return the lines of that side in any of the spans. A span has the numbers of its first and its last line."""
        return LinesInside(self._of_side[side], self._naming[side], spans)

    def first_removed(self, word: str) -> Line | None:
        """Return the first removed line with the word."""
        return next(iter(self._naming["pre"].get(word, [])), None)

    def nearest_condition(self, number: int, words: Iterable[str]) -> Line | None:
        """Return the added `#if` with one of the words that is nearest above that line, or the nearest below it."""
        key = frozenset(words)
        if key not in self._conditions:
            named = chain.from_iterable(self._naming["post"].get(word, ()) for word in key)
            found = (line for line in named if line.text.lstrip().startswith("#if"))
            self._conditions[key] = sorted(found, key=_number)
        return _nearest(self._conditions[key], number)

    def nearest(self, number: int) -> Line | None:
        """Return the changed directive that is nearest above that line, otherwise the nearest below it.

        Without such a directive, it is the nearest of all changed lines.
        """
        return _nearest(self._directives or self._all, number)

    @cached_property
    def _all(self) -> list[Line]:
        return sorted((*self._of_side["pre"], *self._of_side["post"]), key=_number)

    @cached_property
    def _directives(self) -> list[Line]:
        return [line for line in self._all if line.text.lstrip().startswith("#")]

    @cached_property
    def _naming(self) -> dict[Side, dict[str, list[Line]]]:
        naming: dict[Side, dict[str, list[Line]]] = {"pre": {}, "post": {}}
        for side, lines in self._of_side.items():
            for line in lines:
                for word in dict.fromkeys(_WORD.findall(line.text)):
                    naming[side].setdefault(word, []).append(line)
        return naming


class LinesInside:
    """The changed lines of one side that are in some spans of numbers."""

    def __init__(
        self, lines: Sequence[Line], naming: Mapping[str, Sequence[Line]], spans: Iterable[tuple[int, int]]
    ) -> None:
        self._naming = naming
        self._spans: list[tuple[int, int]] = []  # sorted, without overlaps
        for first, last in sorted(spans):
            if last > (above := self._spans[-1][1] if self._spans else 0):
                self._spans.append((max(first, above + 1), last))
        found = (line for first, last in self._spans for line in _from(lines, first) if _number(line) <= last)
        self._first = {"": next(found, None)}  # by word

    def first(self, word: str = "") -> Line | None:
        """Return the first of the lines, with the word if one is named."""
        if word not in self._first:
            self._first[word] = next(filter(self._is_inside, self._naming.get(word, ())), None)
        return self._first[word]

    def _is_inside(self, line: Line) -> bool:
        number = _number(line)
        at = bisect_left(self._spans, number, key=_last)
        return at < len(self._spans) and self._spans[at][0] <= number


def _last(span: tuple[int, int]) -> int:
    return span[1]


def _number(line: Line) -> int:
    """Return the number after the patch, or before it for a removed line."""
    number = line.before if line.after is None else line.after
    assert number is not None
    return number


def _from(lines: Sequence[Line], number: int) -> Sequence[Line]:
    """Return the first line with that number or a higher one, if there is one."""
    at = bisect_left(lines, number, key=_number)
    return lines[at : at + 1]


def _nearest(lines: Sequence[Line], number: int) -> Line | None:
    above = bisect_right(lines, number, key=_number)
    if above:
        return lines[bisect_left(lines, _number(lines[above - 1]), key=_number)]
    return lines[0] if lines else None
