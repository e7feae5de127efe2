# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Rust file imports: every name its `use` declarations bring in, with the path it stands for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.source.rust.code import Code

_USE = re.compile(r"use(?<!\wuse)\s++(?P<tree>[^;]*+)(?P<end>;|\Z)")  # the letters first: that is how it is fast
_DEEPEST = 32  # parts of a path that are told apart
_TOKEN = re.compile(r"::|[{},*]|(?:r#)?\w+|\$")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `path` are the parts it stands for, "*" last for a glob; `name` is what it is called here.

    `offset`, `line` and `column` are those of the path's last part; a glob has the name "*".
    """

    name: str
    path: tuple[str, ...]
    offset: int
    line: int
    column: int


def imports(code: Code) -> Iterator[Import]:
    """The names that the `use` declarations of a run of lines bring in, in their order; those cut off are left out."""
    for match in _USE.finditer(code.code):
        if match["end"]:
            yield from _leaves(code, match.start("tree"), match["tree"])


def _leaves(code: Code, offset: int, tree: str) -> Iterator[Import]:
    stack: list[tuple[str, ...]] = []
    prefix: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    at = 0
    alias: str | None = None
    renaming = False

    def leaf() -> Iterator[Import]:
        if path and path != prefix:
            whole = path[:-1] if path[-1] == "self" and len(path) > 1 else path
            place = offset + at
            yield Import(alias or whole[-1], whole, place, code.line(place), code.column(place))

    for token in _TOKEN.finditer(tree):
        word = token[0]
        if word == "{":
            stack.append(prefix)
            prefix = path
        elif word in (",", "}"):
            yield from leaf()
            if word == "}":
                prefix = stack.pop() if stack else ()
            path, alias, renaming = prefix, None, False
        elif word == "as":
            renaming = True
        elif renaming:
            alias, renaming = word, False
        elif word != "::":
            path = (*path[-_DEEPEST:], word.removeprefix("r#"))
            at = token.start()
    yield from leaf()
