# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the items of a Rust file: whether they are public, and their Safety or Invariants section."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.source.rust.code import Code
from rules.source.rust.docs import section
from rules.source.rust.model import Docs
from rules.source.rust.outline import Documented, documented, implemented, items_of, outline

_CONTRACTS = ("Safety", "SAFETY", "Invariants", "INVARIANTS")


@dataclass(frozen=True, slots=True)
class Item:
    """An item. `scope` is the type of the impl or trait around it, `contract` its Safety or Invariants section."""

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


def read_items(code: Code) -> Iterator[Item]:
    """Yield the named items of a Rust file except modules, in order, with the items in macros and functions."""
    contracts = {entry.item.offset: _read_contract(entry) for entry in documented(code)}
    shape = outline(code)
    for item in items_of(code):
        if item.name and item.kind != "mod":
            scope = implemented(shape.container(item.offset) or "") or ""
            title, contract = contracts.get(item.offset, ("", ""))
            line = code.line(item.offset)
            yield Item(item.kind, item.name, scope, line, item.public, item.unsafe, contract, title)


def _read_contract(documentation: Documented) -> tuple[str, str]:
    """Return the name and the text of the first Safety or Invariants section, with single spaces."""
    title = next((title for _, title in documentation.titles if title in _CONTRACTS), "")
    lines = section(Docs(documentation.lines, documentation.titles), (title,))
    return title.capitalize(), " ".join(" ".join(text for _, text in lines).split())
