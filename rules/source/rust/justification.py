# SPDX-License-Identifier: GPL-2.0-or-later
"""Is an unsafe site justified by a SAFETY comment? Clippy 1.95's reading, then a benevolent one.

The rules of acceptance were found by experiment with Clippy 1.95; what only the benevolent reading accepts is at most
a matter of placement. Where a fragment does not show enough, the answer is "unknown".
"""

import re

from tree_sitter import Node

from rules.source.rust.lines import clippy_above, has_lenient_tag, is_untagged, lenient_above, starts_with_tag
from rules.source.rust.model import SafetyReading
from rules.source.rust.statement_rows import TOKEN_TREES, climb_statement, climb_tokens, statement_row
from rules.source.rust.unit import Unit

_INSIDE = re.compile(rb"\{\s*(//(?![/!])[^\n]*|/\*(?![*!]).*?\*/)", re.DOTALL)
_UNSAFE = re.compile(rb"\bunsafe\b")
_BODY = 4000
_WINDOW = 1000


class JustificationReader:
    """Reads the justification of the sites of one unit; what it read above a row is kept."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._lines = unit.lines
        self._clippy_rows: dict[tuple[int, int], tuple[str, int] | None] = {}
        self._children: dict[int, list[Node]] = {}
        self._lenient_rows: dict[int, tuple[int | None, int]] = {}

    def block(self, path: list[Node], at: int, body: Node, floor: int) -> tuple[SafetyReading, int]:
        """The reading of an unsafe block, and the row its statement starts on.

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
    ) -> SafetyReading:
        """The reading of the block; without a climb that of its statement, which most blocks do not need."""
        unit = self._unit
        if found := self._clippy_above(path[at].start_point.row, floor):
            return SafetyReading("clippy", found[0], unit.line(found[1]))
        if (inside := self._inside(body)) is not None:
            return SafetyReading("clippy", "inside", unit.line(inside))
        climb = list(climb_statement(path, at)) if climb is None else climb
        for start, who in climb:
            if who == "clippy" and (found := self._clippy_above(start, floor)):
                return SafetyReading("clippy", "above-statement", unit.line(found[1]))
        return self._lenient(path[at], body, climb, unseen=unit.is_inside_unseen_macro(path))

    def impl(self, path: list[Node], keyword: Node, body: Node, *, trailing: bool) -> SafetyReading:
        """The reading of an `unsafe impl`, given the way to it, its `unsafe` token (or its item) and its braces.

        Only in a function's body may the comment stand behind the code of the line before.
        """
        row = keyword.start_point.row
        before = self._lines[row][: keyword.start_point.column][-_WINDOW:].strip()
        alone = not before or before.startswith(b"#[")
        if alone and (found := clippy_above(self._lines, row, self._unit.top - 1, trailing=trailing)):
            return SafetyReading("clippy", found[0], self._unit.line(found[1]))
        unseen = self._unit.is_inside_unseen_macro(path)
        return self._lenient(keyword, body, [(row, "lenient")] if alone else [], unseen=unseen)

    def _clippy_above(self, row: int, floor: int) -> tuple[str, int] | None:
        key = row, max(floor, self._unit.top - 1)
        if key not in self._clippy_rows:
            self._clippy_rows[key] = clippy_above(self._lines, *key, trailing=True)
        return self._clippy_rows[key]

    def _inside(self, body: Node) -> int | None:
        end = min(body.end_byte, body.start_byte + _BODY)
        comment = _INSIDE.match(self._unit.text, body.start_byte, end)
        if comment is None or not starts_with_tag(comment[1]):
            return None
        return body.start_point.row + self._unit.text.count(b"\n", body.start_byte, comment.start(1))

    def _lenient(self, site: Node, body: Node, climb: list[tuple[int, str]], *, unseen: bool) -> SafetyReading:
        unit, lines = self._unit, self._lines
        row, column, last = site.start_point.row, site.start_point.column, body.end_point
        if _comment_has_tag(lines[row][max(0, column - _WINDOW) : column]):
            return SafetyReading("lenient", "same-line", unit.line(row))
        if _comment_has_tag(lines[last.row][last.column : last.column + _WINDOW]):
            return SafetyReading("lenient", "trailing", unit.line(last.row))
        if (inside := self._inside_late(body)) is not None:
            return SafetyReading("lenient", "inside-late", unit.line(inside))
        undecided = last.row >= unit.bottom
        amid = min((start for start, who in climb if unit.tokens and who != "macro"), default=row)
        for between in range(max(amid, unit.top), row):
            if _comment_has_tag(lines[between][:_WINDOW]):
                return SafetyReading("lenient", "above-enclosing", unit.line(between))
        for start, who in dict.fromkeys([(row, ""), *climb]):
            if start < unit.top:
                undecided = undecided or not (unit.tokens and who == "macro")
                break
            found, stopped = self._lenient_above(start)
            if found is not None:
                how = "above-attribute" if start == row else "above-enclosing"
                how = "untagged" if is_untagged(lines[found].strip()) else how
                return SafetyReading("lenient", how, unit.line(found))
            undecided = undecided or stopped < unit.top
        if unit.open_top and (undecided or unseen):
            return SafetyReading("unknown")
        return SafetyReading("none")

    def _lenient_above(self, row: int) -> tuple[int | None, int]:
        if row not in self._lenient_rows:
            self._lenient_rows[row] = lenient_above(self._lines, row, self._unit.top - 1)
        return self._lenient_rows[row]

    def _inside_late(self, body: Node) -> int | None:
        text = self._unit.text[body.start_byte : min(body.end_byte, body.start_byte + _BODY)]
        if b"afety" not in text and b"AFETY" not in text:
            return None
        nested = _UNSAFE.search(text)
        for offset, line in enumerate(text[: nested.start() if nested else None].split(b"\n")):
            if _comment_has_tag(line):
                return body.start_point.row + offset
        return None


def _comment_has_tag(text: bytes) -> bool:
    start = min((n for n in (text.find(b"//"), text.find(b"/*")) if n >= 0), default=-1)
    return start >= 0 and has_lenient_tag(text[start:])
