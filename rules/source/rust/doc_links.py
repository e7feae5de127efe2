# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the intra-doc links in the documentation of a Rust file, as rustdoc and CommonMark do.

Links in code, in HTML, in macros and in functions are left out, and so are those that are not Rust paths: addresses,
paths of files, footnotes.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Final

from rules.lazy import cached_property, dataclass, field, re
from rules.source.kbuild.condition import ALWAYS, Condition
from rules.source.rust.cfg import read_predicate
from rules.source.rust.comments import Comment
from rules.source.rust.doc_markdown import Blocks, DocLine, links_in
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import Path

_MAX_LINKS: Final = 5_000  # of a file
_MAX_CONDITIONS: Final = 8  # of the attributes that document an item
_MAX_HEAD: Final = 400  # characters

_STAR = re.compile(r"[ \t]*+\*(?!/)")
_DOC_VALUE = re.compile(r'doc\s*+=\s*+(?:r(?P<hashes>#*+)"|")')
MODULE_HEAD = re.compile(r"(?:^|\s)mod\s++(?P<name>\w++)\Z")
_TYPE_HEAD = re.compile(r"\b(?P<kind>struct|enum|union|trait)\s++(?P<name>\w++)")
_PUBLIC = re.compile(r"\bpub\b(?!\s*+\()")
_IMPL = re.compile(r"(?:^|\s)impl\b")
_FOR = re.compile(r"\sfor\s")
_TYPES = ("struct", "enum", "union", "trait", "type")


@dataclass(frozen=True, slots=True)
class DocLink:
    """A link to a Rust path. `line` and `column` are where the path stands; `text` is that line.

    `offset` is where the documented item stands and `condition` that of a `cfg_attr` around the link. `module` are the
    inline modules around the item, and `self_type` is what `Self` stands for. `is_public` says that rustdoc shows the
    item, if it shows the module of the file.
    """

    path: Path
    is_macro: bool
    line: int
    column: int
    text: str
    offset: int
    module: Path
    self_type: str
    is_public: bool
    condition: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a block. `module` and `name` are those of a module and of a type or trait, "" for another block."""

    module: str
    kind: str
    name: str
    is_public: bool
    is_trait_impl: bool

    @classmethod
    def of(cls, text: str) -> "_Head":
        """Read a head."""
        end = text[-_MAX_HEAD:]
        module = MODULE_HEAD.search(end)
        is_impl = _IMPL.search(end) is not None
        item = None if is_impl else _TYPE_HEAD.search(end)
        is_public = _PUBLIC.search(end) is not None and "hidden" not in end
        is_trait_impl = is_impl and _FOR.search(end.partition("where")[0]) is not None
        return cls(
            module["name"] if module is not None else "",
            item["kind"] if item is not None else "",
            item["name"] if item is not None else "",
            is_public,
            is_trait_impl,
        )


@dataclass(slots=True)
class _Docs:
    """The documentation of an item. `place` is an offset inside of the item, `enclosing` one for what is around it."""

    place: int
    enclosing: int
    is_inner: bool
    lines: list[tuple[int, DocLine]] = field(default_factory=list)


def read_doc_links(source: RustSource) -> tuple[DocLink, ...]:
    """Return the links to Rust paths in the documentation of a file, in the order of their lines."""
    if not source.contains(b"["):
        return ()
    links = islice(_Reader(source).links(), _MAX_LINKS)
    return tuple(sorted(links, key=lambda link: (link.line, link.column)))


class _Reader:
    def __init__(self, source: RustSource) -> None:
        self._source = source
        self._words = source.tokens.words
        self._offsets = source.tokens.offsets
        self._docs: dict[tuple[int, Condition], _Docs] = {}
        self._conditions: dict[int, set[Condition]] = {}
        self._heads: dict[int, _Head] = {}

    def links(self) -> Iterator[DocLink]:
        for comment in self._source.comments:
            self._read_comment(comment)
        for start, closing in self._attributes:
            self._read_attribute(start, closing)
        blocks: dict[tuple[int, Condition], Blocks] = {}
        labels: dict[int, set[str]] = {}
        for key, docs in self._docs.items():
            if any("[" in line.text for _, line in docs.lines):
                blocks[key] = Blocks([line for _, line in sorted(docs.lines)])
                labels.setdefault(key[0], set()).update(blocks[key].definitions)
        for key, content in blocks.items():
            yield from self._links_of(self._docs[key], key[1], content, labels[key[0]])

    def _links_of(self, docs: _Docs, condition: Condition, blocks: Blocks, labels: set[str]) -> Iterator[DocLink]:
        structure = self._source.structure
        if structure.function(docs.enclosing) is not None or next(structure.macros(docs.enclosing), None) is not None:
            return
        heads = [self._head(opening) for opening in structure.enclosing(docs.enclosing)]
        module = tuple(head.module for head in reversed(heads) if head.module)
        self_type = self._self_type(docs, heads)
        is_public = self._is_public(docs, heads)
        for line, path, is_macro in links_in(blocks, labels):
            text = self._source.line_text(line.number).strip()
            yield DocLink(
                path, is_macro, line.number, line.column, text, docs.place, module, self_type, is_public, condition
            )

    def _read_comment(self, comment: Comment) -> None:
        text = comment.text
        is_block = comment.kind == "block"
        if is_block and not (text.startswith(("/**", "/*!")) and not text.startswith(("/***", "/**/"))):
            return
        if not is_block and comment.kind != "doc":
            return
        docs = self._docs_at(comment.start, bisect_left(self._offsets, comment.end), text[2] == "!", ALWAYS)
        if docs is None:
            return
        if not is_block:
            docs.lines.append((comment.start, DocLine(comment.line, comment.column + 3, text[3:])))
            return
        lines = text.removesuffix("*/")[3:].split("\n")
        has_stars = all(_STAR.match(line) for line in lines[1:] if line.strip())
        for row, line in enumerate(lines):
            star = _STAR.match(line) if has_stars and row else None
            skipped = star.end() if star is not None else 0
            column = comment.column + 3 if not row else 1 + skipped
            docs.lines.append((comment.start, DocLine(comment.line + row, column, line[skipped:])))

    @cached_property
    def _attributes(self) -> list[tuple[int, int]]:
        """The index of the `#` and of the closing bracket of each attribute."""
        attributes: list[tuple[int, int]] = []
        words = self._words
        for at, word in enumerate(words):
            if word == "#" and (not attributes or at > attributes[-1][1]):
                opening = at + 1 + (words[at + 1 : at + 2] == ("!",))
                if words[opening : opening + 1] == ("[",):
                    attributes.append((at, self._source.tokens.closing(opening)))
        return attributes

    @cached_property
    def _runs(self) -> dict[int, tuple[int, int]]:
        """The index after the attributes of one kind that begin at an index, and that of the last one."""
        runs: dict[int, tuple[int, int]] = {}
        for start, closing in reversed(self._attributes):
            following = runs.get(closing + 1)
            is_same = following is not None and self._words[closing + 2] == self._words[start + 1]
            runs[start] = following if following is not None and is_same else (closing + 1, start)
        return runs

    def _read_attribute(self, start: int, closing: int) -> None:
        """Read `#[doc = ".."]` and `#[cfg_attr(.., doc = "..")]`."""
        words = self._words
        is_inner = words[start + 1] == "!"
        name = start + 2 + is_inner
        if words[name : name + 2] not in (("doc", "="), ("cfg_attr", "(")):
            return
        first, last = self._offsets[name], self._offsets[closing]
        text = self._source.text[first:last]
        condition = ALWAYS
        if words[name] == "cfg_attr":
            comma = self._comma(name + 2, closing)
            if comma is None or words[comma + 1 : comma + 3] != ("doc", "="):
                return
            condition = read_predicate(self._source.text[self._offsets[name + 1] + 1 : self._offsets[comma]])
            first = self._offsets[comma + 1]
            text = self._source.text[first:last]
        value = _DOC_VALUE.match(text)
        if value is None:
            return
        end = text.rfind('"' + (value["hashes"] or ""))
        docs = self._docs_at(self._offsets[start], closing + 1, is_inner, condition)
        if docs is None or end < value.end():
            return
        begin = first + value.end()
        number, column = self._source.line(begin), self._source.column(begin)
        for row, line in enumerate(text[value.end() : end].split("\n")):
            docs.lines.append((self._offsets[start], DocLine(number + row, column if not row else 1, line)))

    def _comma(self, at: int, end: int) -> int | None:
        """Return the index of the first comma outside of brackets."""
        comma = self._source.tokens.find(at, end, (",",))
        return comma if comma < end else None

    def _docs_at(self, start: int, following: int, is_inner: bool, condition: Condition) -> _Docs | None:
        """Return the documentation to which a comment or attribute belongs; `following` is the index after it."""
        run = self._runs.get(following)
        if is_inner:
            opening = next(self._source.structure.enclosing(start), -1)
            key, place, enclosing = ~(opening + 1), start, start
            if run is not None and self._words[following + 1] == "!":
                place = self._offsets[run[1]]
        else:
            key = run[0] if run is not None and self._words[following + 1] == "[" else following
            if key >= len(self._words):
                return None
            place = enclosing = self._offsets[key]
        conditions = self._conditions.setdefault(key, set())
        if condition not in conditions and len(conditions) >= _MAX_CONDITIONS:
            return None
        conditions.add(condition)
        docs = self._docs.setdefault((key, condition), _Docs(place, enclosing, is_inner))
        docs.place = max(docs.place, place)
        return docs

    def _head(self, opening: int) -> "_Head":
        if opening not in self._heads:
            self._heads[opening] = _Head.of(self._source.structure.head(opening))
        return self._heads[opening]

    def _self_type(self, docs: _Docs, heads: "list[_Head]") -> str:
        if not docs.is_inner:
            item = self._source.structure.item_head(docs.place)
            if item is not None and item["kind"] in _TYPES:
                return item["name"] or ""
            if heads and heads[0].kind:
                return heads[0].name
        return self._source.structure.self_type(docs.place) or ""

    def _is_public(self, docs: _Docs, heads: "list[_Head]") -> bool:
        if any(head.module and not head.is_public for head in heads):
            return False
        if docs.is_inner:
            return all(head.module for head in heads)
        index = bisect_left(self._offsets, docs.place)
        before = self._attributes_before(index)
        if "hidden" in before:
            return False
        is_member = bool(heads) and not heads[0].module
        if is_member and heads[0].kind:
            if not heads[0].is_public:
                return False
            if heads[0].kind in ("enum", "trait"):
                return True
        elif is_member:
            if not self._public_types.get(self._source.structure.self_type(docs.place) or "", True):
                return False
            if heads[0].is_trait_impl:
                return True
        words = self._words[index : index + 2]
        if words[:1] == ("pub",):
            return words[1:] != ("(",)
        return not is_member and (
            words[:1] == ("impl",) or (words[:1] == ("macro_rules",) and "macro_export" in before)
        )

    def _attributes_before(self, index: int) -> tuple[str, ...]:
        """Return the words of the attributes that stand directly before an index."""
        first = index
        while (start := self._attribute_starts.get(first - 1)) is not None:
            first = start
        return self._words[first:index]

    @cached_property
    def _attribute_starts(self) -> dict[int, int]:
        """The index of the `#` of each attribute, by that of its closing bracket."""
        return {closing: start for start, closing in self._attributes}

    @cached_property
    def _public_types(self) -> dict[str, bool]:
        return {item.name: item.is_public for item in self._source.items if item.kind in _TYPES and not item.scope}
