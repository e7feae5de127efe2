# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter, with a bound on what text that is not Rust may cost."""

import tree_sitter_rust
from tree_sitter import Language, Parser, Point, Tree

from rules.source.rust.work_limit import WorkLimit

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)
_SMALL = 2000
_READ = 20  # times that a text is read: real files take one
_PIECE = 64 * 1024


def counted(text: bytes, tolerance: int, work: WorkLimit) -> Tree | None:
    """As parse_bytes, with what fits nowhere counted as work: each piece takes the parser as long as a function.

    A long text is tried in pieces first, so that there are no more errors in it than may be counted.
    """
    for start in range(0, len(text), _PIECE) if len(text) > _PIECE else ():
        _count(parse_bytes(text[start : start + _PIECE], tolerance), work)
    tree = parse_bytes(text, tolerance)
    _count(tree, work)
    return tree


def _count(tree: Tree | None, work: WorkLimit) -> None:
    work.spend(1 + (_count_problems(tree) if tree is not None else 0) // 5)


def _count_problems(tree: Tree) -> int:
    """Return the number of ERROR and MISSING nodes and of their children.

    A query would take quadratic time where an ERROR node has thousands of children.
    """
    cursor, problems = tree.walk(), 0
    while True:
        node = cursor.node
        assert node is not None
        if node.is_error or node.is_missing:
            problems += 1 + node.child_count
        if node.has_error and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return problems


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
