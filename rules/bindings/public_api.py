# SPDX-License-Identifier: GPL-2.0-or-later
"""The items of a file of the `kernel` crate: which are public, and what their documentation asks for."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.source.rust.code import Code
from rules.source.rust.docs import section
from rules.source.rust.model import Docs
from rules.source.rust.outline import Documented, documented, implemented, items_of, outline

_CONTRACTS = ("Safety", "SAFETY", "Invariants", "INVARIANTS")


@dataclass(frozen=True, slots=True)
class Item:
    """One item: `scope` is the type of the impl or trait around it, `contract` its Safety or Invariants section."""

    kind: str
    name: str
    scope: str
    line: int
    public: bool
    unsafe: bool
    contract: str = ""
    section: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.kind, self.scope, self.name)

    @property
    def shown(self) -> str:
        return f"{self.scope}::{self.name}" if self.scope else self.name


def items(code: Code) -> Iterator[Item]:
    """The named items of a Rust file but its modules, in order; those in macros and functions count like any other."""
    contracts = {one.item.offset: _contract(one) for one in documented(code)}
    shape = outline(code)
    for item in items_of(code):
        if item.name and item.kind != "mod":
            scope = implemented(shape.container(item.offset) or "") or ""
            title, contract = contracts.get(item.offset, ("", ""))
            line = code.line(item.offset)
            yield Item(item.kind, item.name, scope, line, item.public, item.unsafe, contract, title)


def _contract(one: Documented) -> tuple[str, str]:
    """The name and the text, blanks collapsed, of the first Safety or Invariants section."""
    title = next((title for _, title in one.titles if title in _CONTRACTS), "")
    lines = section(Docs(one.lines, one.titles), (title,))
    return title.capitalize(), " ".join(" ".join(text for _, text in lines).split())
