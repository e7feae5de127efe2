# SPDX-License-Identifier: GPL-2.0-or-later
"""Prepare text for a mail outside of quotations: at most 72 columns, and nothing that an attacker chose freely."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from rules.lazy import re

WIDTH: Final = 72

_SPAN = re.compile(r"`([^`]*)`")
_PLAIN_CODE = re.compile(
    r"(?!.*(?:://|: |www\.))"
    r"(?:[A-Za-z0-9_:<>&*(){}\[\], .=!?'+/|;$-]|#(?=[ \[])|(?<=\br)#(?=[A-Za-z_])){1,60}"  # `r#type` is a name
)
_PLAIN_NAME = re.compile(r"[^\W\d_][\w .'-]{0,39}")
_SENTENCE = re.compile(r"[.!?] ")
_GLUE: Final = "\x1f"
_RIGHT_TO_LEFT = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "R", "AL", "AN"}


def visible(text: str) -> str:
    """Return the text with control, format and undecodable characters, except tabs, spelled out or replaced."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char == "\t" or char.isprintable() else _spelled(char) for char in text)


def _spelled(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        return "\N{REPLACEMENT CHARACTER}"
    import unicodedata

    # No-break and typographic spaces are not printable to Python.
    return " " if unicodedata.category(char) == "Zs" else f"<U+{ord(char):04X}>"


def harmless(message: str) -> str:
    """Return a rule's message in one line. A code span that is not plain ASCII becomes "this code".

    Rules write the messages, but the names between the backticks come from the patch.
    """
    text = " ".join(visible(_SPAN.sub(_harmless_span, message.replace("\n", " "))).split())
    return text if text.count("`") % 2 == 0 else text.replace("`", "'")


def _harmless_span(span: re.Match[str]) -> str:
    return span[0] if _PLAIN_CODE.fullmatch(span[1]) else "this code"


def sentences(text: str) -> list[str]:
    """Split the text into sentences: at a full stop, `!` or `?` before a blank, outside of code spans."""
    masked = _SPAN.sub(lambda span: "x" * len(span[0]), text)
    bounds = [0, *(end.end() for end in _SENTENCE.finditer(masked)), len(text)]
    return [text[start:end].strip() for start, end in pairwise(bounds) if text[start:end].strip()]


def name(author: str) -> str:
    """Return the name for the line above a quotation, "" if it is not plainly a name in one writing direction."""
    import unicodedata

    is_plain = _PLAIN_NAME.fullmatch(author) and not any(
        unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in author
    )
    return author if is_plain else ""


def wrap(text: str) -> list[str]:
    """Wrap a paragraph at 72 columns. Words and code spans stay whole."""
    glued = _SPAN.sub(lambda span: span[0].replace(" ", _GLUE), text)
    import textwrap

    lines = textwrap.wrap(glued, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_GLUE, " ") for line in lines]


def listed(items: Iterable[object], max_items: int = 8) -> str:
    """Return the items as in a sentence: "3, 5 and 9". After `max_items` only the number of the others follows."""
    words = [str(item) for item in items]
    if len(words) > max_items:
        from rules.listing import listing

        return listing(words, max_items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def count(number: int, noun: str) -> str:
    """Return the number with its noun: "1 nit", "2,000 nits", "2 patches"."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}{'es' if noun.endswith('ch') else 's'}"
