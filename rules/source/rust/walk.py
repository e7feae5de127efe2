# SPDX-License-Identifier: GPL-2.0-or-later
"""One forward pass over a tree that stops at given places and knows what encloses each."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from rules.source.rust.docs import attributes_of
from rules.source.rust.lines import header_rows
from rules.source.rust.model import Setting
from rules.source.rust.unit import Unit

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
_TEST = re.compile(r"#\[\s*(?:test\b|cfg\s*\((?:[^)]*\W)?test\s*[,)]|kunit_tests\b|\w+::kunit_tests\b)")
_LEVEL = re.compile(r"\b(?:allow|expect)\s*+\(([^)]*+)(?:\)|\Z)")
_LINTS = {
    "undocumented_unsafe_blocks": re.compile(r"\b(?:undocumented_unsafe_blocks|clippy::restriction|warnings)\b"),
    "missing_safety_doc": re.compile(r"\b(?:missing_safety_doc|clippy::(?:style|all)|warnings)\b"),
}
_LEVELS = (b"allow", b"expect")
_STATEMENTS = frozenset(
    {"let_declaration", "expression_statement", "unsafe_block", "call_expression", "match_expression", "if_expression"}
)
_MOST_INNER = 200  # children of a body that are looked at for inner attributes
_QUOTING = frozenset({b"quote", b"quote_spanned", b"parse_quote", b"parse_quote_spanned", b"quote::quote"})
_MAX_SCOPE = 4


@dataclass(frozen=True, slots=True)
class Context:
    """What encloses a place: its items and what their attributes say.

    `container` is the kind of the nearest item, "impl-trait" for a trait's implementation. `floor` is the row Clippy
    does not look beyond. `allowed` are the lints that are allowed or expected here, without `clippy::`.
    """

    scope: tuple[str, ...] = ()
    container: str = ""
    floor: int = -1
    in_test: bool = False
    allowed: frozenset[str] = frozenset()
    setting: Setting = "code"
    matcher: bool = False
    damaged: bool = False


class Walker:
    """The way from the root to each of a rising row of byte offsets.

    One cursor moves forward only, so that deep nesting and long sibling lists cost linear time and nothing recurses.
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self._cursor = unit.tree.walk()
        self._has_lints = any(level in unit.text for level in _LEVELS)
        self._has_tests = b"test" in unit.text
        self._root = Context(
            allowed=frozenset() if unit.doctest else self._inner_lints(unit.tree.root_node),
            setting="doctest" if unit.doctest else "code",
        )
        self.path: list[Node] = [unit.tree.root_node]
        self._contexts: list[Context] = [self._root]

    def to(self, offsets: Iterable[int]) -> Iterator[Node]:
        """For each offset the token that holds it; `path` then leads from the root to it."""
        for offset in offsets:
            self._move(offset)
            yield self.path[-1]

    def _move(self, offset: int) -> None:
        cursor, path = self._cursor, self.path
        while len(path) > 1 and path[-1].end_byte <= offset:
            if cursor.goto_next_sibling():
                path[-1] = _node(cursor.node)
            else:
                cursor.goto_parent()
                path.pop()
            del self._contexts[len(path) - 1 :]
        while path[-1].start_byte <= offset and cursor.goto_first_child_for_byte(offset) is not None:
            path.append(_node(cursor.node))

    def context(self) -> Context:
        """What encloses the last token of `path`, itself included."""
        contexts = self._contexts
        for n in range(len(contexts), len(self.path)):
            contexts.append(self._enter(contexts[n - 1], self.path[n]) if n else self._root)
        return contexts[-1]

    def enclosing(self) -> str:
        """The container of the item that the last token of `path` belongs to."""
        for n in range(len(self.path) - 1, 0, -1):
            if self.path[n].type in ITEM_KINDS:
                self.context()
                return self._contexts[n - 1].container
        return ""

    def _enter(self, outer: Context, node: Node) -> Context:
        kind = node.type
        if node.start_point.row < self.unit.top:
            return outer
        if kind in ("token_tree_pattern", "token_repetition_pattern"):
            return _changed(outer, matcher=True)
        if kind == "macro_invocation" and outer.setting != "macro-definition":
            called = node.child_by_field_name("macro")
            quoting = called is not None and called.text in _QUOTING
            inner: Setting = "macro-definition" if quoting else "macro-call"
            return _changed(outer, setting=inner if outer.setting != "doctest" else "doctest")
        if kind == "ERROR":
            return _changed(outer, damaged=True)
        if kind in ITEM_KINDS:
            return self._enter_item(outer, node, ITEM_KINDS[kind])
        if self._has_lints and kind in _STATEMENTS:
            allowed = _lints(attributes_of(self.unit, node))
            return _changed(outer, allowed=allowed) if allowed - outer.allowed else outer
        return outer

    def _inner_lints(self, body: Node) -> frozenset[str]:
        """What the attributes that begin a file or a body, `#![..]`, allow."""
        found = []
        for n in range(min(body.named_child_count, _MOST_INNER) if self._has_lints else 0):
            child = body.named_child(n)
            if child is None or child.type not in ("inner_attribute_item", "line_comment", "block_comment", "shebang"):
                break
            if child.type == "inner_attribute_item":
                found.append(self.unit.span(child.start_byte, child.end_byte))
        return _lints(found)

    def _enter_item(self, outer: Context, node: Node, kind: str) -> Context:
        row = node.start_point.row
        name = item_name(self.unit, node)
        container = "impl-trait" if kind == "impl" and node.child_by_field_name("trait") is not None else kind
        scope = (*outer.scope, f"{kind} {name}".strip())[-_MAX_SCOPE:]
        floor = row
        if kind in ("const", "static"):
            # A file may be the root of its crate, where Clippy does not stop at the item before.
            floor = header_rows(self.unit.lines, row, -1)[0] - 1 if outer.container == "mod" else outer.floor
        in_test, allowed = outer.in_test, outer.allowed
        if self._has_tests or self._has_lints:
            attributes = attributes_of(self.unit, node)
            in_test = in_test or any(_TEST.match(text) for text in attributes)
            allowed = allowed | _lints(attributes)
            body = node.child_by_field_name("body") if kind in ("mod", "fn", "impl", "trait") else None
            allowed = allowed | self._inner_lints(body) if body is not None else allowed
        setting: Setting = "macro-definition" if kind == "macro_rules!" and outer.setting == "code" else outer.setting
        return Context(scope, container, floor, in_test, allowed, setting, outer.matcher, outer.damaged)


def _node(node: Node | None) -> Node:
    assert node is not None  # the cursor has just been moved to it
    return node


def _changed(
    outer: Context,
    *,
    setting: Setting | None = None,
    matcher: bool = False,
    damaged: bool = False,
    allowed: frozenset[str] = frozenset(),
) -> Context:
    return Context(
        outer.scope,
        outer.container,
        outer.floor,
        outer.in_test,
        outer.allowed | allowed,
        setting or outer.setting,
        outer.matcher or matcher,
        outer.damaged or damaged,
    )


def _lints(attributes: Iterable[str]) -> frozenset[str]:
    named = [part for text in attributes for part in _LEVEL.findall(text)]
    return frozenset(lint for lint, names in _LINTS.items() if any(names.search(part) for part in named))


def item_name(unit: Unit, node: Node) -> str:
    """How an item is called in a scope: its name, of an impl `Trait for Type`, white space collapsed."""
    name = node.child_by_field_name("name")
    if name is not None:
        return unit.span(name.start_byte, name.end_byte)
    implementing = node.child_by_field_name("type")
    if node.type != "impl_item" or implementing is None:
        return ""
    trait = node.child_by_field_name("trait")
    text = unit.span(implementing.start_byte, implementing.end_byte)
    if trait is not None:
        text = f"{unit.span(trait.start_byte, trait.end_byte)} for {text}"
    return " ".join(text.split())[:80]
