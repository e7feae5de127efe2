# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse Rust with tree-sitter, with a limit on the work for text that is not Rust."""

from importlib.machinery import PathFinder
from typing import Any

from tree_sitter import Language, Node, Parser, Point, Tree

from rules.finding import Confidence
from rules.lazy import dataclass, re
from rules.source.rust.work_limit import WorkLimit

_MAX_SMALL = 2000  # bytes of a text that is parsed without counting
_MAX_READS = 20  # of each byte: real files take one
_PIECE = 64 * 1024
_MAX_BODY = 8 * 1024  # bytes of a struct's body that are searched for default values
_CONST_TRAIT = re.compile(rb"const(?<=\bconst)[ \t]++(?=unsafe\s+trait\b)")
_UNSAFE_TRAIT = re.compile(rb"unsafe\s+trait\b")
_STRUCT = re.compile(rb"\b(?:pub(?:\([^()\n]*+\))?[ \t]++)?struct[ \t]++\w++[^;{}()\n]{0,200}+(?=\{[ \t]*+\n)")
_DEFAULT = re.compile(
    rb"^[ \t]*+(?:pub(?:\([^()\n]*+\))?[ \t]++)?\w++[ \t]*+:(?!:)[^=;{}\n]*+"  # a field's name and type
    rb"=(?![=>])[^;\n]*?(?:\n[^;=\n]*?)?\bunsafe\b",  # its default value, which may begin on the next line
    re.MULTILINE,
)
_MAX_DECODED = 2000  # bytes before a column; beyond these it counts bytes, or each site would decode a megabyte


def _load_language() -> Language:
    """Return the grammar. The extension is loaded without its package, which loads ten modules for its queries."""
    package = PathFinder.find_spec("tree_sitter_rust")
    places = package.submodule_search_locations if package is not None else None
    spec = PathFinder.find_spec("tree_sitter_rust._binding", places)
    if spec is None or spec.loader is None:
        raise ImportError("tree_sitter_rust has no extension", name="tree_sitter_rust")
    binding: Any = spec.loader.create_module(spec)  # importlib.util would set its attributes, which nothing reads
    spec.loader.exec_module(binding)
    return Language(binding.language())


_PARSER = Parser(_load_language())


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A parsed text, and where its lines are in the file: a file, a fragment in its context, or a doctest.

    `lines` are the lines as parsed, without newline. Row r of `tree` is line `r + base` of the file, and its columns
    are `indent[r]` bytes further left than in the file (only in doctests). Rows above `top` and from `bottom` on are
    the context of a fragment. `is_cut_above` says that the file has unknown lines above, `is_tokens` that the text was
    parsed as a token tree, `in_macro` that a fragment has metavariables outside the macros that it shows.
    """

    tree: Tree
    text: bytes
    lines: tuple[bytes, ...]
    base: int
    confidence: Confidence
    top: int = 0
    bottom: int = 1 << 60
    is_cut_above: bool = False
    is_tokens: bool = False
    in_macro: bool = False
    is_doctest: bool = False
    indent: tuple[int, ...] = ()

    def is_inside_unseen_macro(self, path: list[Node]) -> bool:
        """Tell whether a place, given the path to it, may be in a macro's definition that begins above the fragment."""
        shown = (node.type == "macro_definition" and node.start_point.row >= self.top for node in path)
        return self.in_macro and not any(shown)

    def line(self, row: int) -> int:
        """Return the number, from 1, of the file's line that is this row."""
        return row + self.base

    def column(self, node: Node) -> int:
        """Return the column, from 1 and in characters, of the node's start in the file's line."""
        point = node.start_point
        before = self.lines[point.row][: point.column] if point.column <= _MAX_DECODED else b""
        columns = len(before.decode("utf-8", "replace")) if before else point.column
        return columns + 1 + (self.indent[point.row] if self.indent else 0)

    def span(self, start: int, end: int) -> str:
        """Return the text between two byte offsets, with surrogates for bytes that are not UTF-8."""
        return self.text[start:end].decode("utf-8", "surrogateescape")


def parse_counted(text: bytes, tolerance: int, work: WorkLimit) -> Tree | None:
    """Parse as `parse_bytes` does, and count the errors as work: each costs the parser as much as a function.

    A long text is parsed in pieces first, so that the limit is reached before its errors cost too much.
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
    if not tree.root_node.has_error:
        return 0
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
    if b"trait" in text and _UNSAFE_TRAIT.search(text):
        text = _CONST_TRAIT.sub(lambda head: b"".ljust(len(head[0])), text)
    if b"struct" in text and has_unsafe_default(text):
        text = _STRUCT.sub(lambda head: b"m!".ljust(len(head[0])) if _has_default(text, head.end()) else head[0], text)
    return text


def has_unsafe_default(text: bytes) -> bool:
    """Return whether unsafe code may be the default value of a field. It is on the field's line or the next one."""
    end = 0
    while end >= 0 and (at := text.find(b"unsafe", end)) >= 0:
        start = text.rfind(b"\n", 0, at) + 1
        above = text.rfind(b"\n", 0, max(0, start - 1)) + 1
        if _DEFAULT.match(text, above) or _DEFAULT.match(text, start):
            return True
        end = text.find(b"\n", at)
    return False


def _has_default(text: bytes, start: int) -> bool:
    """Return whether unsafe code is the default value of a field, in the body that starts at the offset."""
    end = text.find(b"\n}", start, start + _MAX_BODY)
    body = text[start : end if end >= 0 else start + _MAX_BODY]
    return _DEFAULT.search(body) is not None


def parse_bytes(text: bytes, tolerance: int = 40) -> Tree | None:
    """Return the syntax tree of a text, with ERROR nodes in places that are not Rust, or None if they are too many.

    The parser's recovery from an error takes milliseconds a step, minutes for a megabyte of brackets. It stops after
    `tolerance` steps, or when the text was read too often, as for quotes that are never closed. Both are counted, not
    timed, so that the same text always has the same result.
    """
    text = _as_known_syntax(text.replace(b"\0", b" "))
    if len(text) < _MAX_SMALL and tolerance:
        return _PARSER.parse(text)
    errors, unread, is_parsed = 0, _MAX_READS * len(text), False

    def read(offset: int, _: Point) -> bytes:
        nonlocal unread
        if is_parsed:  # a node reads its text here too, and never stops if there is none
            return text[offset : offset + _MAX_SMALL]
        rest = text[offset:] if unread > 0 else b""
        unread -= len(rest)
        return rest

    def progress(_: int, in_error: bool) -> bool:
        nonlocal errors
        errors += in_error
        return errors > tolerance or unread <= 0

    try:
        tree = _PARSER.parse(read, progress_callback=progress)
    except ValueError:  # the callback stopped the parser
        _PARSER.reset()
        return None
    is_parsed = True
    return tree
