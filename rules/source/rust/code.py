# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust as two layers of equal shape: the code with comments and literals blanked out, and the comments.

A scanner over characters needs no grammar: it reads half a function as well as a whole file. What looks for words in
code, or for wording in comments, works on these layers; what needs the structure of the code works on the parse.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

# Each alternative begins with a letter of its own: then `search` runs over ordinary code at the speed of a `find`.
_OPENING = re.compile(r"""//[^\n]*|/\*|"|'(?:[^'\\\n]|\\(?:u\{[0-9a-fA-F_]{1,8}\}|x[0-9a-fA-F]{2}|.))'""", re.DOTALL)
_STRING_PREFIX = re.compile(r"(?<!\w)(?:[bc]?r(?P<hashes>\#*)|[bc])\Z")
_LONGEST_PREFIX = 257  # of a raw string: Rust allows 255 hashes
_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*\\?"?', re.DOTALL)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_BRACKET = re.compile(r"[][(){}]")
_CLOSERS = {"{": "}", "(": ")", "[": "]"}
_REACH = 20_000  # characters within which a bracket is looked for: a file of nothing but brackets costs linear time
_NO_NEWLINE = re.compile(r"[^\n]")


class Comment(NamedTuple):
    """One comment: `start` is the offset of its first character, `alone` says that nothing stands before it there.

    `text` is all of it with its marks; `kind` is "line" (`//`), "doc" (`///`, `//!`) or "block".
    """

    start: int
    line: int
    column: int
    kind: str
    alone: bool
    text: str

    @property
    def end_line(self) -> int:
        return self.line + self.text.count("\n")

    @property
    def content(self) -> str:
        """The text without marks and outer blanks."""
        return self.text.strip("/*! \t\n")


class Code:
    """A run of known lines: `text` as it is, `code` the same with comments and literals blanked; offsets agree."""

    def __init__(self, text: str, first: int) -> None:
        self.text = text
        self.first = first
        self._starts = list(accumulate((len(line) + 1 for line in text.split("\n")[:-1]), initial=0))
        self._spans = list(_skipped(text))

    @cached_property
    def code(self) -> str:
        parts: list[str] = []
        at = 0
        for start, end, _ in self._spans:
            parts.append(self.text[at:start])
            span = self.text[start:end]
            parts.append(_NO_NEWLINE.sub(" ", span) if "\n" in span else " " * len(span))
            at = end
        parts.append(self.text[at:])
        return "".join(parts)

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """All comments in order."""
        return tuple(self._comment(start, end, kind) for start, end, kind in self._spans if kind)

    def line(self, offset: int) -> int:
        """The number of the line that holds the offset."""
        return self.first + bisect_right(self._starts, offset) - 1

    def column(self, offset: int) -> int:
        """The column, from 1 and in characters, of the offset."""
        return offset - self._starts[bisect_right(self._starts, offset) - 1] + 1

    def line_text(self, line: int) -> str:
        """A line as it stands in the file, without its newline."""
        start = self._starts[line - self.first]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)]

    def holds(self, line: int) -> bool:
        return self.first <= line < self.first + self.count

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._starts) - self.text.endswith("\n")

    def start(self, line: int) -> int:
        """The offset of the line's first character."""
        return self._starts[line - self.first]

    def closing(self, offset: int) -> int | None:
        """The offset of the bracket that closes the one at `offset`; None where it is not shown, or far away."""
        stack: list[str] = []
        for match in _BRACKET.finditer(self.code, offset, offset + _REACH):
            char = match[0]
            if char in _CLOSERS:
                stack.append(_CLOSERS[char])
            elif not stack or stack.pop() != char:
                return None
            if not stack:
                return match.start()
        return None

    def _comment(self, start: int, end: int, kind: str) -> Comment:
        row = bisect_right(self._starts, start) - 1
        line_start = self._starts[row]
        alone = not self.text[line_start:start].strip()
        return Comment(start, self.first + row, start - line_start + 1, kind, alone, self.text[start:end])


def _skipped(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of each comment, and, with the kind "", of each literal."""
    at = 0
    while match := _OPENING.search(text, at):
        begin, (start, at) = at, match.span()
        mark = text[start : start + 2]
        if mark == "//":
            word = text[start : start + 4]
            doc = (word.startswith("///") and word != "////") or word.startswith("//!")
            yield start, at, "doc" if doc else "line"
        elif mark == "/*":
            at = _block_end(text, at)
            yield start, at, "block"
        elif mark[0] == '"':
            start, at = _string(text, begin, start)
            yield start, at, ""
        else:
            yield start - (start > begin and text[start - 1] == "b"), at, ""


def _string(text: str, begin: int, quote: int) -> tuple[int, int]:
    """Where the string with that opening quote starts, its prefix included but not before `begin`, and where it ends.

    One that is not closed goes on to the end of the text.
    """
    prefix = _STRING_PREFIX.search(text[max(begin, quote - _LONGEST_PREFIX) : quote])
    start = quote - (len(prefix[0]) if prefix else 0)
    if prefix and prefix["hashes"] is not None:
        closing = '"' + prefix["hashes"]
        end = text.find(closing, quote + 1)
        return start, end + len(closing) if end >= 0 else len(text)
    match = _STRING.match(text, quote + 1)
    return start, match.end() if match else len(text)


def _block_end(text: str, at: int) -> int:
    """Where the block comment ends whose `/*` ends at `at`; they nest."""
    depth = 1
    for edge in _BLOCK_EDGE.finditer(text, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)
