# SPDX-License-Identifier: GPL-2.0-or-later
"""The fences of code blocks in Markdown, as CommonMark reads them."""

from typing import Final, Literal

from rules.lazy import re

CONTAINER: Final = r"(?>[ \t]*+(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]))*+"
"""A regular expression for the marks of quotes and lists before the content of a line."""
FENCE: Final = r"(?P<mark>`{3,}+(?=[^`\n]*+\Z)|~{3,}+)(?P<info>.*)"
"""A regular expression for a fence, with the words after it."""
_OPENING = re.compile(rf"{CONTAINER}[ \t]*+{FENCE}")
_TESTS = frozenset({"", "rust", "no_run", "should_panic", "edition2018", "edition2021", "edition2024"})
_CLOSING = re.compile(r"[ \t>]*+(`{3,}+|~{3,}+)[ \t]*+\Z")


FenceLine = Literal["text", "opens", "code", "closes"]
"""What a line is for code blocks."""


class Fences:
    """Follows the code blocks of a text, line by line. `info` are the words after the last fence that opened one."""

    def __init__(self) -> None:
        self._mark = ""
        self.info = ""

    @property
    def is_open(self) -> bool:
        """Whether the next line is in a block. Else only a line with a fence matters."""
        return self._mark != ""

    @property
    def is_test(self) -> bool:
        """Whether rustdoc compiles the last block that a fence opened, in the documentation of Rust."""
        return all(word.strip() in _TESTS for word in self.info.split(","))

    def read(self, text: str) -> FenceLine:
        """Return what the next line is."""
        if self._mark:
            closing = _CLOSING.match(text)
            if closing is None or not closing[1].startswith(self._mark):
                return "code"
            self._mark = ""
            return "closes"
        opening = _OPENING.match(text) if "```" in text or "~~~" in text else None
        if opening is None:
            return "text"
        self._mark, self.info = opening["mark"], opening["info"]
        return "opens"
