# SPDX-License-Identifier: GPL-2.0-or-later
"""Is an unsafe site justified by a SAFETY comment? Clippy 1.95's reading, then a benevolent one.

The rules of acceptance were found by experiment with Clippy 1.95; what only the benevolent reading accepts is at most
a matter of placement. Where a fragment does not show enough, the answer is "unknown".
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from tree_sitter import Node

from rules.source.rust.lines import clippy_above, has_lenient_tag, is_untagged, lenient_above, starts_with_tag
from rules.source.rust.model import SafetyReading
from rules.source.rust.statement_rows import TOKEN_TREES, climb_statement, climb_tokens, statement_row
from rules.source.rust.tokens import without_literals
from rules.source.rust.unit import Unit

_INSIDE = re.compile(rb"\{\s*(//(?![/!])[^\n]*|/\*(?![*!]).*?\*/)", re.DOTALL)
_UNSAFE = re.compile(rb"\bunsafe\b")
_BODY = 4000
_WINDOW = 1000


@dataclass(frozen=True, slots=True)
class Undecided:
    """A site that Clippy does not accept, and what its lenient reading needs: it waits until all sites were read.

    `climb` are the rows above which a comment may speak for it, `floor` the last row above its function's body.
    `unseen` says that it may be part of a macro whose definition begins above the fragment.
    """

    site: Node
    body: Node
    climb: tuple[tuple[int, str], ...]
    floor: int
    unseen: bool


class JustificationReader:
    """Reads the justification of the sites of one unit; what it read above a row is kept.

    A comment that Clippy counts for one site belongs to that site: no other site may use it.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._text = without_literals(unit.text)
        self._lines = unit.lines if self._text is unit.text else tuple(self._text.split(b"\n"))
        self._clippy_rows: dict[tuple[int, int], tuple[str, int] | None] = {}
        self._children: dict[int, list[Node]] = {}
        self._lenient_rows: dict[tuple[int, int], tuple[int | None, int]] = {}

    def block(self, path: list[Node], at: int, body: Node, floor: int) -> tuple[SafetyReading | Undecided, int]:
        """Return the reading of an unsafe block, and the row its statement starts on.

        `path[at]` is the block's node, or within a token tree its `unsafe` token; `body` is its braces.
        """
        if path[at - 1].type not in TOKEN_TREES:
            return self._block(path, at, body, floor, None), statement_row(path, at)
        climb = list(climb_tokens(path, at, self.children))
        if climb and climb[-1][1] == "function":
            floor = max(floor, climb.pop()[0])
        rows = (start for start, who in reversed(climb) if who != "macro")
        return self._block(path, at, body, floor, climb), next(rows, path[at].start_point.row)

    def children(self, tree: Node) -> list[Node]:
        """The children of a token tree; the list is kept, because a tree may hold many sites."""
        if tree.id not in self._children:
            self._children[tree.id] = tree.children
        return self._children[tree.id]

    def _block(
        self, path: list[Node], at: int, body: Node, floor: int, climb: list[tuple[int, str]] | None
    ) -> SafetyReading | Undecided:
        """Return the reading of the block; without a climb that of its statement, which most blocks do not need."""
        unit = self._unit
        if found := self._clippy_above(path[at].start_point.row, floor):
            return SafetyReading("clippy", found[0], unit.line(found[1]))
        if (inside := self._inside(body)) is not None:
            return SafetyReading("clippy", "inside", unit.line(inside))
        climb = list(climb_statement(path, at)) if climb is None else climb
        for start, who in climb:
            if who == "clippy" and (found := self._clippy_above(start, floor)):
                return SafetyReading("clippy", "above-statement", unit.line(found[1]))
        return Undecided(path[at], body, tuple(climb), floor, unit.is_inside_unseen_macro(path))

    def impl(self, path: list[Node], keyword: Node, body: Node, *, trailing: bool) -> SafetyReading | Undecided:
        """Return the reading of an `unsafe impl`, given the way to it, its `unsafe` token (or its item) and its braces.

        Only in a function's body may the comment stand behind the code of the line before.
        """
        row = keyword.start_point.row
        before = self._lines[row][: keyword.start_point.column][-_WINDOW:].strip()
        alone = not before or before.startswith(b"#[")
        if alone and (found := clippy_above(self._lines, row, self._unit.top - 1, trailing=trailing)):
            return SafetyReading("clippy", found[0], self._unit.line(found[1]))
        climb = ((row, "lenient"),) if alone else ()
        return Undecided(keyword, body, climb, -1, self._unit.is_inside_unseen_macro(path))

    def _clippy_above(self, row: int, floor: int) -> tuple[str, int] | None:
        key = row, max(floor, self._unit.top - 1)
        if key not in self._clippy_rows:
            self._clippy_rows[key] = clippy_above(self._lines, *key, trailing=True)
        return self._clippy_rows[key]

    def _inside(self, body: Node) -> int | None:
        end = min(body.end_byte, body.start_byte + _BODY)
        comment = _INSIDE.match(self._text, body.start_byte, end)
        if comment is None or not starts_with_tag(comment[1]):
            return None
        return body.start_point.row + self._unit.text.count(b"\n", body.start_byte, comment.start(1))

    def lenient(self, undecided: Undecided, owned: Collection[int]) -> SafetyReading:
        """Return the benevolent reading of a site; `owned` are the lines of the comments that belong to other sites."""
        unit, lines, site = self._unit, self._lines, undecided.site
        row, column, last = site.start_point.row, site.start_point.column, undecided.body.end_point
        if _comment_has_tag(lines[row][max(0, column - _WINDOW) : column]) and unit.line(row) not in owned:
            return SafetyReading("lenient", "same-line", unit.line(row))
        if _comment_has_tag(lines[last.row][last.column : last.column + _WINDOW]):
            return SafetyReading("lenient", "trailing", unit.line(last.row))
        if (inside := self._inside_late(undecided.body, owned)) is not None:
            return SafetyReading("lenient", "inside-late", unit.line(inside))
        is_cut = last.row >= unit.bottom
        top = max(unit.top, undecided.floor + 1)
        amid = min((start for start, who in undecided.climb if unit.tokens and who != "macro"), default=row)
        for between in range(max(amid, top), row):
            if _comment_has_tag(lines[between][:_WINDOW]) and unit.line(between) not in owned:
                return SafetyReading("lenient", "above-enclosing", unit.line(between))
        for start, who in dict.fromkeys([(row, ""), *undecided.climb]):
            if start < unit.top:
                is_cut = is_cut or not (unit.tokens and who == "macro")
                break
            if start < top:
                continue
            tag, stopped = self._lenient_above(start, top - 1)
            if tag is not None and unit.line(tag) not in owned:
                how = "above-attribute" if start == row else "above-enclosing"
                how = "untagged" if is_untagged(lines[tag].strip()) else how
                return SafetyReading("lenient", how, unit.line(tag))
            is_cut = is_cut or stopped < unit.top
        return SafetyReading("unknown" if unit.open_top and (is_cut or undecided.unseen) else "none")

    def _lenient_above(self, row: int, floor: int) -> tuple[int | None, int]:
        key = row, floor
        if key not in self._lenient_rows:
            self._lenient_rows[key] = lenient_above(self._lines, row, floor)
        return self._lenient_rows[key]

    def _inside_late(self, body: Node, owned: Collection[int]) -> int | None:
        text = self._text[body.start_byte : min(body.end_byte, body.start_byte + _BODY)]
        if b"afety" not in text and b"AFETY" not in text:
            return None
        nested = _UNSAFE.search(text)
        for offset, line in enumerate(text[: nested.start() if nested else None].split(b"\n")):
            row = body.start_point.row + offset
            if _comment_has_tag(line) and self._unit.line(row) not in owned:
                return row
        return None


def _comment_has_tag(text: bytes) -> bool:
    start = min((n for n in (text.find(b"//"), text.find(b"/*")) if n >= 0), default=-1)
    return start >= 0 and has_lenient_tag(text[start:])
