# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter, with a bound on what text that is not Rust may cost."""

import tree_sitter_rust
from tree_sitter import Language, Parser, Point, Tree

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)
_SMALL = 2000
_READ = 20  # times that a text is read: real files take one


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
