# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation of a rule as values that a template prints."""

from collections.abc import Iterator

from bot.review.render.code import Span, spans
from rules.lazy import dataclass

_HEADING = "## "
_BULLET = "- "


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
