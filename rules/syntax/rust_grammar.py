# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter, with a bound on what text that is not Rust may cost."""

import tree_sitter_rust
from tree_sitter import Language, Parser, Point, Query, QueryCursor, Tree

from rules.syntax.rust_work import Work

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)
_SMALL = 2000
_READ = 20  # times that a text is read: real files take one
_PIECE = 64 * 1024
_PROBLEMS = Query(RUST, "[(ERROR) (MISSING)] @problem")


def counted(text: bytes, tolerance: int, work: Work) -> Tree | None:
    """As parse_bytes, with what fits nowhere counted as work: each piece takes the parser as long as a function.

    A long text is tried in pieces first, so that there are no more errors in it than may be counted.
    """
    for start in range(0, len(text), _PIECE) if len(text) > _PIECE else ():
        _count(parse_bytes(text[start : start + _PIECE], tolerance), work)
    tree = parse_bytes(text, tolerance)
    _count(tree, work)
    return tree


def _count(tree: Tree | None, work: Work) -> None:
    errors = 0
    if tree is not None and tree.root_node.has_error:
        problems = QueryCursor(_PROBLEMS).captures(tree.root_node).get("problem", ())
        errors = sum(1 + node.child_count for node in problems)
    work.spend(1 + errors // 5)


def parse_bytes(text: bytes, tolerance: int = 40) -> Tree | None:
    """The syntax tree of `text`, with ERROR nodes where it is not Rust; None where there is too little Rust in it.

    The parser's search for a way out of an error takes milliseconds a step, minutes for a megabyte of brackets. It is
    given up after `tolerance` steps, and so is reading the rest of the text over and over, as for quotes that are never
    closed. Both are counted, not timed: the same text always has the same outcome.
    """
    text = text.replace(b"\0", b" ")
    if len(text) < _SMALL and tolerance:
        return _PARSER.parse(text)
    errors, unread, parsed = 0, _READ * len(text), False

    def read(offset: int, _: Point) -> bytes:
        nonlocal unread
        if parsed:  # a node asks for its text here too, and asks for ever where there is none
            return text[offset : offset + _SMALL]
        rest = text[offset:] if unread > 0 else b""
        unread -= len(rest)
        return rest

    def progress(_: int, in_error: bool) -> bool:
        nonlocal errors
        errors += in_error
        return errors > tolerance or unread <= 0

    try:
        tree = _PARSER.parse(read, progress_callback=progress)
    except ValueError:  # how the binding says that the callback stopped it
        _PARSER.reset()
        return None
    parsed = True
    return tree
