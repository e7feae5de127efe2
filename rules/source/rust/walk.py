# SPDX-License-Identifier: GPL-2.0-or-later
"""Walk a syntax tree forward to given places, with the items and attributes that enclose each."""

from collections.abc import Iterable, Iterator
from typing import Any

from tree_sitter import Node

from rules.lazy import dataclass, re, replace
from rules.source.rust.grammar import ParsedText
from rules.source.rust.lines import attributes_of, header_rows
from rules.source.rust.model import MACRO_DEFINITIONS, TEST, Setting

ITEM_KINDS = {
    "function_item": "fn",
    "function_signature_item": "fn",
    "struct_item": "struct",
    "union_item": "union",
    "enum_item": "enum",
    "trait_item": "trait",
    "impl_item": "impl",
    "mod_item": "mod",
    "const_item": "const",
    "static_item": "static",
    "type_item": "type",
    "foreign_mod_item": "extern",
    "macro_definition": "macro_rules!",
}
_EXPORTED = re.compile(r"#\[\s*macro_export\b")
_LEVEL = re.compile(r"\b(?:allow|expect)\s*+\(([^)]*+)(?:\)|\Z)")
_LINTS = {
    "undocumented_unsafe_blocks": re.compile(r"\b(?:undocumented_unsafe_blocks|clippy::restriction|warnings)\b"),
    "missing_safety_doc": re.compile(r"\b(?:missing_safety_doc|clippy::(?:style|all)|warnings)\b"),
}
# Words without which no attribute of a text is what these expressions look for. Few texts have them.
_LEVELS = (b"allow", b"expect")
_LINT_WORDS = (b"undocumented_unsafe_blocks", b"missing_safety_doc", b"warnings", b"clippy::")
_TESTS = (b"kunit_tests", b"KUNIT", b"SELFTEST")
_TEST_WORD = re.compile(rb"test(?<=\btest)\b")
_STATEMENTS = frozenset(
    {"let_declaration", "expression_statement", "unsafe_block", "call_expression", "match_expression", "if_expression"}
)
_ENTERED = _STATEMENTS.union(ITEM_KINDS, ("macro_invocation", "ERROR"))
_MAX_INNER = 200  # children of a body, in search of inner attributes
_QUOTING = frozenset({b"quote", b"quote_spanned", b"parse_quote", b"parse_quote_spanned", b"quote::quote"})
_MAX_SCOPE = 4


@dataclass(frozen=True, slots=True)
class Context:
    """The items that enclose a place, and what their attributes say.

    `container` is the kind of the innermost item, "impl-trait" for the implementation of a trait. `floor` is the row
    at which Clippy stops its search. `allowed` are the lints that are allowed or expected here, without `clippy::`.
    `is_damaged` says that the place is in a syntax error.
    """

    scope: tuple[str, ...] = ()
    container: str = ""
    floor: int = -1
    in_test: bool = False
    allowed: frozenset[str] = frozenset()
    setting: Setting = "code"
    is_damaged: bool = False


class Walker:
    """A cursor that moves forward through a tree: `path` has the nodes from the root to its place.

    It never moves back and does not recurse, so that deep nesting and long lists of siblings take linear time.
    """

    def __init__(self, parsed: ParsedText) -> None:
        self._parsed = parsed
        self._cursor: Any = parsed.tree.walk()  # its node is never None
        text = parsed.text
        self._has_lints = _has_any(text, _LEVELS) and _has_any(text, _LINT_WORDS)
        self._has_tests = _has_any(text, _TESTS) or (b"test" in text and _TEST_WORD.search(text) is not None)
        self._root = Context(
            allowed=frozenset() if parsed.is_doctest else self._inner_lints(parsed.tree.root_node),
            setting="doctest" if parsed.is_doctest else "code",
        )
        self.path: list[Node] = [parsed.tree.root_node]
        self._contexts: list[Context] = [self._root]

    def to(self, offsets: Iterable[int]) -> Iterator[Node]:
        """Move to each of the rising byte offsets, and yield the token there."""
        for offset in offsets:
            self._move(offset)
            yield self.path[-1]

    def _move(self, offset: int) -> None:
        cursor, path = self._cursor, self.path
        if len(path) > 1 and path[-1].end_byte <= offset:
            while len(path) > 2 and path[-2].end_byte <= offset:  # its other children end above the offset too
                cursor.goto_parent()
                path.pop()
            while (has_next := cursor.goto_next_sibling()) and (node := cursor.node).end_byte <= offset:
                pass
            if has_next:
                path[-1] = node
            else:
                cursor.goto_parent()
                path.pop()
            del self._contexts[len(path) - 1 :]
        while path[-1].start_byte <= offset and cursor.goto_first_child_for_byte(offset) is not None:
            path.append(cursor.node)

    def context(self) -> Context:
        """Return what encloses the last token of `path`, which may itself be an item."""
        contexts = self._contexts
        for n in range(len(contexts), len(self.path)):
            outer, node = contexts[n - 1] if n else self._root, self.path[n]
            contexts.append(self._enter(outer, node) if n and node.type in _ENTERED else outer)
        return contexts[-1]

    def enclosing(self) -> str:
        """Return the container of the item that the last token of `path` belongs to."""
        for n in range(len(self.path) - 1, 0, -1):
            if self.path[n].type in ITEM_KINDS:
                self.context()
                return self._contexts[n - 1].container
        return ""

    def _enter(self, outer: Context, node: Node) -> Context:
        kind = node.type
        if node.start_point.row < self._parsed.top:
            return outer
        if kind == "macro_invocation" and outer.setting not in MACRO_DEFINITIONS:
            called = node.child_by_field_name("macro")
            quoting = called is not None and called.text in _QUOTING
            inner: Setting = "macro-definition" if quoting else "macro-call"
            return replace(outer, setting=inner if outer.setting != "doctest" else "doctest")
        if kind == "ERROR":
            return replace(outer, is_damaged=True)
        if kind in ITEM_KINDS:
            return self._enter_item(outer, node, ITEM_KINDS[kind])
        if self._has_lints and kind in _STATEMENTS:
            allowed = allowed_lints(attributes_of(self._parsed, node, _LEVELS))
            return replace(outer, allowed=outer.allowed | allowed) if allowed - outer.allowed else outer
        return outer

    def _inner_lints(self, body: Node) -> frozenset[str]:
        """Return the lints that the inner attributes (`#![..]`) at the start of a file or body allow."""
        attributes = []
        for n in range(min(body.named_child_count, _MAX_INNER) if self._has_lints else 0):
            child = body.named_child(n)
            if child is None or child.type not in ("inner_attribute_item", "line_comment", "block_comment", "shebang"):
                break
            if child.type == "inner_attribute_item":
                attributes.append(self._parsed.span(child.start_byte, child.end_byte))
        return allowed_lints(attributes)

    def _enter_item(self, outer: Context, node: Node, kind: str) -> Context:
        row = node.start_point.row
        name = item_name(self._parsed, node)
        container = "impl-trait" if kind == "impl" and node.child_by_field_name("trait") is not None else kind
        scope = (*outer.scope, f"{kind} {name}".strip())[-_MAX_SCOPE:]
        floor = row
        if kind in ("const", "static"):
            # In a module Clippy stops at the item before, but not in the root of a crate, which any file may be.
            floor = header_rows(self._parsed.lines, row, -1)[0] - 1 if outer.container == "mod" else outer.floor
        in_test, allowed = outer.in_test, outer.allowed
        if self._has_tests or self._has_lints:
            attributes = attributes_of(self._parsed, node, (b"test", *_TESTS, *_LEVELS))
            in_test = in_test or any(TEST.match(text) for text in attributes)
            allowed = allowed | allowed_lints(attributes)
            body = node.child_by_field_name("body") if kind in ("mod", "fn", "impl", "trait") else None
            allowed = allowed | self._inner_lints(body) if body is not None else allowed
        setting = outer.setting
        if kind == "macro_rules!" and setting == "code":
            is_exported = any(_EXPORTED.match(text) for text in attributes_of(self._parsed, node, (b"macro_export",)))
            setting = "exported-macro" if is_exported else "macro-definition"
        return Context(scope, container, floor, in_test, allowed, setting, outer.is_damaged)


def _has_any(text: bytes, words: Iterable[bytes]) -> bool:
    for word in words:  # noqa: SIM110 any() would take as long as the search
        if text.find(word) >= 0:  # faster than `in`
            return True
    return False


def allowed_lints(attributes: Iterable[str]) -> frozenset[str]:
    """Return the lints that attributes allow or expect, without `clippy::`."""
    lists = [names for text in attributes for names in _LEVEL.findall(text)]
    if not lists:
        return frozenset()
    return frozenset(lint for lint, pattern in _LINTS.items() if any(map(pattern.search, lists)))


def item_name(parsed: ParsedText, node: Node) -> str:
    """Return the name of an item in a scope, for an impl `Trait for Type` with single spaces."""
    name = node.child_by_field_name("name")
    if name is not None:
        return parsed.span(name.start_byte, name.end_byte)
    implementing = node.child_by_field_name("type")
    if node.type != "impl_item" or implementing is None:
        return ""
    trait = node.child_by_field_name("trait")
    text = parsed.span(implementing.start_byte, implementing.end_byte)
    if trait is not None:
        text = f"{parsed.span(trait.start_byte, trait.end_byte)} for {text}"
    return " ".join(text.split())[:80]
