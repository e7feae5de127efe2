# SPDX-License-Identifier: GPL-2.0-or-later
"""Code that answers to a contract: calls and constructions whose comment says why the contract is kept."""

import re
from dataclasses import dataclass

from rules.bindings.index import Bindings
from rules.bindings.public_api import Item

_COMMENT = re.compile(r"//\s*(?:SAFETY|INVARIANT)\s*:")
_NEAR = 8


@dataclass(frozen=True, slots=True)
class ContractUser:
    """A place that calls or builds an item, and the first line of the comment that answers to its contract."""

    path: str
    line: int
    text: str
    comment: str


def answers(border: Bindings, item: Item, path: str) -> tuple[ContractUser, ...]:
    """The calls of an unsafe function, the constructions of a type with invariants, in the order of paths and lines.

    A function of an impl is looked for by its name and the type's, anywhere, and by its name alone in its own file.
    A type of the same name that another file defines is another type.
    """
    word = item.name.encode()
    found: list[ContractUser] = []
    for other in border.facts.rust_paths():
        content = border.facts.read(other)
        if content is not None and word in content and (other == path or not _redefines(content, item)):
            lines = content.decode("utf-8", "replace").split("\n")
            pattern = _pattern(item, own=other == path, typed=item.scope.encode() in content)
            found += [
                one
                for number, text in enumerate(lines)
                if pattern.search(text)
                for one in _answer(other, lines, number)
            ]
    return tuple(found)


def _redefines(content: bytes, item: Item) -> bool:
    if item.kind == "fn":
        return False
    return re.search(rb"\b(?:struct|enum|union|type)\s+%s\b" % re.escape(item.name.encode()), content) is not None


def _pattern(item: Item, own: bool, typed: bool) -> re.Pattern[str]:
    name = re.escape(item.name)
    if item.kind != "fn":
        owner = rf"(?:{name}|Self)" if own else name
        return re.compile(rf"\b{owner}(?:::<[^<>]*+>)?\s*+[{{(]")
    if item.scope and not own:
        before = (
            rf"\b{re.escape(item.scope)}(?:::<[^<>]*+>)?::"
            if not typed
            else rf"(?:\b{re.escape(item.scope)}(?:::<[^<>]*+>)?::|\.)"
        )
        return re.compile(rf"{before}{name}(?:::<[^<>]*+>)?\(")
    return re.compile(rf"(?<!fn )\b{name}(?:::<[^<>]*+>)?\(")


def _answer(path: str, lines: list[str], number: int) -> list[ContractUser]:
    """The answering comment right above the line, or on it."""
    text = lines[number].strip()
    if text.startswith(("//", "impl", "pub struct", "struct", "fn ", "pub fn", "unsafe fn")):
        return []
    for above in range(number, max(number - _NEAR, -1), -1):
        shown = lines[above].strip()
        if _COMMENT.search(shown):
            return [ContractUser(path, number + 1, text, shown)]
        if above < number and (shown in ("}", "") or (shown.endswith((";", "{")) and "unsafe" not in shown)):
            return []
    return []
