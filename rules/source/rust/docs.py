# SPDX-License-Identifier: GPL-2.0-or-later
"""Documentation and attributes above an item, and which headings the documentation has."""

import re
from collections.abc import Iterable

from tree_sitter import Node

from rules.source.rust.lines import header_rows
from rules.source.rust.model import Docs
from rules.source.rust.unit import Unit

SAFETY_TITLES = frozenset({"Safety", "SAFETY", "Implementation safety", "Implementation Safety"})
_CONTAINER = r"(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]))*"
_ENTRY = re.compile(r"[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])")
_ATX = re.compile(_CONTAINER + r" {0,3}#{1,6}[ \t]++(.*)$")
_SETEXT = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_FENCE = re.compile(r"[ \t>]*+(`{3,}+|~{3,}+)(.*)$")
_LINE = 2000
_MARKUP = re.compile(r"(?<!`)`++[^`]++`++|``++|[*_\[\]<>]++")
_DOC_TEXT = re.compile(r'#\s*\[\s*doc\s*=\s*r?#*"(.*)"#*\s*\]', re.DOTALL)
_DOC_OPAQUE = re.compile(r"#\s*\[\s*(?:cfg_attr\s*\(.*?\b)?doc\s*=(?!\s*r?#*\")", re.DOTALL)
_DOC_CONDITIONAL = re.compile(r"#\s*\[\s*cfg_attr\s*\(.*?\bdoc\s*=", re.DOTALL)


def header(unit: Unit, item: Node, floor: int) -> tuple[Docs, tuple[str, ...], bool]:
    """The docs and the attributes of an item, and whether more could stand above what is shown.

    Of an item behind other code on its line nothing is read: what stands above belongs to that code.
    """
    row, column = item.start_point
    before = unit.lines[row][: min(column, _LINE)]
    if before.strip() not in (b"", b"const") and not before.lstrip().startswith(b"#["):
        return Docs(), (), False
    first, met_floor = header_rows(unit.lines, row, floor)
    shown = [*(line[:_LINE] for line in unit.lines[first:row]), before]
    raw = [line.decode("utf-8", "surrogateescape") for line in shown]
    lines: list[tuple[int, str]] = []
    attributes: list[str] = []
    opaque = conditional = False
    n = 0
    while n < len(raw):
        text, number = raw[n].strip(), unit.line(first + n)
        if text.startswith("///") and not text.startswith("////"):
            lines.append((number, text[3:]))
        elif text.startswith("/**") and not text.startswith(("/***", "/**/")):
            end = next((m for m in range(n, len(raw)) if "*/" in raw[m]), n)
            lines.extend(_block_docs(raw[n : end + 1], number))
            n = end
        elif text.startswith("#["):
            end = next((m for m in range(n, min(len(raw), n + 40)) if _closed("\n".join(raw[n : m + 1]))), n)
            attribute = "\n".join(raw[n : end + 1]).strip()
            attributes.append(attribute)
            opaque = opaque or _DOC_OPAQUE.match(attribute) is not None
            conditional = conditional or _DOC_CONDITIONAL.match(attribute) is not None
            documented = _DOC_TEXT.match(attribute)
            if documented:
                lines.extend((number, line) for line in documented[1].replace("\\n", "\n").split("\n"))
            n = end
            behind = raw[n].partition("///")[2] if "/// " in raw[n] else ""
            if behind:
                lines.append((unit.line(first + n), behind))
        n += 1
    # Which text holds is not known, fences included; but a word that stands in none of it is in no heading.
    opaque = opaque or (conditional and any("safety" in line.lower() for line in raw))
    return Docs(tuple(lines), headings(lines), opaque), tuple(attributes), met_floor and unit.open_top


def attributes_of(unit: Unit, item: Node) -> tuple[str, ...]:
    """The attributes of an item: most have none, which takes no reading of their documentation."""
    row = item.start_point.row
    first, _ = header_rows(unit.lines, row, -1)
    return header(unit, item, -1)[1] if any(b"#[" in line for line in unit.lines[first : row + 1]) else ()


def inner_docs(unit: Unit, item: Node) -> tuple[tuple[int, str], ...]:
    """The `//!` lines with which an item's body begins: they document the item too."""
    body = item.child_by_field_name("body")
    if body is None or b"//!" not in unit.text[body.start_byte : body.start_byte + _LINE]:
        return ()
    lines: list[tuple[int, str]] = []
    for row in range(body.start_point.row, body.end_point.row + 1):
        text = unit.lines[row][:_LINE].strip().removeprefix(b"{").strip()
        if text.startswith(b"//!"):
            lines.append((unit.line(row), text[3:].decode("utf-8", "surrogateescape")))
        elif text and row > body.start_point.row:
            break
    return tuple(lines)


def _closed(text: str) -> bool:
    return text.count("[") + text.count("(") <= text.count("]") + text.count(")")


def _block_docs(raw: list[str], number: int) -> Iterable[tuple[int, str]]:
    for offset, line in enumerate(raw):
        text = line.strip().removeprefix("/**").removesuffix("*/")
        yield number + offset, text.removeprefix("*") if offset else text


def headings(lines: Iterable[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """The titles in documentation text, ATX and setext, outside code fences; markers removed, line by line."""
    rows = list(lines)
    indents = [len(text) - len(text.lstrip(" \t")) for _, text in rows if text.strip()]
    indent = min(indents, default=0)
    found: list[tuple[int, str]] = []
    fence = ""
    previous: tuple[int, str] | None = None
    for number, raw in rows:
        text = raw[indent:]
        mark = _FENCE.match(text)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
            continue
        if mark:
            fence, previous = mark[1], None
        elif title := _ATX.match(text):
            found.append((number, title[1].rstrip().rstrip("#").strip()))
            previous = None
        elif _SETEXT.match(text) and previous is not None:
            found.append((previous[0], previous[1].strip()))
            previous = None
        else:
            previous = (number, text) if text.strip() and not _ENTRY.match(text) else None
    return tuple(found)


def is_safety_title(title: str) -> bool:
    """Clippy's reading of a heading: one run of plain text in it is exactly an accepted title."""
    return any(part.strip() in SAFETY_TITLES for part in _MARKUP.split(title))


def has_safety_section(docs: Docs) -> bool:
    """The documentation has a heading that Clippy takes for the safety section."""
    return any(is_safety_title(title) for _, title in docs.headings)


def section(docs: Docs, accepted: Iterable[str]) -> tuple[tuple[int, str], ...]:
    """The lines of the first section with one of these titles, up to the next heading, blank ends removed."""
    titles = frozenset(accepted)
    starts = [number for number, title in docs.headings if title in titles]
    if not starts:
        return ()
    ends = [number for number, _ in docs.headings if number > starts[0]]
    end = min(ends, default=1 << 60)
    body = [(number, text.strip()) for number, text in docs.lines if starts[0] < number < end]
    while body and not body[0][1]:
        body.pop(0)
    while body and not body[-1][1]:
        body.pop()
    return tuple(body)
