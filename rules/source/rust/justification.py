# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the SAFETY comment of an unsafe site: first as Clippy 1.95 does, then in a lenient reading.

Experiments with Clippy 1.95 showed what it accepts. A comment that only the lenient reading accepts
has at most a wrong place or form. If a fragment does not show enough, the result is "unknown".
"""

from collections.abc import Collection, Mapping

from tree_sitter import Node

from rules.lazy import dataclass, re
from rules.source.rust.grammar import ParsedText
from rules.source.rust.lines import (
    clippy_above,
    comment_has_tag,
    is_untagged,
    lenient_above,
    starts_item,
    tag_inside,
)
from rules.source.rust.model import SafetyReading
from rules.source.rust.statement_rows import (
    TOKEN_TREES,
    climb_statement,
    climb_tokens,
    heads_and_bodies,
    statement_row,
)
from rules.source.rust.tokens import without_misleading_literals

_UNSAFE = re.compile(rb"\bunsafe\b")
_OUTER_DOC = (b"///", b"/**")
_MAX_BODY = 4000  # bytes
_MAX_LINE = 1000  # bytes before or after the site
_MAX_DEPTH = 100  # nodes around an impl


@dataclass(frozen=True, slots=True)
class Undecided:
    """A site that Clippy does not accept. It is read again after all sites were read, because comments have owners.

    `climb` are the rows above which its comment may stand, `floor` is the last row above its function's body.
    `is_unseen` says that it may be part of a macro whose definition begins above the fragment. In the body of an impl,
    a documentation comment is that of an item. `heads` and `bodies` are the ids of the branches around the site in
    whose heads and bodies it is.
    """

    site: Node
    body: Node
    climb: tuple[tuple[int, str], ...]
    floor: int
    is_unseen: bool
    is_impl: bool = False
    heads: frozenset[int] = frozenset()
    bodies: frozenset[int] = frozenset()


class JustificationReader:
    """A reader of the justifications in a parsed text. It keeps what it read above a row.

    A comment that Clippy accepts for a site belongs to that site: no other site may use it.
    """

    def __init__(self, parsed: ParsedText, *, may_mislead: bool) -> None:
        self._parsed = parsed
        self._text = without_misleading_literals(parsed.text) if may_mislead else parsed.text
        self._lines = parsed.lines if self._text is parsed.text else tuple(self._text.split(b"\n"))
        self._clippy_rows: dict[tuple[int, int], tuple[str, int] | None] = {}
        self._children: dict[int, list[Node]] = {}
        self._lenient_rows: dict[tuple[int, int], tuple[int | None, int]] = {}
        self._heads_below: dict[int, frozenset[int]] = {}  # by the line of a comment: the heads with sites that use it

    def block(self, path: list[Node], at: int, body: Node, floor: int) -> tuple[SafetyReading | Undecided, int]:
        """Return the reading of an unsafe block, and the row on which its statement starts.

        `path[at]` is the block's node, or within a token tree its `unsafe` token; `body` are its braces.
        """
        if path[at - 1].type not in TOKEN_TREES:
            return self._block(path, at, body, floor, None), statement_row(path, at)
        climb = list(climb_tokens(path, at, self.children))
        if climb and climb[-1][1] == "function":
            floor = max(floor, climb.pop()[0])
        rows = (start for start, who in reversed(climb) if who != "macro")
        return self._block(path, at, body, floor, climb), next(rows, path[at].start_point.row)

    def children(self, tree: Node) -> list[Node]:
        """Return the children of a token tree. They are kept, because a tree may have many sites."""
        if tree.id not in self._children:
            self._children[tree.id] = tree.children
        return self._children[tree.id]

    def _block(
        self, path: list[Node], at: int, body: Node, floor: int, climb: list[tuple[int, str]] | None
    ) -> SafetyReading | Undecided:
        """Return the reading of a block. Most need no `climb`: that of a statement is None until it is needed."""
        parsed = self._parsed
        found = self._clippy_above(path[at].start_point.row, floor)
        if found is not None and found[0] == "above":
            return SafetyReading("clippy", found[0], parsed.line(found[1]))
        if (inside := self._inside(body)) is not None:  # a comment after other code may be that code's
            return SafetyReading("clippy", "inside", parsed.line(inside))
        if found is not None:
            return SafetyReading("clippy", found[0], parsed.line(found[1]))
        climb = list(climb_statement(path, at)) if climb is None else climb
        for start, who in climb:
            if who == "clippy" and (found := self._clippy_above(start, floor)):
                return SafetyReading("clippy", "above-statement", parsed.line(found[1]))
        heads, bodies = heads_and_bodies(path, at)
        is_unseen = parsed.is_inside_unseen_macro(path)
        return Undecided(path[at], body, tuple(climb), floor, is_unseen, heads=heads, bodies=bodies)

    def impl(self, path: list[Node], keyword: Node, body: Node, *, in_body: bool) -> SafetyReading | Undecided:
        """Return the reading of an `unsafe impl`, given the path to it and its `unsafe` token or its item.

        In a function's body (`in_body`) Clippy reads from the start of the block that has the impl. Elsewhere it reads
        from the end of the item before, so that no code of that item may be on the impl's line or on the comment's.
        """
        row = keyword.start_point.row
        block = next((node for node in reversed(path[-_MAX_DEPTH:]) if node.type == "block"), None) if in_body else None
        floor = max(self._parsed.top - 1, block.start_point.row if block is not None else -1)
        starts_line = in_body or starts_item(self._lines[row][: keyword.start_point.column][-_MAX_LINE:])
        if starts_line and (found := clippy_above(self._lines, row, floor, trailing=in_body)):
            return SafetyReading("clippy", found[0], self._parsed.line(found[1]))
        climb = ((row, "lenient"),) if starts_line else ()
        return Undecided(keyword, body, climb, -1, self._parsed.is_inside_unseen_macro(path), is_impl=True)

    def _clippy_above(self, row: int, floor: int) -> tuple[str, int] | None:
        key = row, max(floor, self._parsed.top - 1)
        if key not in self._clippy_rows:
            self._clippy_rows[key] = clippy_above(self._lines, *key, trailing=True)
        return self._clippy_rows[key]

    def _inside(self, body: Node) -> int | None:
        end = min(body.end_byte, body.start_byte + _MAX_BODY)
        comment = tag_inside(self._text, body.start_byte, end)
        return None if comment is None else body.start_point.row + self._text.count(b"\n", body.start_byte, comment)

    def lenient(self, undecided: Undecided, owned: Mapping[int, int]) -> SafetyReading:
        """Return the lenient reading of a site.

        `owned` has the lines of the comments of other sites, each with the line of its first site.
        """
        parsed, lines, site = self._parsed, self._lines, undecided.site
        row, column, last = site.start_point.row, site.start_point.column, undecided.body.end_point
        if comment_has_tag(lines[row][max(0, column - _MAX_LINE) : column]) and parsed.line(row) not in owned:
            return SafetyReading("lenient", "same-line", parsed.line(row))
        end = parsed.line(last.row)
        # Clippy gives a comment at the end of this line to a site below it, but people read it as this one's.
        is_taken = owned.get(end, end + 1) <= end
        if not is_taken and comment_has_tag(lines[last.row][last.column : last.column + _MAX_LINE]):
            return SafetyReading("lenient", "trailing", end)
        if (inside := self._inside_late(undecided, owned)) is not None:
            return SafetyReading("lenient", "inside-late", parsed.line(inside))
        is_cut = last.row >= parsed.bottom
        top = max(parsed.top, undecided.floor + 1)
        amid = min((start for start, who in undecided.climb if parsed.is_tokens and who != "macro"), default=row)
        for between in range(max(amid, top), row):
            if comment_has_tag(lines[between][:_MAX_LINE]) and parsed.line(between) not in owned:
                return SafetyReading("lenient", "above-enclosing", parsed.line(between))
        for start, who in dict.fromkeys([(row, ""), *undecided.climb]):
            if start < parsed.top:
                is_cut = is_cut or not (parsed.is_tokens and who == "macro")
                break
            if start < top:
                continue
            tag, stopped = self._lenient_above(start, top - 1)
            if tag is not None and parsed.line(tag) not in owned and self._is_shared(parsed.line(tag), undecided):
                how = "above-attribute" if start == row else "above-enclosing"
                how = "untagged" if is_untagged(lines[tag].strip()) else how
                return SafetyReading("lenient", how, parsed.line(tag))
            is_cut = is_cut or stopped < parsed.top
        return SafetyReading("unknown" if parsed.is_cut_above and (is_cut or undecided.is_unseen) else "none")

    def _is_shared(self, line: int, undecided: Undecided) -> bool:
        """Tell whether the comment above a branch is also that of a site: not in the body if a site in the head has it.

        A comment above `if unsafe { f() } {` says why the condition is safe. It says nothing about the body.
        """
        heads = self._heads_below.get(line, frozenset())
        if heads & undecided.bodies:
            return False
        self._heads_below[line] = heads | undecided.heads
        return True

    def _lenient_above(self, row: int, floor: int) -> tuple[int | None, int]:
        key = row, floor
        if key not in self._lenient_rows:
            self._lenient_rows[key] = lenient_above(self._lines, row, floor)
        return self._lenient_rows[key]

    def _inside_late(self, undecided: Undecided, owned: Collection[int]) -> int | None:
        body = undecided.body
        text = self._text[body.start_byte : min(body.end_byte, body.start_byte + _MAX_BODY)]
        if b"afety" not in text and b"AFETY" not in text:
            return None
        nested = _UNSAFE.search(text)
        text = text[: nested.start()] if nested else text
        if undecided.is_impl:  # a comment in the body of a method is not that of the impl
            text = text[:1] + text[1:].partition(b"{")[0]
        for offset, line in enumerate(text.split(b"\n")):
            row = body.start_point.row + offset
            if undecided.is_impl and line.lstrip().startswith(_OUTER_DOC):
                continue
            if comment_has_tag(line) and self._parsed.line(row) not in owned:
                return row
        return None
