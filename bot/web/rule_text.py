# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts with code spans as values that a template prints: messages, and the documentation of a rule."""

from collections.abc import Iterator

from rules.lazy import dataclass

_HEADING = "## "
_BULLET = "- "


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line: text, or code."""

    text: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the documentation; `kind` is heading, text or list. A list has several items, other blocks one."""

    kind: str
    items: tuple[tuple[Span, ...], ...]


def blocks(doc: str) -> Iterator[Block]:
    """Yield the blocks of a rule's documentation, which are separated by blank lines or headings."""
    for paragraph in doc.strip().split("\n\n"):
        lines = paragraph.strip().split("\n")
        if lines[0].startswith(_HEADING):
            yield Block("heading", (tuple(spans(lines.pop(0).removeprefix(_HEADING))),))
        items = "\n".join(lines).split(f"\n{_BULLET}")
        if items[0].startswith(_BULLET):
            items[0] = items[0].removeprefix(_BULLET)
        elif items[0]:
            yield Block("text", (tuple(spans(items.pop(0))),))
        if any(items):
            yield Block("list", tuple(tuple(spans(item)) for item in items))


def spans(text: str) -> Iterator[Span]:
    """Yield the parts of a text in one line: between backticks is code."""
    for number, part in enumerate(" ".join(text.split()).split("`")):
        if part:
            yield Span(part, is_code=number % 2 == 1)
