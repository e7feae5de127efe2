# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of an item's documentation: its headings, its sections and what a Safety section requires."""

from collections.abc import Iterable

from rules.lazy import dataclass, re
from rules.source.rust.fences import CONTAINER, Fences

SAFETY_TITLES = frozenset({"Safety", "SAFETY", "Implementation safety", "Implementation Safety"})
_ENTRY = re.compile(r"[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])")
_ATX = re.compile(CONTAINER + r" {0,3}#{1,6}[ \t]++(.*)$")
_SETEXT = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_MAY_BE_HEADING = re.compile(r"#|^[ \t]*+(?:=+|-+)[ \t]*$", re.MULTILINE)
_MARKUP = re.compile(r"(?<!`)`++[^`]++`++|``++|[*_\[\]<>]++")
_BULLET = re.compile(r"(?:[-*+]|\d+[.)])\s+")
# Other text after the address, as in "[a]: must be valid", makes it a paragraph. `[^1]: a` is a footnote.
_DEFINITION = re.compile(r"\[(?!\^)[^\]]{1,200}+\]:[ \t]*+(?:<[^<>]*+>|[^\s<]\S*+)[ \t]*+(?:[\"'(].*)?\Z")


@dataclass(frozen=True, slots=True)
class Docs:
    """The documentation of an item: its text without marks, each line with its number.

    `headings` are the titles outside code fences. `is_opaque` marks unknown parts (`#[doc = include_str!(..)]`).
    """

    lines: tuple[tuple[int, str], ...] = ()
    headings: tuple[tuple[int, str], ...] = ()
    is_opaque: bool = False


def headings(lines: Iterable[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Return the titles in documentation outside code fences, ATX and setext, with their lines and without marks."""
    rows = list(lines)
    if not _MAY_BE_HEADING.search("\n".join([text for _, text in rows])):
        return ()
    indents = [len(text) - len(text.lstrip(" \t")) for _, text in rows if text.strip()]
    indent = min(indents, default=0)
    titles: list[tuple[int, str]] = []
    fences = Fences()
    previous: tuple[int, str] | None = None
    for number, raw in rows:
        text = raw[indent:]
        if (fences.is_open or "```" in text or "~~~" in text) and fences.read(text) != "text":
            previous = None
        elif "#" in text and (title := _ATX.match(text)):
            titles.append((number, title[1].rstrip().rstrip("#").strip()))
            previous = None
        elif previous is not None and ("=" in text or "-" in text) and _SETEXT.match(text) and _is_title(previous[1]):
            titles.append((previous[0], previous[1].strip()))
            previous = None
        else:
            previous = (number, text)
    return tuple(titles)


def _is_title(text: str) -> bool:
    """Return whether a line may be the title above an underline."""
    return text.strip() != "" and not _ENTRY.match(text)


def is_safety_title(title: str) -> bool:
    """Tell whether Clippy takes a heading for that of a Safety section: a run of plain text is an accepted title."""
    return any(part.strip() in SAFETY_TITLES for part in _MARKUP.split(title))


def section(docs: Docs, titles: Iterable[str]) -> tuple[tuple[int, str], ...]:
    """Return the lines of the first section with one of these titles, up to the next heading, without blank ends.

    Definitions of links are left out: they are of the whole documentation, and rustdoc does not show them.
    """
    accepted = frozenset(titles)
    starts = [number for number, title in docs.headings if title in accepted]
    if not starts:
        return ()
    ends = [number for number, _ in docs.headings if number > starts[0]]
    end = min(ends, default=1 << 60)
    lines = [(number, text.strip()) for number, text in docs.lines if starts[0] < number < end]
    body: list[tuple[int, str]] = []
    is_paragraph = False  # which a definition cannot interrupt
    for number, text in lines:
        if is_paragraph or not _DEFINITION.match(text):
            body.append((number, text))
            is_paragraph = text != ""
    while body and not body[0][1]:
        body.pop(0)
    while body and not body[-1][1]:
        body.pop()
    return tuple(body)


def requirements(docs: Docs, titles: Iterable[str] = SAFETY_TITLES) -> tuple[str, ...]:
    """Return the points of the section with one of these titles: each item of a list, each paragraph, as one line."""
    lines: list[str] = []
    is_open = False
    for _, text in section(docs, titles):
        if not text:
            is_open = False
        elif is_open and not _BULLET.match(text):
            lines[-1] += " " + text
        else:
            lines.append(text)
            is_open = True
    return tuple(lines)
