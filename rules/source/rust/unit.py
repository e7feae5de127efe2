# SPDX-License-Identifier: GPL-2.0-or-later
"""A piece of Rust that was parsed on its own, and where its lines stand in the file."""

from dataclasses import dataclass

from tree_sitter import Node, Tree

from rules.finding import Confidence

_LONG = 2000  # beyond this many bytes a column counts bytes: a line of a megabyte is not decoded for each site


@dataclass(frozen=True, slots=True)
class Unit:
    """One parse: a whole file, a fragment between what a hunk shows, or the code of a doctest.

    `lines` are the lines as parsed, without newline. Row r of `tree` is line `r + base` of the file, and its columns
    are `indent[r]` bytes further left than in the file (only doctests are indented so). Rows above `top` and from
    `bottom` on were put around a fragment so that it parses. `open_top` says that the file has lines above, which are
    not known; `tokens` that only a token tree could be parsed; `macro` that a fragment has metavariables in it.
    """

    tree: Tree
    text: bytes
    lines: tuple[bytes, ...]
    base: int
    confidence: Confidence
    top: int = 0
    bottom: int = 1 << 60
    open_top: bool = False
    tokens: bool = False
    macro: bool = False
    doctest: bool = False
    indent: tuple[int, ...] = ()

    def is_inside_unseen_macro(self, path: list[Node]) -> bool:
        """Whether a place, given the way to it, may be part of a macro's definition that begins above the fragment."""
        shown = (node.type == "macro_definition" and node.start_point.row >= self.top for node in path)
        return self.macro and not any(shown)

    def line(self, row: int) -> int:
        """The number, from 1, of the file's line that is this row."""
        return row + self.base

    def column(self, node: Node) -> int:
        """The column, from 1 and in characters, of the node's first byte in the file's line."""
        point = node.start_point
        before = self.lines[point.row][: point.column] if point.column <= _LONG else b""
        columns = len(before.decode("utf-8", "replace")) if before else point.column
        return columns + 1 + (self.indent[point.row] if self.indent else 0)

    def span(self, start: int, end: int) -> str:
        """The text between two byte offsets, undecodable bytes kept as surrogates."""
        return self.text[start:end].decode("utf-8", "surrogateescape")
