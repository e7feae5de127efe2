# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter, and a cursor that visits many places of one tree in one pass."""

from collections.abc import Iterable, Iterator

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Tree

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)


def parse_bytes(text: bytes) -> Tree:
    """The syntax tree of `text`; every input has one, with ERROR nodes where it is not Rust."""
    return _PARSER.parse(text)


def paths_to(tree: Tree, offsets: Iterable[int]) -> Iterator[tuple[int, list[Node]]]:
    """For each byte offset, in rising order, the nodes from the root down to the token that holds it.

    The list is the walker's own and changes with the next step. One forward pass serves all offsets, so that deep
    nesting and long sibling lists cost linear time, and nothing recurses.
    """
    cursor = tree.walk()
    path = [tree.root_node]
    for offset in offsets:
        while len(path) > 1 and path[-1].end_byte <= offset:
            if cursor.goto_next_sibling():
                node = cursor.node
                assert node is not None
                path[-1] = node
            else:
                cursor.goto_parent()
                path.pop()
        while path[-1].start_byte <= offset and cursor.goto_first_child_for_byte(offset) is not None:
            node = cursor.node
            assert node is not None
            path.append(node)
        yield offset, path
