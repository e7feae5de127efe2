# SPDX-License-Identifier: GPL-2.0-or-later
"""The tokens of a Rust text: one pass finds the comments and literals, another the words and signs of the rest.

The first pass looks for the few characters that may open a comment or a literal, so that it runs over other code as
fast as a `find`. It needs no grammar and reads part of a function as well as a complete file.
"""

import sys
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

from rules.lazy import re
from rules.source.rust.structure import Structure

# Each alternative begins with a different character, so that `search` is as fast as a `find`.
_OPENING = re.compile(
    r"""//[^\n]*+|/\*|"[^"\\]*+(?>\\.[^"\\]*+)*+\\?+"?+|'(?:[^'\\\n]|\\(?:u\{[0-9a-fA-F_]{1,8}\}|x[0-9a-fA-F]{2}|.))'""",
    re.DOTALL,
)
_STRING_PREFIX = re.compile(r"(?<!\w)(?:[bc]?r(?P<hashes>\#*)|[bc])\Z")
_MAX_PREFIX = 257  # characters before the quote of a raw string: Rust allows 255 hashes
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_MISLEADING = re.compile(rb'"[^"]*(?://|/\*|safety)', re.IGNORECASE)
_MISLEADING_LITERAL = re.compile(r"//|/\*|\*/|safe|\n", re.IGNORECASE)
_ANY_WORD = re.compile(r"\w++")
_MAX_SEARCHED = 32  # words that are searched one by one
_NO_NEWLINE = re.compile(r"[^\n]")
OPENING_BRACKETS = ("(", "[", "{")
_LINES = ("line", "doc")  # the kinds of spans without newlines
_WORD = re.compile(  # the most frequent first
    r"([A-Za-z_]\w*+(?:(?<=\br)\#[A-Za-z_]\w*)?|[(){}\[\],;&*?#<>!]|::?|'[A-Za-z_]\w*|->|=>|\.\.=?"
    r"|\d(?>\w|\.(?=\d))*+|[^\s\w])"
)

NAME = re.compile(r"[A-Za-z_]\w*\Z")

Path = tuple[str, ...]
"""The names of a path."""

Span = tuple[int, int, str]
"""Start and end of a comment or a literal, and its kind: "line" (`//`), "doc" (`///`, `//!`), "block" or "literal"."""


def find_comments_and_literals(text: str) -> Iterator[Span]:
    """Yield the comments and literals of a text in order. One that is not closed ends with the text."""
    at = 0
    while at < len(text):
        begin = at
        for match in _OPENING.finditer(text, at):  # much faster than searches, so it starts again only if it must
            start, at = match.span()
            first = text[start]
            if first == "/":
                word = text[start : start + 4]
                if word[1] == "*":
                    at = _block_end(text, at)
                    yield start, at, "block"
                    break
                doc = (word.startswith("///") and word != "////") or word.startswith("//!")
                yield start, at, "doc" if doc else "line"
            elif start == begin or (before := text[start - 1]) not in "bcr#":
                yield start, at, "literal"
            elif first == "'":
                yield start - (before == "b"), at, "literal"
            else:
                start, end = _prefixed_string(text, begin, start, at)
                yield start, end, "literal"
                if end != at:
                    at = end
                    break
            begin = at
        else:
            return


def find_comments_near(text: str, spans: Sequence[Span], words: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and the end index of each run of spans that are comments on lines next to each other.

    A comment of the run has any of the words.
    """
    end = 0  # of the last run
    for at in find_words(text, words):
        first = bisect_left(spans, (at + 1,)) - 1
        if first < end or spans[first][1] <= at or spans[first][2] == "literal":
            continue
        stop = first + 1
        while first > end and _are_next(text, spans[first - 1], spans[first]):
            first -= 1
        while stop < len(spans) and _are_next(text, spans[stop - 1], spans[stop]):
            stop += 1
        yield first, stop
        end = stop


def _are_next(text: str, above: Span, below: Span) -> bool:
    """Return whether two spans are comments, the second of which starts the line below the first one."""
    if above[2] == "literal" or below[2] == "literal" or not text.startswith("\n", above[1]):
        return False
    start = above[1] + 1
    return start == below[0] or (text.find("\n", start, below[0]) < 0 and text[start : below[0]].isspace())


def blank_out(text: str, spans: tuple[Span, ...]) -> str:
    """Return the text with blanks in place of the spans. Newlines stay, so that offsets and lines agree."""
    if not spans:
        return text
    parts: list[str] = []
    at = 0
    for start, end, kind in spans:
        parts.append(text[at:start])
        if kind in _LINES or "\n" not in (blanked := text[start:end]):
            parts.append(" " * (end - start))
        else:
            parts.append(_NO_NEWLINE.sub(" ", blanked))
        at = end
    parts.append(text[at:])
    return "".join(parts)


def has_misleading_literal(text: str, spans: tuple[Span, ...]) -> bool:
    """Return whether a literal may hold a comment mark, the word `unsafe` or a safety tag, or has several lines."""
    literals = [(start, end) for start, end, kind in spans if kind == "literal"]
    return any(_MISLEADING_LITERAL.search(text, start, end) for start, end in literals)


def without_misleading_literals(text: bytes) -> bytes:
    """Return the text with its literals blanked out if one may hold a comment mark or a safety tag. No byte moves."""
    if _MISLEADING.search(text) is None:
        return text
    decoded = text.decode("latin-1")  # a character for each byte
    literals = tuple(span for span in find_comments_and_literals(decoded) if span[2] == "literal")
    return blank_out(decoded, literals).encode("latin-1")


def find_words(text: str, words: Collection[str]) -> list[int]:
    """Return the offsets of these words in the text, in order. Parts of longer words may be among them.

    A search for each of a few words takes a tenth of the time of an expression for them, and nothing is compiled.
    """
    if len(words) > _MAX_SEARCHED:
        return [match.start() for match in _ANY_WORD.finditer(text) if match[0] in words]
    offsets: set[int] = set()
    for word in words:
        at = text.find(word)
        while at >= 0:
            offsets.add(at)
            at = text.find(word, at + len(word))
    return sorted(offsets)


class Tokens:
    """The words and signs of the code in order, and the offset of each. Comments, literals and lifetimes are none."""

    def __init__(self, structure: Structure) -> None:
        code = structure.code
        pieces = _WORD.split(code)  # the text before a word, the word, and so on: much faster than matches
        words, offsets = pieces[1::2], list(accumulate(map(len, pieces)))[::2]
        if "'" in code:
            kept = [at for at, word in enumerate(words) if word[0] != "'" or len(word) == 1]
            words, offsets = [words[at] for at in kept], [offsets[at] for at in kept]
        if "r#" in code:
            words = [word.removeprefix("r#") for word in words]
        self.words = tuple(words)
        self.offsets = tuple(offsets[: len(words)])
        self._structure = structure

    def closing(self, opening: int) -> int:
        """Return the index of the bracket that closes the one at index `opening`, or the last index if none does."""
        offset = self._structure.closing(self.offsets[opening])
        return len(self.words) - 1 if offset is None else bisect_left(self.offsets, offset)

    def after(self, at: int) -> int:
        """Return the index after the word at an index, or after the brackets that it opens."""
        return self.closing(at) + 1 if self.words[at] in OPENING_BRACKETS else at + 1

    def find(self, at: int, end: int, wanted: Collection[str], most: int = sys.maxsize) -> int:
        """Return the index of the first wanted word outside of brackets between two indexes, `end` if there is none.

        If it is not among the next `most` words and bracketed groups, return the index where the search ended.
        """
        words = self.words
        for _ in range(most):
            if at >= end or words[at] in wanted:
                break
            at = self.closing(at) + 1 if words[at] in OPENING_BRACKETS else at + 1
        return min(at, end)

    def opening(self, closing: int) -> int:
        """Return the index of the bracket that the one at index `closing` closes, or 0 if there is none."""
        offset = self._structure.opening(self.offsets[closing])
        return 0 if offset is None else bisect_left(self.offsets, offset)


def _prefixed_string(text: str, begin: int, quote: int, end: int) -> tuple[int, int]:
    """Return where the string with that opening quote starts, its prefix included, and where it ends.

    It ends at `end` if it is not raw. The prefix does not reach above `begin`. A string that is not closed ends with
    the text.
    """
    prefix = _STRING_PREFIX.search(text[max(begin, quote - _MAX_PREFIX) : quote])
    start = quote - (len(prefix[0]) if prefix else 0)
    if prefix and prefix["hashes"] is not None:
        closing = '"' + prefix["hashes"]
        at = text.find(closing, quote + 1)
        end = at + len(closing) if at >= 0 else len(text)
    return start, end


def _block_end(text: str, at: int) -> int:
    """Return where the block comment ends whose `/*` ends at `at`. Block comments nest."""
    depth = 1
    for edge in _BLOCK_EDGE.finditer(text, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)
