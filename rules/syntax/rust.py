# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust of one image in the names of this field: nothing here shows which parser reads it."""

from functools import cached_property

from rules.image import Image
from rules.syntax.rust_doctest import doctests
from rules.syntax.rust_fragment import read_fragment, read_whole
from rules.syntax.rust_model import UnsafeDeclaration, UnsafeSite
from rules.syntax.rust_unit import Unit
from rules.syntax.rust_unsafe import MOST, UnsafeCode


class Source:
    """The Rust of one image: each view of it is computed when first asked for, and kept."""

    def __init__(self, image: Image) -> None:
        self.image = image

    @property
    def path(self) -> str:
        return self.image.path

    @property
    def complete(self) -> bool:
        """The whole file is known; else only what hunks show."""
        return self.image.complete

    @cached_property
    def lines(self) -> dict[int, str]:
        """Every known line by its number, undecodable bytes kept as surrogates."""
        return dict(self.image.lines())

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The parsed pieces in the file's order, one for a complete image; what is not Rust is left out."""
        if self.complete:
            unit = read_whole(self.image.content)
            return () if unit is None else (unit,)
        read = (read_fragment(fragment) for fragment in self.image.fragments)
        return tuple(unit for unit in read if unit is not None)

    @cached_property
    def _unsafe(self) -> tuple[tuple[UnsafeSite, ...], tuple[UnsafeDeclaration, ...]]:
        sites: list[UnsafeSite] = []
        declarations: list[UnsafeDeclaration] = []
        if any(b"unsafe" in fragment.text for fragment in self.image.fragments):
            for unit in self.units:
                code = UnsafeCode(unit, whole_file=self.complete)
                sites.extend(code.sites)
                declarations.extend(code.declarations)
                for doctest in doctests(unit, code.doc_rows):
                    if len(sites) >= MOST:
                        break
                    sites.extend(UnsafeCode(doctest, whole_file=False).sites)
        return tuple(sorted(sites, key=_place)), tuple(declarations)

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
