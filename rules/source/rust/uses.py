# SPDX-License-Identifier: GPL-2.0-or-later
"""The `use` declarations of a Rust text: every name that they import, with the path that it stands for."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from rules.lazy import dataclass, re

_USE = re.compile(r"use(?<!\wuse)\s++(?P<tree>[^;]*+)(?P<end>;|\Z)")  # the letters come first because that is fast
_MAX_PATH = 32  # parts of a path
_MAX_CACHED = 500  # characters; leaves of shorter trees are cached, because revisions repeat them
_TOKEN = re.compile(r"::|[{},*]|(?:r#)?\w+|\$")


@dataclass(frozen=True, slots=True)
class Import:
    """An imported name: `path` are the parts that it stands for, `name` is what it is called in this file.

    `offset`, `line` and `column` are those of the path's last part. A glob has the name and the last part "*".
    """

    name: str
    path: tuple[str, ...]
    offset: int
    line: int
    column: int


def read_uses(code: str, line: Callable[[int], int], column: Callable[[int], int]) -> Iterator[Import]:
    """Yield the names that the complete `use` declarations import, in order."""
    for name, path, offset in read_leaves(code):
        yield Import(name, path, offset, line(offset), column(offset))


def read_leaves(code: str) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield name, path and offset of each name that the complete `use` declarations import, in order."""
    for match in _USE.finditer(code):
        if match["end"]:
            tree, start = match["tree"], match.start("tree")
            for name, path, offset in _read_cached(tree) if len(tree) <= _MAX_CACHED else _read_leaves(tree):
                yield name, path, start + offset


def _read_leaves(tree: str) -> list[tuple[str, tuple[str, ...], int]]:
    """Return name, path and offset of each leaf of a `use` tree."""
    leaves: list[tuple[str, tuple[str, ...], int]] = []
    stack: list[tuple[str, ...]] = []
    prefix: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    offset = 0
    alias: str | None = None
    is_alias = False

    def add_leaf() -> None:
        if path and path != prefix:
            full = path[:-1] if path[-1] == "self" and len(path) > 1 else path
            leaves.append((alias or full[-1], full, offset))

    for token in _TOKEN.finditer(tree):
        word = token[0]
        if word == "{":
            stack.append(prefix)
            prefix = path
        elif word in (",", "}"):
            add_leaf()
            if word == "}":
                prefix = stack.pop() if stack else ()
            path, alias, is_alias = prefix, None, False
        elif word == "as":
            is_alias = True
        elif is_alias:
            alias, is_alias = word, False
        elif word != "::":
            path = (*path[-_MAX_PATH:], word.removeprefix("r#"))
            offset = token.start()
    add_leaf()
    return leaves


_read_cached = lru_cache(maxsize=256)(_read_leaves)
