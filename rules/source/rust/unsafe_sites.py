# SPDX-License-Identifier: GPL-2.0-or-later
"""Every unsafe block, impl, function and trait of one unit."""

import re
from dataclasses import replace

from tree_sitter import Node

from rules.finding import Confidence
from rules.source.rust.docs import has_safety_section, header, headings, inner_docs, is_safety_title
from rules.source.rust.justification import JustificationReader, Undecided
from rules.source.rust.model import Docs, SafetyReading, UnsafeDeclaration, UnsafeSite
from rules.source.rust.statement_rows import COMMENTS, TOKEN_TREES, index_of, is_braces
from rules.source.rust.unit import Unit
from rules.source.rust.walk import Context, Walker

_UNSAFE = re.compile(rb"\bunsafe\b")
_MARK = re.compile(r"[\s\w:<>,$'#=&\[\]]*\Z")
_HIDDEN = re.compile(r"#\[\s*doc\s*\([^)]*\bhidden\b")
_LINE = 2000
_BODY = 4000


class UnsafeCode:
    """The unsafe sites and declarations of one unit, and the rows of documentation that has the word in it."""

    def __init__(self, unit: Unit) -> None:
        self.sites: list[UnsafeSite] = []
        self.declarations: list[UnsafeDeclaration] = []
        self.doc_rows: list[int] = []
        self._undecided: list[tuple[int, Undecided]] = []
        self._unit = unit
        self._reader = JustificationReader(unit)
        self._walker = Walker(unit)
        for token in self._walker.to(match.start() for match in _UNSAFE.finditer(unit.text)):
            if token.type == "unsafe":
                if unit.top <= token.start_point.row < unit.bottom:
                    self._add(self._walker.path, self._walker.context())
            elif token.type == "doc_comment" or token.type in COMMENTS:
                self.doc_rows.append(token.start_point.row)
        owned = {site.reading.line for site in self.sites if site.reading.verdict == "clippy"}
        for index, undecided in self._undecided:
            reading = self._reader.lenient(undecided, owned)
            self.sites[index] = replace(self.sites[index], reading=reading)

    def _add(self, path: list[Node], context: Context) -> None:
        if context.matcher or context.damaged:
            return
        token, parent = path[-1], path[-2]
        kind = parent.type
        if kind == "unsafe_block":
            body = parent.named_child(parent.named_child_count - 1)
            if body is not None and body.type == "block":
                self._block(token, path, len(path) - 2, body, context)
        elif kind == "impl_item":
            body = parent.child_by_field_name("body") or parent
            head = self._unit.span(token.end_byte, min(body.start_byte, token.end_byte + _BODY))
            self._site(
                "impl",
                token,
                parent,
                self._reader.impl(
                    path, parent, body, trailing=self._walker.enclosing() == "fn" or self._may_be_statement(token)
                ),
                head,
                token.start_point.row,
                context,
            )
        elif kind == "function_modifiers" and path[-3].type in ("function_item", "function_signature_item"):
            self._fn(path[-3], context)
        elif kind == "trait_item":
            self._declaration("trait", parent, "", context)
        elif kind in TOKEN_TREES:
            self._tokens(token, path, context)

    def _tokens(self, token: Node, path: list[Node], context: Context) -> None:
        tree = path[-2]
        siblings = self._reader.children(tree)
        at = index_of(siblings, token)
        following = [node for node in siblings[at + 1 : at + 9] if node.type not in COMMENTS][:4]
        if not following:
            return
        if following[0].type == "impl":
            body = next((node for node in siblings[at + 1 : at + 60] if is_braces(node)), None)
            if body is None:
                return
            head = self._unit.span(token.end_byte, body.start_byte)
            self._site(
                "impl",
                token,
                body,
                self._reader.impl(
                    path, token, body, trailing=context.setting == "macro-definition" or self._may_be_statement(token)
                ),
                head,
                token.start_point.row,
                context,
            )
        elif is_braces(following[0]):
            body = following[0]
            if not _MARK.match(self._unit.span(body.start_byte + 1, min(body.end_byte, body.start_byte + _BODY) - 1)):
                self._block(token, path, len(path) - 1, body, context)
        elif at > 0 and self._is_public(siblings, at):
            n = next((n for n, node in enumerate(following[:-1]) if node.type == "fn"), None)
            if n is not None and self._has_body(siblings, at):
                name = self._unit.span(following[n + 1].start_byte, following[n + 1].end_byte)
                start = self._public(siblings, at)
                self._declaration("fn", siblings[start], "", context, name=name)

    def _may_be_statement(self, token: Node) -> bool:
        """The fragment does not show whether the item that begins with this token stands in a function's body."""
        return self._unit.open_top and token.start_point.column > 0 and not self._walker.enclosing()

    def _is_public(self, siblings: list[Node], at: int) -> bool:
        return self._public(siblings, at) < at

    @staticmethod
    def _has_body(siblings: list[Node], at: int) -> bool:
        """What ends the head of the function there is no semicolon: that of a foreign one."""
        ends = (node for node in siblings[at + 1 : at + 200] if node.type == ";" or is_braces(node))
        return next((node.type != ";" for node in ends), True)

    @staticmethod
    def _public(siblings: list[Node], at: int) -> int:
        """Where `pub` or `pub(..)` before the token stands, `at` if there is none: `pub` is no trait's method."""
        for n in range(at - 1, max(-1, at - 4), -1):
            if siblings[n].type == "pub" or (siblings[n].type == "identifier" and siblings[n].text == b"pub"):
                return n
        return at

    def _block(
        self,
        token: Node,
        path: list[Node],
        at: int,
        body: Node,
        context: Context,
    ) -> None:
        reading, statement = self._reader.block(path, at, body, context.floor)
        code = self._unit.span(body.start_byte + 1, min(body.end_byte, body.start_byte + _BODY) - 1)
        self._site("block", token, body, reading, code, statement, context)

    def _site(
        self,
        kind: str,
        token: Node,
        end: Node,
        reading: SafetyReading | Undecided,
        body: str,
        statement: int,
        context: Context,
    ) -> None:
        unit = self._unit
        row = token.start_point.row
        if isinstance(reading, Undecided):
            self._undecided.append((len(self.sites), reading))
            reading = SafetyReading("none")
        self.sites.append(
            UnsafeSite(
                "block" if kind == "block" else "impl",
                unit.line(row),
                unit.column(token),
                unit.line(end.end_point.row),
                unit.lines[row][:_LINE].decode("utf-8", "surrogateescape"),
                body.strip(),
                unit.line(max(statement, unit.top)),
                " / ".join(context.scope),
                context.setting,
                context.in_test,
                "undocumented_unsafe_blocks" in context.allowed,
                Confidence.LOW if unit.tokens else unit.confidence,
                reading,
            )
        )

    def _fn(self, item: Node, context: Context) -> None:
        container = self._walker.enclosing()
        exempt = {"impl-trait": "trait-impl", "extern": "foreign"}.get(container, "")
        if not exempt and self._unit.open_top and container == "":
            public = any(child.type == "visibility_modifier" for child in item.named_children[:2])
            has_body = item.type == "function_item"
            exempt = "" if has_body and (public or item.start_point.column == 0) else "undecided"
        self._declaration("fn", item, exempt, context)

    def _declaration(self, kind: str, item: Node, exempt: str, context: Context, *, name: str = "") -> None:
        unit = self._unit
        row = item.start_point.row
        docs, attributes, cut = header(unit, item, unit.top - 1)
        if inner := inner_docs(unit, item):
            docs = Docs((*docs.lines, *inner), headings((*docs.lines, *inner)), docs.opaque)
        if not exempt and any(_HIDDEN.match(attribute) for attribute in attributes):
            exempt = "hidden"
        if not exempt and unit.open_top and unit.is_inside_unseen_macro(self._walker.path):
            exempt = "undecided"
        if not exempt and "missing_safety_doc" in context.allowed:
            exempt = "allowed"
        named = item.child_by_field_name("name")
        self.declarations.append(
            UnsafeDeclaration(
                "trait" if kind == "trait" else "fn",
                name or (unit.span(named.start_byte, named.end_byte) if named else ""),
                unit.line(row),
                unit.column(item),
                unit.line(item.end_point.row),
                unit.lines[row][:_LINE].decode("utf-8", "surrogateescape"),
                " / ".join(context.scope),
                context.setting,
                context.in_test,
                Confidence.LOW if unit.tokens else unit.confidence,
                docs,
                _documented(docs, cut=cut),
                next((number for number, title in docs.headings if is_safety_title(title)), 0),
                exempt,
            )
        )


def _documented(docs: Docs, *, cut: bool) -> bool | None:
    if docs.opaque or has_safety_section(docs):
        return True
    return None if cut else False
