# SPDX-License-Identifier: GPL-2.0-or-later
"""A piece of Rust that was parsed on its own, and where its lines stand in the file."""

from dataclasses import dataclass

from tree_sitter import Node, Tree

from rules.finding import Confidence


@dataclass(frozen=True, slots=True)
class Unit:
    """One parse: a whole file, a fragment between what a hunk shows, or the code of a doctest.

    `lines` are the lines as parsed, without newline. Row r of `tree` is line `r + base` of the file, and its columns
    are `indent[r]` bytes further left than in the file (only doctests are indented so).
    """

    tree: Tree
    text: bytes
    lines: tuple[bytes, ...]
    base: int
    confidence: Confidence
    indent: tuple[int, ...] = ()

    def line(self, node: Node) -> int:
        """The number, from 1, of the file's line the node starts on."""
        return node.start_point.row + self.base
