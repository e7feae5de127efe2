# SPDX-License-Identifier: GPL-2.0-or-later
"""Words for outside of quotations: at most 72 columns, and nothing in them that an attacker chose freely."""

import re
import textwrap
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

WIDTH: Final = 72

_SPAN = re.compile(r"`([^`]*)`")
_PLAIN_CODE = re.compile(r"(?!.*(?:://|: |www\.))(?:[A-Za-z0-9_:<>&*(){}\[\], .=!?'+/|;-]|#(?=[ \[])){1,60}")
_PLAIN_NAME = re.compile(r"[^\W\d_][\w .'-]{0,39}")
_SENTENCE = re.compile(r"[.!?] ")
_GLUE: Final = "\x1f"
_TWO_WAYS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "R", "AL", "AN"}


def visible(text: str) -> str:
    """The text with every control, format and undecodable character, tab apart, spelled out or replaced."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char == "\t" or char.isprintable() else _spelled(char) for char in text)


def _spelled(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "\N{REPLACEMENT CHARACTER}"
    # What separates words in print but is not printable to Python: no-break and typographic spaces.
    return " " if unicodedata.category(char) == "Zs" else f"<U+{ord(char):04X}>"


def prose(message: str) -> str:
    """A rule's message in one line, its code made harmless: a span that is not plain ASCII becomes "this code".

    Messages are written by rules, but the names between their backticks come from the patch.
    """
    text = " ".join(visible(_SPAN.sub(_harmless, message.replace("\n", " "))).split())
    return text if text.count("`") % 2 == 0 else text.replace("`", "'")


def _harmless(span: re.Match[str]) -> str:
    return span[0] if _PLAIN_CODE.fullmatch(span[1]) else "this code"


def sentences(text: str) -> list[str]:
    """The text's sentences: they end with a full stop before a blank, outside of code."""
    masked = _SPAN.sub(lambda span: "x" * len(span[0]), text)
    ends = [0, *(end.end() for end in _SENTENCE.finditer(masked)), len(text)]
    return [text[start:end].strip() for start, end in pairwise(ends) if text[start:end].strip()]


def name(author: str) -> str:
    """An author's name for the line above a quotation; "" where it is not plainly a name of one direction."""
    plain = _PLAIN_NAME.fullmatch(author) and not any(unicodedata.bidirectional(char) in _TWO_WAYS for char in author)
    return author if plain else ""


def wrap(text: str) -> list[str]:
    """A paragraph in lines of at most 72 columns, words and code spans whole."""
    glued = _SPAN.sub(lambda span: span[0].replace(" ", _GLUE), text)
    lines = textwrap.wrap(glued, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines]


def listed(items: Iterable[object], most: int = 8) -> str:
    """The items as a sentence lists them: "3, 5 and 9"; of many only the first, and how many more there are."""
    words = [str(item) for item in items]
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def count(number: int, noun: str) -> str:
    """The number with its noun: "1 nit", "2 nits", "2 patches"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('ch') else 's'}"
