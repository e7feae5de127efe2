# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of a Rust text with their places, comments and strings left out: fast, and never stopped by a macro."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<gone>//[^\n]*|/\*.*?(?:\*/|\Z)|b?r(?P<h>\#*)"(?:.*?)"(?P=h)|[bc]?"(?:\\.|[^"\\])*"
        |b?'(?:\\[^\n']*?|[^\\'\n])'|'[A-Za-z_]\w*)
      |(?P<word>(?:r\#)?[A-Za-z_]\w*|\d[\w.]*\d|\d\w*)|(?P<sign>::|->|=>|\.\.=|\.\.|[^\s\w])""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words and signs of a text in order, the offset of each, and the offsets at which lines begin."""

    text: str
    words: tuple[str, ...]
    offsets: tuple[int, ...]

    def closing(self, opening: int) -> int:
        """The index of the bracket that closes the one at `opening`; the last index where none does."""
        depth = 0
        for index in range(opening, len(self.words)):
            word = self.words[index]
            if word in "([{":
                depth += 1
            elif word in ")]}":
                depth -= 1
                if depth == 0:
                    return index
        return len(self.words) - 1

    def opening(self, closing: int) -> int:
        """The index of the bracket that the one at `closing` closes; 0 where there is none."""
        depth = 0
        for index in range(closing, -1, -1):
            word = self.words[index]
            if word in ")]}":
                depth += 1
            elif word in "([{":
                depth -= 1
                if depth == 0:
                    return index
        return 0


def words_of(text: str) -> Words:
    """Read a Rust text; one that ends inside a comment or string loses the rest."""
    words: list[str] = []
    offsets: list[int] = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup in ("word", "sign"):
            words.append(match.group().removeprefix("r#"))
            offsets.append(match.start())
    return Words(text, tuple(words), tuple(offsets))
