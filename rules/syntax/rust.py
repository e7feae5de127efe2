# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust of one image in the names of this field: nothing here shows which parser reads it."""

from collections.abc import Iterator
from functools import cached_property

from rules.image import Image
from rules.syntax.rust_code import Code, read
from rules.syntax.rust_comments import Paragraphs, paragraphs
from rules.syntax.rust_doctest import doctests
from rules.syntax.rust_fragment import read_fragment, read_whole
from rules.syntax.rust_model import UnsafeDeclaration, UnsafeSite
from rules.syntax.rust_shape import Documented, documented
from rules.syntax.rust_unit import Unit
from rules.syntax.rust_unsafe import MOST, UnsafeCode


class Source:
    """The Rust of one image, whatever a patch touched of it: each view is computed when first asked for, and kept."""

    def __init__(self, image: Image) -> None:
        self.complete = image.complete
        self._fragments = image.fragments

    @cached_property
    def code(self) -> tuple[Code, ...]:
        """The Rust as code and comments without a grammar, a part for each fragment."""
        return read(self._fragments)

    @cached_property
    def comments(self) -> tuple[tuple[Code, tuple[Paragraphs, ...]], ...]:
        """The comments, those that belong together as one, for each part of `code`."""
        return tuple((code, tuple(paragraphs(code, whole=self.complete))) for code in self.code)

    @cached_property
    def documented(self) -> tuple[tuple[Code, tuple[Documented, ...]], ...]:
        """The documented items, for each part of `code`."""
        return tuple((code, tuple(documented(code))) for code in self.code)

    @cached_property
    def _unsafe(self) -> tuple[tuple[UnsafeSite, ...], tuple[UnsafeDeclaration, ...]]:
        sites: list[UnsafeSite] = []
        declarations: list[UnsafeDeclaration] = []
        for unit in self._units():
            code = UnsafeCode(unit, whole_file=self.complete)
            sites.extend(code.sites)
            declarations.extend(code.declarations)
            for doctest in doctests(unit, code.doc_rows):
                if len(sites) >= MOST:
                    break
                sites.extend(UnsafeCode(doctest, whole_file=False).sites)
        return tuple(sorted(sites, key=_place)), tuple(declarations)

    def _units(self) -> Iterator[Unit]:
        """What has the word in it, parsed, in the file's order; what is not Rust is left out."""
        for fragment in self._fragments:
            if b"unsafe" in fragment.text:
                unit = read_whole(fragment.text) if self.complete else read_fragment(fragment)
                if unit is not None:
                    yield unit

    @property
    def sites(self) -> tuple[UnsafeSite, ...]:
        """Every unsafe block and `unsafe impl`, in the file's order."""
        return self._unsafe[0]

    @property
    def declarations(self) -> tuple[UnsafeDeclaration, ...]:
        """Every `unsafe fn` and `unsafe trait`, in the file's order."""
        return self._unsafe[1]


def _place(site: UnsafeSite) -> tuple[int, int]:
    return site.line, site.column


def parse(image: Image) -> Source:
    """The Rust of `image`; parsing itself waits until it is needed."""
    return Source(image)
