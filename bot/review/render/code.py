# SPDX-License-Identifier: GPL-2.0-or-later
"""The text and the code of a message, for HTML."""

from collections.abc import Iterator

from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line: text, or code."""

    text: str
    is_code: bool


def spans(text: str) -> Iterator[Span]:
    """Yield the parts of a text in one line: between backticks is code."""
    for number, part in enumerate(" ".join(text.split()).split("`")):
        if part:
            yield Span(part, is_code=number % 2 == 1)
