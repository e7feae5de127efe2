# SPDX-License-Identifier: GPL-2.0-or-later
"""The items of a Rust text with their documentation, read from its tokens: also those in macros and functions."""

from collections.abc import Callable, Iterator, Sequence

from rules.lazy import dataclass, re
from rules.source.rust.comments import Comment
from rules.source.rust.docs import Docs, headings, section
from rules.source.rust.structure import Structure

_LINE_START = re.compile(r"^[ \t]*+(?=[a-z])", re.MULTILINE)
_CONTRACTS = ("Safety", "SAFETY", "Invariants", "INVARIANTS")


@dataclass(frozen=True, slots=True)
class ItemHead:
    """The head of an item: `name` is "" for an impl, `offset` that of its first word after `attributes`."""

    kind: str
    name: str
    is_unsafe: bool
    is_public: bool
    offset: int
    attributes: str


@dataclass(frozen=True, slots=True)
class DocumentedItem:
    """An item, and its `///` lines with at least one heading."""

    head: ItemHead
    docs: Docs


@dataclass(frozen=True, slots=True)
class Item:
    """A named item. `scope` is the type of the impl or trait around it.

    `contract` is the text of its Safety or Invariants section, and `section` the name of that section.
    """

    kind: str
    name: str
    scope: str
    line: int
    is_public: bool
    is_unsafe: bool
    contract: str = ""
    section: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, self.scope, self.name)

    @property
    def qualified_name(self) -> str:
        return f"{self.scope}::{self.name}" if self.scope else self.name


def read_items(
    structure: Structure, documented: Sequence[DocumentedItem], line: Callable[[int], int]
) -> Iterator[Item]:
    """Yield the named items whose heads begin a line, except modules, in order."""
    contracts = {item.head.offset: _read_contract(item.docs) for item in documented}
    for start in _LINE_START.finditer(structure.code):
        head = _read_head(structure, start.end())
        if head is not None and head.name and head.kind != "mod":
            scope = structure.self_type(head.offset) or ""
            title, contract = contracts.get(head.offset, ("", ""))
            yield Item(head.kind, head.name, scope, line(head.offset), head.is_public, head.is_unsafe, contract, title)


def read_documented_items(structure: Structure, comments: Sequence[Comment]) -> Iterator[DocumentedItem]:
    """Yield the items whose `///` lines have a heading; ordinary `//` lines may stand among these."""
    outer = [item for item in comments if item.starts_line and (item.kind == "line" or item.text.startswith("///"))]
    end = 0
    for at in [at for at, comment in enumerate(outer) if "#" in comment.text or comment.text.rstrip()[-1] in "=-"]:
        if at < end:
            continue
        start, end = at, at + 1  # few comments may be headings, so that only their neighbours are looked at
        while start and outer[start - 1].line == outer[start].line - 1:
            start -= 1
        while end < len(outer) and outer[end].line == outer[end - 1].line + 1:
            end += 1
        lines = tuple([(comment.line, comment.text[3:]) for comment in outer[start:end] if comment.kind == "doc"])
        titles = headings(lines) if lines else ()
        head = read_next_head(structure, outer[end - 1].end) if titles else None
        if head is not None:
            yield DocumentedItem(head, Docs(lines, titles))


def read_next_head(structure: Structure, offset: int) -> ItemHead | None:
    """Return the head of the item after the comments and attributes at `offset`, or None if something else follows."""
    return _read_head(structure, *structure.skip_attributes(offset))


def _read_head(structure: Structure, offset: int, attributes: str = "") -> ItemHead | None:
    match = structure.item_head(offset)
    if match is None:
        return None
    name = "" if match["kind"] == "impl" else match["name"] or ""
    is_public = match["head"].startswith("pub") and not match["head"][3:].lstrip().startswith("(")
    return ItemHead(match["kind"], name, bool(match["unsafe"]), is_public, offset, attributes)


def _read_contract(docs: Docs) -> tuple[str, str]:
    """Return the name and the text of the first Safety or Invariants section, with single spaces."""
    title = next((title for _, title in docs.headings if title in _CONTRACTS), "")
    return title.capitalize(), " ".join(" ".join(text for _, text in section(docs, (title,))).split())
