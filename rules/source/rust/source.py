# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust of one image in the names of this field: nothing here shows which parser reads it."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain

from rules.diff.image import Fragment, Image
from rules.source.rust.code import Code
from rules.source.rust.comments import Paragraphs, paragraphs
from rules.source.rust.doctests import doctests
from rules.source.rust.fragment import read_fragment, read_whole
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite
from rules.source.rust.outline import Documented, documented
from rules.source.rust.unsafe_sites import UnsafeCode
from rules.source.rust.uses import Import, imports
from rules.source.rust.work_limit import WorkLimit

_FUNCTION = re.compile(rb"fn\s+(?:r#)?([\w\x80-\xff]+)")
_TRAIT = re.compile(rb"trait\s+(?:r#)?([\w\x80-\xff]+)")
_SEARCHED = 128 * 1024  # bytes of hunks for which the context in which they are Rust is searched: no image has more


class SourcePart:
    """A run of known lines, all of a file that is `whole`: each view of it is computed when first asked for, and kept.

    The parse is the dear one, 0.1 ms for a hunk: it is made where the word `unsafe` stands, and for who asks for sites.
    """

    def __init__(self, fragment: Fragment, work: WorkLimit, *, whole: bool, searched: bool) -> None:
        self._fragment = fragment
        self._work = work
        self._whole = whole
        self._searched = searched

    def shows(self, line: int) -> bool:
        return self._fragment.first <= line <= self._last

    def shows_any(self, ordered: Sequence[int]) -> bool:
        """Whether one of these lines, in rising order, is among its own."""
        at = bisect_left(ordered, self._fragment.first)
        return at < len(ordered) and ordered[at] <= self._last

    def holds(self, *words: bytes) -> bool:
        """Whether any of these words stands in it."""
        return any(word in self._fragment.text for word in words)

    def declared_names(self) -> Iterator[str]:
        """The names behind `fn` and `trait`, where unsafe code stands: those that `declarations` may have, and more."""
        if self.holds(b"unsafe"):
            for found in chain(_FUNCTION.finditer(self._fragment.text), _TRAIT.finditer(self._fragment.text)):
                yield found[1].decode("utf-8", "surrogateescape")

    @cached_property
    def code(self) -> Code:
        """Code and comments, without a grammar."""
        return Code(self._fragment.text.decode("utf-8", "surrogateescape"), self._fragment.first)

    @cached_property
    def comments(self) -> tuple[Paragraphs, ...]:
        """The comments, those that belong together as one."""
        return tuple(paragraphs(self.code, whole=self._whole))

    @cached_property
    def documented(self) -> tuple[Documented, ...]:
        """The items whose documentation has headings."""
        return tuple(documented(self.code))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """What the `use` declarations bring in; those cut off are left out."""
        return tuple(imports(self.code)) if self.holds(b"use") else ()

    @property
    def sites(self) -> tuple[UnsafeSite, ...]:
        """Every unsafe block and `unsafe impl`, in order."""
        return self._unsafe[0]

    @property
    def declarations(self) -> tuple[UnsafeDeclaration, ...]:
        """Every `unsafe fn` and `unsafe trait`, in order."""
        return self._unsafe[1]

    @cached_property
    def _last(self) -> int:
        return self._fragment.first + self._fragment.text.removesuffix(b"\n").count(b"\n")

    @cached_property
    def _unsafe(self) -> tuple[tuple[UnsafeSite, ...], tuple[UnsafeDeclaration, ...]]:
        text = self._fragment.text
        if b"unsafe" not in text:
            return (), ()
        self._work.spend(text.count(b"unsafe"))
        if self._whole:
            unit = read_whole(text, self.code, self._work)
        else:
            unit = read_fragment(self._fragment, self.code, self._work, searched=self._searched)
        if unit is None:
            return (), ()
        code = UnsafeCode(unit)
        sites = code.sites
        for doctest in doctests(unit, code.doc_rows, self._work):
            sites.extend(UnsafeCode(doctest).sites)
        return tuple(sorted(sites, key=_place)), tuple(code.declarations)


class RustSource:
    """The Rust of one image, whatever a patch touched of it."""

    def __init__(self, image: Image, work: WorkLimit) -> None:
        own = work.of_file()
        sizes = accumulate(len(fragment.text) for fragment in image.fragments)
        self.parts = tuple(
            SourcePart(fragment, own, whole=image.is_complete, searched=size <= _SEARCHED)
            for fragment, size in zip(image.fragments, sizes, strict=True)
        )

    def showing(self, lines: Collection[int]) -> Iterator[SourcePart]:
        """The parts that show any of these lines."""
        if len(self.parts) == 1:
            return (part for part in self.parts if any(map(part.shows, lines)))
        ordered = sorted(lines)
        return (part for part in self.parts if part.shows_any(ordered))

    @property
    def sites(self) -> tuple[UnsafeSite, ...]:
        """Every unsafe block and `unsafe impl`, in the file's order."""
        return tuple(site for part in self.parts for site in part.sites)

    @property
    def declarations(self) -> tuple[UnsafeDeclaration, ...]:
        """Every `unsafe fn` and `unsafe trait`, in the file's order."""
        return tuple(one for part in self.parts for one in part.declarations)


def _place(site: UnsafeSite) -> tuple[int, int]:
    return site.line, site.column


def parse(image: Image, work: WorkLimit | None = None) -> RustSource:
    """The Rust of `image`; parsing itself waits until it is needed, and what it takes counts as work of the series.

    Asking for sites and declarations raises TooMuchError where that is more than an image or the series may take.
    """
    return RustSource(image, work or WorkLimit())
