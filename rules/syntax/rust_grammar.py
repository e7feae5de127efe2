# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter, with a bound on what text that is not Rust may cost."""

import tree_sitter_rust
from tree_sitter import Language, Parser, Point, Tree

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)
_SMALL = 2000


def parse_bytes(text: bytes, tolerance: int = 40) -> Tree | None:
    """The syntax tree of `text`, with ERROR nodes where it is not Rust; None where there is too little Rust in it.

    The parser's search for a way out of an error takes milliseconds a step, minutes for a megabyte of brackets. It is
    given up after `tolerance` steps, which are counted, not timed: the same text always has the same outcome.
    """
    text = text.replace(b"\0", b" ")
    if len(text) < _SMALL and tolerance:
        return _PARSER.parse(text)
    errors = 0

    def read(offset: int, _: Point) -> bytes:
        return text[offset:]

    def progress(_: int, in_error: bool) -> bool:
        nonlocal errors
        errors += in_error
        return errors > tolerance

    try:
        return _PARSER.parse(read, progress_callback=progress)
    except ValueError:  # how the binding says that the callback stopped it
        _PARSER.reset()
        return None
