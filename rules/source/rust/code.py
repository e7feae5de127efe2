# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of known lines of Rust as tokens: the code with comments and literals blanked out, its words, the comments.

Tokens need no grammar. What looks for words in code, or for wording in comments, works on them; what needs the
structure of the code works on the parse.
"""

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from rules.source.rust.brackets import Brackets
from rules.source.rust.tokens import Words, comments_and_literals, without


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
        self._tokens = tuple(comments_and_literals(text))

    @cached_property
    def code(self) -> str:
        """The text with comments and literals blanked out."""
        return without(self.text, self._tokens)

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """All comments in order."""
        return tuple(self._comment(start, end, kind) for start, end, kind in self._tokens if kind != "literal")

    @cached_property
    def words(self) -> Words:
        """The words and signs of the code."""
        return Words(self.code, lambda: self.brackets)

    @cached_property
    def brackets(self) -> Brackets:
        """The brackets of the code."""
        return Brackets(self.code)

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.text.split("\n")[:-1]), initial=0))

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
        """The offset of the bracket that closes the one at `offset`; None where it is not shown."""
        return self.brackets.closing(offset)

    def _comment(self, start: int, end: int, kind: str) -> Comment:
        row = bisect_right(self._starts, start) - 1
        line_start = self._starts[row]
        alone = not self.text[line_start:start].strip()
        return Comment(start, self.first + row, start - line_start + 1, kind, alone, self.text[start:end])
