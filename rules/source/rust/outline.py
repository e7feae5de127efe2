# SPDX-License-Identifier: GPL-2.0-or-later
"""The outline of Rust code without a grammar: brackets, what encloses a place, statements, items and their
documentation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from rules.source.rust.code import Code, Comment
from rules.source.rust.docs import headings

_REACH = 8_000  # characters of a head or a statement that are looked at
_SPACE = re.compile(r"\s*")
_ITEM = re.compile(
    r"(?P<head>(?:pub\b\s*(?:\([^)]*\)\s*)?)?(?:(?:default|const|async|safe)\s+)*(?P<unsafe>unsafe\s+)?(?:extern\s+)?)"
    r"(?P<kind>fn|struct|enum|union|type|trait|impl|mod|static|const)\b\s*(?P<name>[A-Za-z_]\w*)?"
)
_ITEMS = re.compile(r"^[ \t]*+(?=[a-z])", re.MULTILINE)
_BLOCK_LIKE = re.compile(
    r"(?:'\w+\s*:\s*)?(?:if|match|loop|while|for|unsafe|fn|impl|mod|trait|struct|enum|union|extern|pub|async|const|static)\b"
)
_MACRO_HEAD = re.compile(r"!\s*(?:\w+\s*)?\Z")
_CONTAINER = re.compile(
    r"(?:#\[[^\]]*+\]\s*+)*+(?:pub\b\s*(?:\([^)]*\)\s*)?)?(?:unsafe\s+)?(?:impl\b|trait\s+(?P<trait>\w+))"
)
_NO_NAMES = frozenset({"::", "->", "mut", "const", "dyn", "fn", "where"})
_FUNCTION_HEAD = re.compile(r"\bfn\s+\w")
_CONTAINER_HEAD = re.compile(r"\b(?:impl|trait|mod|extern)\b")
_STATEMENT_EDGE = re.compile(r"[][(){};,]")
_GOES_ON = re.compile(r"\s*(?:\.|\?|else\b)")


@dataclass(frozen=True, slots=True)
class Item:
    """An item's head: `name` is "" for an impl; `offset` is that of its first word behind docs and attributes."""

    kind: str
    name: str
    unsafe: bool
    public: bool
    offset: int
    attributes: str


@dataclass(frozen=True, slots=True)
class Documented:
    """A run of `///` lines and the item it documents; `titles` are its headings outside code fences, by line."""

    lines: tuple[tuple[int, str], ...]
    titles: tuple[tuple[int, str], ...]
    item: Item


class Outline:
    """What the brackets of a run of lines belong to."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._brackets = code.brackets
        self._heads: dict[int, str] = {}
        self._kinds: dict[int, str] = {}

    def enclosing(self, offset: int) -> Iterator[int]:
        """The offsets of the opening brackets around `offset`, the innermost first."""
        return self._brackets.enclosing(offset)

    def closing(self, opening: int) -> int | None:
        """The offset of the bracket that closes the one at `opening`; None where it is not shown."""
        return self._brackets.closing(opening)

    def head(self, opening: int) -> str:
        """The code before a bracket, back to the end of the statement, block or list entry before it."""
        if opening not in self._heads:
            code = self.code.code
            far = max(0, opening - _REACH)
            start = max(code.rfind(char, far, opening) for char in ";{}")
            self._heads[opening] = code[max(start + 1, far) : opening].strip()
        return self._heads[opening]

    def in_macro(self, offset: int) -> bool:
        """Whether the place stands among the tokens of a macro's call or definition."""
        return any(True for _ in self.macros(offset))

    def macros(self, offset: int) -> Iterator[str]:
        """The heads of the macro calls and definitions around the place, the innermost first."""
        return (self.head(opening) for opening in self.enclosing(offset) if self._kind(opening) == "macro")

    def _kind(self, opening: int) -> str:
        """Whose bracket this is: "fn", "item" for an impl, trait, module or extern block, "macro", or "" for others."""
        if opening not in self._kinds:
            head = self.head(opening)
            braces = self.code.code[opening] == "{"
            self._kinds[opening] = (
                "macro" if _MACRO_HEAD.search(head[-200:])
                else "fn" if braces and _FUNCTION_HEAD.search(head)
                else "item" if braces and _CONTAINER_HEAD.search(head)
                else ""
            )  # fmt: skip
        return self._kinds[opening]

    def function(self, offset: int) -> tuple[int, int | None] | None:
        """Start and end of the body of the innermost function around the place; None where no function is shown."""
        for opening in self.enclosing(offset):
            if self._kind(opening) == "fn":
                return opening, self.closing(opening)
        return None

    def container(self, offset: int) -> str | None:
        """The head of the innermost item that is no function around the place; None where none is shown."""
        for opening in self.enclosing(offset):
            if self._kind(opening) == "item":
                return self.head(opening)
        return None


@lru_cache(maxsize=16)
def outline(code: Code) -> Outline:
    """The outline of a run of lines; the last few are kept, because several rules ask for the same one in turn."""
    return Outline(code)


def skip(code: Code, offset: int) -> tuple[int, str]:
    """The offset of the first code behind blanks, comments and attributes, and the text of these attributes."""
    attributes: list[str] = []
    while True:
        match = _SPACE.match(code.code, offset)
        offset = match.end() if match else offset
        if not code.code.startswith("#[", offset):
            return offset, "\n".join(attributes)
        end = code.closing(offset + 1)
        if end is None:
            return len(code.code), "\n".join(attributes)
        attributes.append(code.text[offset : end + 1])
        offset = end + 1


def statement_end(code: Code, offset: int) -> tuple[int, str] | None:
    """Where the statement, item or list entry that starts at `offset` ends, and the character that ends it.

    ";" and "," are its own, ")", "]" and "}" those of what is around it; "" is the end of a block-like one. The commas
    in the generics and the where clause of an item do not end it.
    None where its end is not shown, or far away. Few statements are looked at in a file, so that its brackets need
    not be known.
    """
    block_like = _BLOCK_LIKE.match(code.code, offset) is not None
    item = _ITEM.match(code.code, offset) if block_like else None
    is_item = item is not None and (item["kind"] == "impl" or item["name"] is not None)
    depth = 0
    for match in _STATEMENT_EDGE.finditer(code.code, offset, offset + _REACH):
        char, at = match[0], match.start()
        if char in "([{":
            depth += 1
        elif depth == 0 and not (char == "," and is_item):
            return at, char
        elif char in ")]}":
            depth -= 1
            if depth == 0 and char == "}" and block_like and not _GOES_ON.match(code.code, at + 1):
                return at + 1, ""
    return None


def item_at(code: Code, offset: int) -> Item | None:
    """The item that starts at or behind `offset`, docs and attributes skipped; None where something else stands
    there.
    """
    start, attributes = skip(code, offset)
    match = _ITEM.match(code.code, start)
    return None if match is None else _item(match, attributes)


def items_of(code: Code) -> Iterator[Item]:
    """The items that begin a line, in their order, without their attributes."""
    for line in _ITEMS.finditer(code.code):
        if match := _ITEM.match(code.code, line.end()):
            yield _item(match, "")


def _item(match: re.Match[str], attributes: str) -> Item:
    name = "" if match["kind"] == "impl" else match["name"] or ""
    public = match["head"].startswith("pub") and not match["head"][3:].lstrip().startswith("(")
    return Item(match["kind"], name, bool(match["unsafe"]), public, match.start(), attributes)


def documented(code: Code) -> Iterator[Documented]:
    """The runs of `///` lines with a heading in them that an item follows; other `//` lines may stand between."""
    run: list[Comment] = []
    alone = [comment for comment in code.comments if comment.alone and _is_outer(comment)]
    for comment, following in zip_longest(alone, alone[1:]):
        run.append(comment)
        if following is None or following.line != comment.line + 1:
            lines = tuple((one.line, one.text[3:]) for one in run if one.kind == "doc")
            titles = headings(lines) if lines else ()
            item = item_at(code, comment.start + len(comment.text)) if titles else None
            run = []
            if item is not None:
                yield Documented(lines, titles, item)


def _is_outer(comment: Comment) -> bool:
    """Whether the comment documents what follows, or is an ordinary one of `//`."""
    return comment.kind == "line" or (comment.kind == "doc" and comment.text[2] == "/")


def implemented(head: str) -> str | None:
    """The name of the type that the head of an `impl` is for, or of a trait, without path and generics.

    None for other heads.
    """
    match = _CONTAINER.match(head)
    if match is None:
        return None
    if match["trait"]:
        return match["trait"]
    depth = 0
    words: list[str] = []
    for part in re.findall(r"->|[<>]|\w+|::", head[match.end() :]):
        if part == "<":
            depth += 1
        elif part == ">":
            depth -= 1
        elif part == "where" and depth == 0:
            break
        elif depth == 0:
            if part == "for":
                words.clear()
            else:
                words.append(part)
    names = [word for word in words if word not in _NO_NAMES]
    return next((name for name in reversed(names) if name[0].isupper()), names[-1] if names else None)
