# SPDX-License-Identifier: GPL-2.0-or-later
"""Code that answers to a contract: calls and constructions whose comment says why the contract is kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.bindings.index import Bindings
from rules.bindings.public_api import Item
from rules.source.rust.code import Code

_TAG = re.compile(r"[/*!\s]*+(?:SAFETY|INVARIANT)\s*+:")
_DECLARES = ("impl", "pub struct", "struct", "fn ", "pub fn", "unsafe fn")
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
        if content is not None and word in content:
            code = Code(content.decode("utf-8", "replace"), 1)
            if other == path or not _redefines(code, item):
                pattern = _pattern(item, own=other == path, typed=item.scope.encode() in content)
                found += _answers(other, code, pattern)
    return tuple(found)


def _redefines(code: Code, item: Item) -> bool:
    if item.kind == "fn":
        return False
    return re.search(rf"\b(?:struct|enum|union|type)\s+{re.escape(item.name)}\b", code.code) is not None


def _pattern(item: Item, own: bool, typed: bool) -> re.Pattern[str]:
    name = re.escape(item.name)
    if item.kind != "fn":
        owner = rf"(?:{name}|Self)" if own else name
        return re.compile(rf"\b{owner}(?:::<[^<>]*+>)?[ \t]*+[{{(]")
    if item.scope and not own:
        before = (
            rf"\b{re.escape(item.scope)}(?:::<[^<>]*+>)?::"
            if not typed
            else rf"(?:\b{re.escape(item.scope)}(?:::<[^<>]*+>)?::|\.)"
        )
        return re.compile(rf"{before}{name}(?:::<[^<>]*+>)?\(")
    return re.compile(rf"(?<!fn )\b{name}(?:::<[^<>]*+>)?\(")


def _answers(path: str, code: Code, pattern: re.Pattern[str]) -> Iterator[ContractUser]:
    """The lines that the pattern matches, each with the answering comment right above it, or on it."""
    comments = {comment.line for comment in code.comments if _TAG.match(comment.text)}
    rows = code.code.split("\n")
    for number in dict.fromkeys(code.line(match.start()) for match in pattern.finditer(code.code)) if comments else ():
        if rows[number - 1].strip().startswith(_DECLARES):
            continue
        for above in range(number, max(number - _NEAR, 0), -1):
            if above in comments:
                yield ContractUser(path, number, code.line_text(number).strip(), code.line_text(above).strip())
                break
            if above < number and _ends(code, rows[above - 1].strip(), above):
                break


def _ends(code: Code, row: str, line: int) -> bool:
    """Whether a line ends what stands above it: it is empty, or the end of another statement."""
    if not row:
        return not code.line_text(line).strip()
    return row == "}" or (row.endswith((";", "{")) and "unsafe" not in row)
