# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the unsafe blocks, impls, functions and traits of a parsed text."""

from typing import Literal

from tree_sitter import Node

from rules.lazy import re, replace
from rules.source.rust.docs import Docs, headings, is_safety_title
from rules.source.rust.grammar import ParsedText
from rules.source.rust.justification import JustificationReader, Undecided
from rules.source.rust.lines import inner_docs, read_header
from rules.source.rust.model import MACRO_DEFINITIONS, SafetyReading, UnsafeDeclaration, UnsafeSite
from rules.source.rust.statement_rows import COMMENTS, TOKEN_TREES, index_of, is_braces
from rules.source.rust.walk import Context, Walker, allowed_lints

_UNSAFE = re.compile(rb"unsafe(?<=\bunsafe)\b")  # the word first: a search finds it fast
_MARK = re.compile(r"[\s\w:<>,$'#=&\[\]]*\Z")
_HIDDEN = re.compile(r"#\[\s*doc\s*\([^)]*\bhidden\b")
_MAX_LINE = 2000  # bytes
_MAX_BODY = 4000  # bytes


class UnsafeCode:
    """The unsafe sites and declarations of a parsed text, and whether a comment has the word `unsafe`.

    `may_mislead` says that literals of the text may look like comments.
    """

    def __init__(self, parsed: ParsedText, *, may_mislead: bool = True) -> None:
        self.sites: list[UnsafeSite] = []
        self.declarations: list[UnsafeDeclaration] = []
        self.in_comments = False
        self._undecided: list[tuple[int, Undecided]] = []
        self._parsed = parsed
        self._reader = JustificationReader(parsed, may_mislead=may_mislead)
        self._walker = Walker(parsed)
        for token in self._walker.to(match.start() for match in _UNSAFE.finditer(parsed.text)):
            if token.type == "unsafe":
                if parsed.top <= token.start_point.row < parsed.bottom:
                    self._add(self._walker.path, self._walker.context())
            elif token.type == "doc_comment" or token.type in COMMENTS:
                self.in_comments = True
        owned = {site.reading.line: site.line for site in reversed(self.sites) if site.reading.verdict == "clippy"}
        for index, undecided in self._undecided:
            reading = self._reader.lenient(undecided, owned)
            self.sites[index] = replace(self.sites[index], reading=reading)

    def _add(self, path: list[Node], context: Context) -> None:
        if context.is_damaged:
            return
        if context.setting == "code" and self._parsed.is_inside_unseen_macro(path):
            context = replace(context, setting="macro-definition")
        token, parent = path[-1], path[-2]
        kind = parent.type
        if kind == "unsafe_block":
            body = parent.named_child(parent.named_child_count - 1)
            if body is not None and body.type == "block":
                self._block(path, len(path) - 2, body, context)
        elif kind == "impl_item":
            body = parent.child_by_field_name("body") or parent
            in_body = self._walker.enclosing() == "fn" or self._may_be_statement(token)
            self._impl(path, parent, body, context, in_body=in_body)
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
            in_body = context.container == "fn" or context.setting in MACRO_DEFINITIONS
            self._impl(path, token, body, context, in_body=in_body or self._may_be_statement(token))
        elif is_braces(following[0]):
            body = following[0]
            if not self._is_name(body) or not self._may_be_mark(path, context):
                self._block(path, len(path) - 1, body, context)
        elif (start := self._public(siblings, at)) < at and self._has_body(siblings, at):
            n = next((n for n, node in enumerate(following[:-1]) if node.type == "fn"), None)
            if n is not None:
                name = self._parsed.span(following[n + 1].start_byte, following[n + 1].end_byte)
                self._declaration("fn", siblings[start], "", context, name=name)

    def _inside(self, body: Node) -> str:
        return self._parsed.span(body.start_byte + 1, min(body.end_byte, body.start_byte + _MAX_BODY) - 1)

    def _is_name(self, body: Node) -> bool:
        """Tell whether the braces have only names, types and comments."""
        text = self._inside(body)
        if "/" in text:
            nodes = (node for node in self._reader.children(body)[1:-1] if node.type not in COMMENTS)
            text = " ".join([self._parsed.span(node.start_byte, node.end_byte) for node in nodes])
        return _MARK.match(text) is not None

    def _may_be_mark(self, path: list[Node], context: Context) -> bool:
        """Tell whether `unsafe { A }` may be what a macro asks its users to write, as in `m!(unsafe { Device });`.

        Such macros make items. In a function's body the braces are a block, and in the body of a macro's definition
        too, unless they begin the arguments of another macro.
        """
        if context.setting not in MACRO_DEFINITIONS:
            return context.container != "fn"
        tree, outer = path[-2], path[-3]
        arguments = (node for node in self._reader.children(tree)[1:9] if node.type not in COMMENTS)
        if next(arguments, None) != path[-1]:
            return False
        if outer.type not in TOKEN_TREES:
            return outer.type == "macro_invocation"
        siblings = self._reader.children(outer)
        return siblings[index_of(siblings, tree) - 1].type == "!"

    def _may_be_statement(self, token: Node) -> bool:
        """Tell whether the item that begins with this token may be in a function's body that is not shown."""
        return self._parsed.is_cut_above and token.start_point.column > 0 and not self._walker.enclosing()

    @staticmethod
    def _has_body(siblings: list[Node], at: int) -> bool:
        """Tell whether the function's head does not end with a semicolon, as that of a foreign one does."""
        ends = (node for node in siblings[at + 1 : at + 200] if node.type == ";" or is_braces(node))
        return next((node.type != ";" for node in ends), True)

    @staticmethod
    def _public(siblings: list[Node], at: int) -> int:
        """Return the index of `pub` or `pub(..)` before the token, else `at`. No method of a trait is `pub`."""
        for n in range(at - 1, max(-1, at - 4), -1):
            if siblings[n].type == "pub":
                return n
        return at

    def _block(self, path: list[Node], at: int, body: Node, context: Context) -> None:
        reading, statement = self._reader.block(path, at, body, context.floor)
        self._site("block", path[-1], reading, self._inside(body), statement, context)

    def _impl(self, path: list[Node], item: Node, body: Node, context: Context, *, in_body: bool) -> None:
        token = path[-1]
        reading = self._reader.impl(path, item, body, in_body=in_body)
        head = self._parsed.span(token.end_byte, min(body.start_byte, token.end_byte + _MAX_BODY))
        self._site("impl", token, reading, head, token.start_point.row, context)

    def _site(
        self,
        kind: Literal["block", "impl"],
        token: Node,
        reading: SafetyReading | Undecided,
        body: str,
        statement: int,
        context: Context,
    ) -> None:
        parsed = self._parsed
        row = token.start_point.row
        if isinstance(reading, Undecided):
            self._undecided.append((len(self.sites), reading))
            reading = SafetyReading("none")
        self.sites.append(
            UnsafeSite(
                kind,
                parsed.line(row),
                parsed.column(token),
                parsed.lines[row][:_MAX_LINE].decode("utf-8", "surrogateescape"),
                body.strip(),
                parsed.line(max(statement, parsed.top)),
                " / ".join(context.scope),
                context.setting,
                context.in_test,
                "undocumented_unsafe_blocks" in context.allowed,
                parsed.confidence,
                reading,
            )
        )

    def _fn(self, item: Node, context: Context) -> None:
        container = self._walker.enclosing()
        exempt = {"impl-trait": "trait-impl", "extern": "foreign"}.get(container, "")
        if not exempt and self._parsed.is_cut_above and container == "":
            public = any(child.type == "visibility_modifier" for child in item.named_children[:2])
            has_body = item.type == "function_item"
            exempt = "" if has_body and (public or item.start_point.column == 0) else "undecided"
        self._declaration("fn", item, exempt, context)

    def _declaration(
        self, kind: Literal["fn", "trait"], item: Node, exempt: str, context: Context, *, name: str = ""
    ) -> None:
        parsed = self._parsed
        row = item.start_point.row
        docs, attributes, is_cut = read_header(parsed, item, parsed.top - 1)
        if inner := inner_docs(parsed, item):
            docs = Docs((*docs.lines, *inner), headings((*docs.lines, *inner)), docs.is_opaque)
        if not exempt and any(_HIDDEN.match(attribute) for attribute in attributes):
            exempt = "hidden"
        if not exempt and parsed.is_cut_above and parsed.is_inside_unseen_macro(self._walker.path):
            exempt = "undecided"
        if not exempt and "missing_safety_doc" in context.allowed.union(allowed_lints(attributes)):
            exempt = "allowed"
        section = next((number for number, title in docs.headings if is_safety_title(title)), 0)
        named = item.child_by_field_name("name")
        self.declarations.append(
            UnsafeDeclaration(
                kind,
                name or (parsed.span(named.start_byte, named.end_byte) if named else ""),
                parsed.line(row),
                parsed.column(item),
                parsed.lines[row][:_MAX_LINE].decode("utf-8", "surrogateescape"),
                " / ".join(context.scope),
                context.setting,
                parsed.confidence,
                docs,
                True if docs.is_opaque or section else None if is_cut else False,
                section,
                exempt,
            )
        )
