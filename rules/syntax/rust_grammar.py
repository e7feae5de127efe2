# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter."""

import tree_sitter_rust
from tree_sitter import Language, Parser, Tree

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)


def parse_bytes(text: bytes) -> Tree:
    """The syntax tree of `text`; every input has one, with ERROR nodes where it is not Rust."""
    return _PARSER.parse(text)
