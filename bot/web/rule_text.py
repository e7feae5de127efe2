# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation of a rule as values that a template prints."""

from collections.abc import Iterator
from functools import cache
from itertools import dropwhile, takewhile

from bot.review.render.code import Span, spans
from rules.lazy import dataclass
from rules.registry import by_id

_FIX = "How to fix"
_HEADING = "## "
_BULLET = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the documentation; `kind` is heading, text or list. A list has several items, other blocks one."""

    kind: str
    items: tuple[tuple[Span, ...], ...]

    @property
    def text(self) -> str:
        """The text of the first item."""
        return "".join(span.text for span in self.items[0])


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


@cache
def fix_blocks(rule_id: str) -> tuple[Block, ...]:
    """Return the blocks that say how to fix what a rule reports, () for a rule that this version does not know."""
    rule = by_id(rule_id)
    if rule is None:
        return ()
    following = dropwhile(lambda block: block.text != _FIX, blocks(rule.doc))
    return tuple(takewhile(lambda block: block.kind != "heading", list(following)[1:]))
