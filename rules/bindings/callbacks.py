# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust functions that C calls: their parameter types as written, and the C type of the field they are put into."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.bindings.index import Bindings
from rules.source.rust.code import Code
from rules.source.rust.tokens import Words

_SET = re.compile(r"^(\w+)\s*:.*\bSome\(\s*+(?:[\w:<>, ]*::)?(\w++)(?:::<[^<>]*+>)?\s*+\)")


@dataclass(frozen=True, slots=True)
class Callback:
    """An `extern "C" fn` of Rust. `types` are those of its parameters and, last, what it returns ("" for nothing)."""

    name: str
    offsets: tuple[int, ...]
    types: tuple[str, ...]


def callbacks(text: str) -> Iterator[Callback]:
    """The functions with a C calling convention that have a body, in the order of the file."""
    words = Code(text, 1).words
    for index, word in enumerate(words.words):
        if word == "extern" and words.words[index + 1 : index + 2] == ("fn",) and index + 3 < len(words.words):
            opening = next(
                (at for at in range(index + 2, min(index + 60, len(words.words))) if words.words[at] == "("), 0
            )
            if opening:
                yield _callback(words, index + 2, opening)


def c_types(border: Bindings, path: str, name: str) -> tuple[str, ...]:
    """The C types of the parameters and the return value of the field that the function of that file is put into.

    Empty where no field, or more than one kind of field, is known.
    """
    found: set[tuple[str, ...]] = set()
    for access in border.facts.rust(path).accesses:
        match = _SET.match(access.text)
        if match is None or match.group(2) != name or access.chain != (match.group(1),):
            continue
        for located in border.declared(access.struct):
            found.update(_split(one.type) for one in located.declaration.members if one.name == access.chain[0])
    return found.pop() if len(found) == 1 else ()


def _split(shown: str) -> tuple[str, ...]:
    returns, pointer, inner = shown.partition(" (*)(")
    if not pointer or not inner.endswith(")"):
        return ()
    inner = inner.removesuffix(")")
    parts, depth, start = [], 0, 0
    for index, sign in enumerate(inner):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(inner[start:index].strip())
            start = index + 1
    last = inner[start:].strip()
    return (*parts, *((last,) if last else ()), "" if returns == "void" else returns)


def _callback(words: Words, at: int, opening: int) -> Callback:
    end = words.closing(opening)
    offsets: list[int] = []
    types: list[str] = []
    depth = 0
    start = opening + 1
    for index in range(opening + 1, end + 1):
        word = words.words[index]
        depth += (word in "([{<") - (word in ")]}>" and index != end)
        if (word == "," and depth == 0) or index == end:
            colon = next((one for one in range(start, index) if words.words[one] == ":"), index)
            if colon < index:
                offsets.append(words.offsets[colon + 1])
                types.append("".join(words.words[colon + 1 : index]))
            start = index + 1
    arrow = words.words[end + 1 : end + 2] == ("->",)
    stop = next(
        (one for one in range(end, min(end + 40, len(words.words))) if words.words[one] in ("{", ";", "where")), end
    )
    offsets.append(words.offsets[end + 2] if arrow else words.offsets[end])
    types.append("".join(words.words[end + 2 : stop]) if arrow else "")
    return Callback(words.words[at], tuple(offsets), tuple(types))
