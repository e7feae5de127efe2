# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust grammar of tree-sitter, with a bound on what text that is not Rust may cost."""

import re

import tree_sitter_rust
from tree_sitter import Language, Parser, Point, Tree

from rules.source.rust.work_limit import WorkLimit

RUST = Language(tree_sitter_rust.language())
_PARSER = Parser(RUST)
_SMALL = 2000
_READ = 20  # times that a text is read: real files take one
_PIECE = 64 * 1024
_MAX_BODY = 8 * 1024  # bytes of a struct's body that are searched for default values
_CONST_TRAIT = re.compile(rb"\bconst[ \t]++(?=unsafe\s+trait\b)")
_STRUCT = re.compile(rb"\b(?:pub(?:\([^()\n]*+\))?[ \t]++)?struct[ \t]++\w++[^;{}()\n]*+(?=\{[ \t]*+\n)")
_DEFAULT = re.compile(
    rb"^[ \t]*+(?:pub(?:\([^()\n]*+\))?[ \t]++)?\w++[ \t]*+:(?!:)[^=;{}\n]*+"  # a field's name and type
    rb"=(?![=>])[^;\n]*?(?:\n[^;=\n]*?)?\bunsafe\b",  # its default value, which may begin on the next line
    re.MULTILINE,
)


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


def _as_known_syntax(text: bytes) -> bytes:
    """Return the text with syntax that the grammar does not know yet as syntax that it knows, of the same length.

    `const unsafe trait` loses its `const`. A struct whose fields have default values with unsafe code becomes the call
    of a macro: within it, a comment justifies the code of the field below, as in other macro calls.
    """
    if b"unsafe" not in text:
        return text
    if b"trait" in text:
        text = _CONST_TRAIT.sub(lambda head: b"".ljust(len(head[0])), text)
    if b"struct" in text and _DEFAULT.search(text):
        text = _STRUCT.sub(lambda head: b"m!".ljust(len(head[0])) if _has_default(text, head.end()) else head[0], text)
    return text


def _has_default(text: bytes, start: int) -> bool:
    """Return whether unsafe code is the default value of a field, in the body that starts at the offset."""
    end = text.find(b"}", text.find(b"\n}", start, start + _MAX_BODY), start + _MAX_BODY)
    body = text[start : end if end >= 0 else start + _MAX_BODY]
    return _DEFAULT.search(body) is not None


def parse_bytes(text: bytes, tolerance: int = 40) -> Tree | None:
    """The syntax tree of `text`, with ERROR nodes where it is not Rust; None where there is too little Rust in it.

    The parser's search for a way out of an error takes milliseconds a step, minutes for a megabyte of brackets. It is
    given up after `tolerance` steps, and so is reading the rest of the text over and over, as for quotes that are never
    closed. Both are counted, not timed: the same text always has the same outcome.
    """
    text = _as_known_syntax(text.replace(b"\0", b" "))
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
