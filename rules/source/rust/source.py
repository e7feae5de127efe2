# SPDX-License-Identifier: GPL-2.0-or-later
"""Read Rust: `RustSource` has every view of a text that rules and the bindings use."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate, chain, count
from operator import add
from typing import TYPE_CHECKING, Any, TypeVar

from rules.diff.image import Fragment, Image
from rules.finding import Confidence, Edit
from rules.lazy import cached_property, re
from rules.source.rust.comments import Comment, CommentBlock, read_comment_blocks
from rules.source.rust.docs import requirements
from rules.source.rust.grammar import ParsedText, parse_bytes, parse_counted
from rules.source.rust.items import DocumentedItem, Item, ItemHead, read_documented_items, read_items, read_next_head
from rules.source.rust.model import SafetySection, UnsafeDeclaration, UnsafeSite
from rules.source.rust.structure import Structure, split_items
from rules.source.rust.tokens import (
    Span,
    Tokens,
    blank_out,
    find_comments_and_literals,
    find_comments_near,
    has_misleading_literal,
)
from rules.source.rust.unsafe_memo import Key, UnsafeMemo, UnsafeReading, key_of
from rules.source.rust.unsafe_sites import UnsafeCode
from rules.source.rust.usual_comments import Commented, UnusualLine, read_usual_comments, read_usual_tags, unusual_lines
from rules.source.rust.walk import allowed_lints
from rules.source.rust.work_limit import WorkLimit, WorkRecorder

if TYPE_CHECKING:
    from rules.source.rust.uses import Import

T = TypeVar("T")

_FUNCTION = re.compile(rb"fn\s+(?:r#)?([\w\x80-\xff]+)")
_TRAIT = re.compile(rb"trait\s+(?:r#)?([\w\x80-\xff]+)")
_MAX_ERRORS = 40  # recoveries of the parser in a complete file
_MAX_SEARCHED = 128 * 1024  # bytes of the fragments of an image whose contexts are searched: real images have less
_MIN_SPLIT = 1000  # bytes of a file whose items are parsed alone
_MEMO = UnsafeMemo()
_NOTHING = UnsafeReading()  # most texts have no unsafe code that is asked for


class RustSource:
    """A Rust text: a complete file, or a fragment of consecutive lines.

    Each view is computed when it is first used, and kept. The token views need no grammar:

    - `text`, and `code`: the text with blanks in place of comments and literals, so that offsets agree;
    - `tokens`: the words and signs of the code; `structure`: its brackets and what they enclose;
    - `comments`, and `comment_blocks`: the ordinary comments that belong together; `comments_near` some words;
    - `items`, `public_api`, `documented_items`, `uses`.

    The others come from one parse, which takes 0.1 ms for a fragment, and only if the text has the word `unsafe`. Of a
    complete file, only the items with that word are parsed:

    - `unsafe_sites`: blocks and impls with the reading of their SAFETY comments, those of documentation tests included;
    - `unsafe_declarations`: functions and traits; `safety_sections`: what their documentation requires, by name.

    Most rules need only the unsafe code without the usual comment, which `unsafe_code_where` returns: most texts have
    none, as `commented` tells without a parse.

    Views from the parse raise TooMuchError if reading exceeds the limit of the image or of the series.
    """

    def __init__(
        self,
        text: bytes | str,
        first_line: int = 1,
        *,
        is_complete: bool = True,
        is_searched: bool = True,
        work: WorkLimit | None = None,
    ) -> None:
        """Take a text that begins on a line of its file. `is_searched` allows to search the context of a fragment."""
        self.first_line = first_line
        self._given = text
        self._is_complete = is_complete
        self._is_searched = is_searched
        self._work = work
        self._views_of_words: dict[tuple[str, tuple[str, ...]], tuple[Any, ...]] = {}

    @cached_property
    def text(self) -> str:
        """The text, with surrogates for bytes that are not UTF-8."""
        return self._given if isinstance(self._given, str) else self._given.decode("utf-8", "surrogateescape")

    @cached_property
    def code(self) -> str:
        return blank_out(self.text, self._spans)

    @cached_property
    def structure(self) -> Structure:
        return Structure(self.text, self.code)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self.structure)

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        return tuple(self._make_comments(self._spans))

    def _make_comments(self, spans: Iterable[Span]) -> list[Comment]:
        text, starts, make = self.text, self._line_starts, tuple.__new__  # as in the constructor, but twice as fast
        comments: list[Comment] = []
        row = 0
        for start, end, kind in spans:
            if kind != "literal":
                row = bisect_right(starts, start, row) - 1
                begin = starts[row]
                starts_line = begin == start or text[begin:start].isspace()
                comment = (start, self.first_line + row, start - begin + 1, kind, starts_line, text[start:end])
                comments.append(make(Comment, comment))
        return comments

    @cached_property
    def comment_blocks(self) -> tuple[CommentBlock, ...]:
        return tuple(read_comment_blocks(self.comments, None if self._is_complete else self.last_line))

    def comments_near(self, *words: str) -> tuple[Comment, ...]:
        """Return the comments with any of these words, and those on the lines next to them.

        Few comments of a file are wanted, and to make all of them takes longer than to find these. Of a fragment, which
        is short, all are returned.
        """
        if not self._is_complete:
            return self.comments
        spans = self._spans
        runs = find_comments_near(self.text, spans, words)
        near = (span for first, end in runs for span in spans[first:end])
        return self._kept("comments", words, lambda: self._make_comments(near))

    def comment_blocks_with(self, *words: str) -> tuple[CommentBlock, ...]:
        """Return the ordinary comments that belong together and have any of these words, and perhaps others."""
        if not self._is_complete:
            return self.comment_blocks
        return self._kept("blocks", words, lambda: read_comment_blocks(self.comments_near(*words), None))

    def documented_items_with(self, *words: str) -> tuple[DocumentedItem, ...]:
        """Return the items whose documentation has any of these words, and perhaps others."""
        if not self._is_complete:
            return self.documented_items
        return self._kept("items", words, lambda: read_documented_items(self.structure, self.comments_near(*words)))

    def _kept(self, view: str, words: tuple[str, ...], make: Callable[[], Iterable[T]]) -> tuple[T, ...]:
        """Return the view of what has any of the words, which is made once."""
        key = view, words
        if key not in self._views_of_words:
            self._views_of_words[key] = tuple(make())
        return self._views_of_words[key]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        return tuple(read_items(self.structure, self.documented_items, self.line))

    @property
    def public_api(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.is_public)

    @cached_property
    def documented_items(self) -> tuple[DocumentedItem, ...]:
        return tuple(read_documented_items(self.structure, self.comments))

    @cached_property
    def uses(self) -> "tuple[Import, ...]":
        if not self.contains(b"use"):
            return ()
        from rules.source.rust.uses import read_uses

        return tuple(read_uses(self.code, self.line, self.column))

    @cached_property
    def commented(self) -> Commented:
        """How the unsafe code is justified, as far as the lines alone show it. This needs no parse."""
        if self._is_complete:
            return _least_usual(self._unusual_lines)
        return read_usual_comments(self._bytes, is_cut_above=self.first_line > 1)

    @cached_property
    def _unusual_lines(self) -> tuple[UnusualLine, ...]:
        return tuple(unusual_lines(self._bytes, is_cut_above=False))

    @cached_property
    def usual_tags(self) -> tuple[str, ...] | None:
        """The words after each `SAFETY:` if all these are directly above unsafe code, else None."""
        return read_usual_tags(self.text)

    def unsafe_code_where(self, is_read: "Callable[[RustSource], bool]") -> UnsafeReading:
        """Return the unsafe code of the parts of the text for which `is_read` is true, and perhaps of others.

        The parts of a complete file are its items, so that few of them are parsed. `is_read` is not true for a part if
        it is not true for the text.
        """
        if not self.contains(b"unsafe") or not is_read(self):
            return _NOTHING
        items = self._items_with_unsafe
        return (_join([item for item in items if is_read(item)]) if items else None) or self.unsafe_code

    @property
    def unsafe_sites(self) -> tuple[UnsafeSite, ...]:
        return self.unsafe_code.sites

    @property
    def unsafe_declarations(self) -> tuple[UnsafeDeclaration, ...]:
        return self.unsafe_code.declarations

    def safety_sections(self, name: str) -> tuple[SafetySection, ...]:
        """Return what the documentation of the unsafe functions and traits with that name requires."""
        bare = name.removeprefix("r#")
        if not self.contains(name.encode("utf-8", "surrogateescape")):
            return ()
        if bare.isidentifier() and bare not in self._unsafe_names:
            return ()

        def may_declare(part: RustSource) -> bool:
            return bare in part._unsafe_names or not bare.isidentifier()

        declarations = self.unsafe_code_where(may_declare).declarations
        sections = (SafetySection(item, requirements(item.docs)) for item in declarations if item.name == name)
        return tuple(section for section in sections if section.requirements)

    def next_item(self, offset: int) -> ItemHead | None:
        """Return the item after the comments and attributes at an offset, or None if something else follows."""
        return read_next_head(self.structure, offset)

    def unsafe_names(self) -> Iterator[str]:
        """Yield the names of all functions and traits if the text has unsafe code. This needs no parse."""
        return iter(self._unsafe_names)

    @cached_property
    def _unsafe_names(self) -> dict[str, None]:
        if not self.contains(b"unsafe"):
            return {}
        matches = chain(_FUNCTION.finditer(self._bytes), _TRAIT.finditer(self._bytes))
        return dict.fromkeys([match[1].decode("utf-8", "surrogateescape") for match in matches])

    def contains(self, *words: bytes) -> bool:
        """Tell whether any of these words is in the text."""
        for word in words:  # noqa: SIM110 any() would take as long as the search
            if self._bytes.find(word) >= 0:  # `in` first tries the word as a number, and drops an exception
                return True
        return False

    def shows_any(self, lines: Sequence[int]) -> bool:
        """Tell whether any of these lines of the file, in rising order, is in the text."""
        at = bisect_left(lines, self.first_line)
        return at < len(lines) and lines[at] <= self.last_line

    def line(self, offset: int) -> int:
        """Return the number of the line that has the offset."""
        return self.first_line + bisect_right(self._line_starts, offset) - 1

    def column(self, offset: int) -> int:
        """Return the column, from 1 and in characters, of the offset."""
        return offset - self._line_starts[bisect_right(self._line_starts, offset) - 1] + 1

    def offset(self, line: int, column: int = 1) -> int:
        """Return the offset of a column, from 1 and in characters, of a line."""
        return self._line_starts[line - self.first_line] + column - 1

    def edit(self, start: int, end: int, text: str) -> Edit:
        """Return the edit that replaces the text between two offsets."""
        return Edit(self.line(start), self.column(start), self.line(end), self.column(end), text)

    def line_text(self, line: int) -> str:
        """Return a line without its newline."""
        return self._lines[line - self.first_line]

    @cached_property
    def last_line(self) -> int:
        return self.first_line + self._bytes.removesuffix(b"\n").count(b"\n")

    @cached_property
    def _bytes(self) -> bytes:
        return self._given if isinstance(self._given, bytes) else self._given.encode("utf-8", "surrogateescape")

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def _line_starts(self) -> list[int]:
        lengths = map(len, self.text.split("\n")[:-1])
        return list(map(add, accumulate(lengths, initial=0), count()))  # a newline for each line above

    @cached_property
    def _spans(self) -> tuple[Span, ...]:
        spans = tuple(find_comments_and_literals(self.text))
        # No code has `*/`: it ends a block comment that begins above a fragment.
        end = blank_out(self.text, spans).find("*/") + 2 if not self._is_complete and "*/" in self.text else 1
        return spans if end == 1 else ((0, end, "block"), *(span for span in spans if span[0] >= end))

    @cached_property
    def unsafe_code(self) -> UnsafeReading:
        """All unsafe code of the text."""
        if not self.contains(b"unsafe"):
            return _NOTHING
        items = self._items_with_unsafe
        return (_join(items) if items else None) or self.counted_reading

    @cached_property
    def counted_reading(self) -> UnsafeReading:
        """The unsafe code of the text, from one parse, which counts as work."""
        work = self._work or WorkLimit()
        work.spend(self._bytes.count(b"unsafe"))
        return self.read_unsafe(work)

    @cached_property
    def _items_with_unsafe(self) -> "tuple[_Items, ...]":
        """The items of a file that have the word `unsafe`, none if attributes of the file may concern its items."""
        if not self._is_complete or len(self._bytes) < _MIN_SPLIT:
            return ()
        if "#![" in self.text and self.code.lstrip().startswith("#!") and allowed_lints([self.text]):
            return ()
        self._work = self._work or WorkLimit()
        self._work.spend(1)  # the items are as much text as one parse
        items: list[_Items] = []
        unusual = self._unusual_lines
        for start, end in split_items(self.code):
            if self.text.find("unsafe", start, end) >= 0:
                first = self.line(start)
                begin, stop = first - self.first_line + 1, self.line(end - 1) - self.first_line + 2
                own = unusual[bisect_left(unusual, (begin,)) : bisect_left(unusual, (stop,))]
                items.append(_Items(self.text[start:end], first, _least_usual(own), self._work))
        return tuple(items)

    def read_unsafe(self, work: WorkLimit) -> UnsafeReading:
        """Return the unsafe code of the text, from one parse."""
        reading = _MEMO.get(self._key)
        if reading is not None:
            for units in reading.units:
                work.spend(units)
            return reading.at(self.first_line)
        recorder = WorkRecorder(work)
        sites, declarations = self._read_unsafe_code(recorder)
        reading = UnsafeReading(sites, declarations, tuple(recorder.units), self.first_line)
        _MEMO.put(self._key, reading)
        return reading

    @property
    def _key(self) -> Key:
        return key_of(self._bytes, self.first_line, is_complete=self._is_complete, is_searched=self._is_searched)

    @property
    def _may_mislead(self) -> bool:
        return has_misleading_literal(self.text, self._spans)

    def _read_unsafe_code(self, work: WorkLimit) -> tuple[tuple[UnsafeSite, ...], tuple[UnsafeDeclaration, ...]]:
        parsed = self._parse(work)
        if parsed is None:
            return (), ()
        unsafe_code = UnsafeCode(parsed, may_mislead=self._may_mislead)
        sites = unsafe_code.sites
        if unsafe_code.in_comments:
            from rules.source.rust.doctests import parse_unsafe_doctests

            for doctest in parse_unsafe_doctests(self.comments, parsed, work):
                sites.extend(UnsafeCode(doctest).sites)
        return tuple(sorted(sites, key=lambda site: (site.line, site.column))), tuple(unsafe_code.declarations)

    @property
    def _cut_comments(self) -> tuple[bytes, bytes]:
        """The marks that a block comment lacks which begins above the text, or ends below it."""
        if "/*" not in self.text and "*/" not in self.text:
            return b"", b""
        (first, first_end, first_kind), (last, last_end, last_kind) = self._spans[0], self._spans[-1]
        begins_above = first_kind == "block" and not self.text.startswith("/*", first, first_end)
        ends_below = last_kind == "block" and not self.text.endswith("*/", last, last_end)
        return b"/*" if begins_above else b"", b"*/" if ends_below else b""

    def _parse(self, work: WorkLimit) -> ParsedText | None:
        text = self._bytes
        fragment = Fragment(self.first_line, text)
        if not self._is_complete:
            from rules.source.rust.fragment import parse_fragment

            cut = self._cut_comments
            return parse_fragment(fragment, self.code, work, is_searched=self._is_searched, cut_comments=cut)
        tree = parse_counted(text, _MAX_ERRORS, work)
        if tree is None:
            from rules.source.rust.fragment import parse_tokens

            return parse_tokens(fragment, self.code, work)
        return ParsedText(tree, text, tuple(text.split(b"\n")), 1, Confidence.HIGH)


class _Items(RustSource):
    """Items of a complete file, which are parsed alone: most patches and revisions leave most items as they are."""

    def __init__(self, text: str, first_line: int, commented: Commented, work: WorkLimit) -> None:
        """Take a text that begins on a line of its file. The lines of the file show how it is `commented`."""
        super().__init__(text, first_line, work=work)
        self._commented = commented

    @property
    def commented(self) -> Commented:
        return self._commented

    @property
    def is_rust(self) -> bool:
        """Whether the parser finds no error."""
        return _MEMO.get(self._key) is not None or self._parsed is not None

    @property
    def _key(self) -> Key:
        return key_of(self._bytes, 0, is_complete=True, is_searched=True)

    @property
    def _may_mislead(self) -> bool:
        return self.contains(b'"')  # to find the literals takes longer than to look for marks in them

    def _parse(self, _: WorkLimit) -> ParsedText | None:
        return self._parsed

    @cached_property
    def _parsed(self) -> ParsedText | None:
        tree = parse_bytes(self._bytes)
        if tree is None or tree.root_node.has_error:
            return None
        return ParsedText(tree, self._bytes, tuple(self._bytes.split(b"\n")), self.first_line, Confidence.HIGH)


def _least_usual(lines: Sequence[UnusualLine]) -> Commented:
    """Return how the unsafe code of a text with these unusual lines is justified."""
    if not lines:
        return "usual"
    return "unsure" if any(line.commented == "unsure" for line in lines) else "other"


def _join(items: Sequence[_Items]) -> UnsafeReading | None:
    """Return the unsafe code of items, None if one is not Rust: then the file is read as a whole."""
    if not all(item.is_rust for item in items):
        return None
    readings = [item.counted_reading for item in items]
    sites = chain.from_iterable([reading.sites for reading in readings])
    return UnsafeReading(tuple(sites), tuple(chain.from_iterable([reading.declarations for reading in readings])))


def read_image(image: Image, work: WorkLimit) -> tuple[RustSource, ...]:
    """Return the Rust of an image: one source for a complete file, else one for each fragment."""
    work = work.of_file()
    sizes = accumulate(len(fragment.text) for fragment in image.fragments)
    return tuple(
        RustSource(
            fragment.text,
            fragment.first,
            is_complete=image.is_complete,
            is_searched=size <= _MAX_SEARCHED,
            work=work,
        )
        for fragment, size in zip(image.fragments, sizes, strict=True)
    )


def showing(sources: Sequence[RustSource], lines: Collection[int]) -> Iterator[RustSource]:
    """Yield the sources that show any of these lines."""
    if len(sources) == 1:  # most have the first line, and these need no order
        return (source for source in sources if any(source.first_line <= line <= source.last_line for line in lines))
    ordered = sorted(lines)
    return (source for source in sources if source.shows_any(ordered))
