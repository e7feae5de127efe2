# SPDX-License-Identifier: GPL-2.0-or-later
"""The brackets of Rust code: which one closes which, and which ones enclose a place."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

_BRACKET = re.compile(r"[][(){}]")
_PAIRS = {")": "(", "]": "[", "}": "{"}
_DEEPEST = 64  # brackets around a place that are looked at


class Brackets:
    """The brackets of a text in which comments and literals are blank; those that do not match are passed over."""

    def __init__(self, code: str) -> None:
        self._events: list[int] = []
        self._inner: list[int] = []
        self._opens: list[int] = []
        self._parents: list[int] = []
        self._closes: list[int | None] = []
        self._openings: dict[int, int] = {}
        current = -1
        for match in _BRACKET.finditer(code):
            at, char = match.start(), match[0]
            if char in "([{":
                self._opens.append(at)
                self._parents.append(current)
                self._closes.append(None)
                current = len(self._opens) - 1
            elif current >= 0 and code[self._opens[current]] == _PAIRS[char]:
                self._closes[current] = at
                self._openings[at] = self._opens[current]
                current = self._parents[current]
            self._events.append(at)
            self._inner.append(current)

    def enclosing(self, offset: int) -> Iterator[int]:
        """Yield the offsets of the opening brackets around `offset`, the innermost first."""
        before = bisect_right(self._events, offset - 1) - 1
        current = self._inner[before] if before >= 0 else -1
        for _ in range(_DEEPEST):
            if current < 0:
                return
            yield self._opens[current]
            current = self._parents[current]

    def closing(self, opening: int) -> int | None:
        """Return the offset of the bracket that closes the one at `opening`; None where it is not shown."""
        at = bisect_left(self._opens, opening)
        return self._closes[at] if at < len(self._opens) and self._opens[at] == opening else None

    def opening(self, closing: int) -> int | None:
        """Return the offset of the bracket that the one at `closing` closes; None where it is not shown."""
        return self._openings.get(closing)
