# SPDX-License-Identifier: GPL-2.0-or-later
"""The Rust of one image in the names of this field: nothing here shows which parser reads it."""

from functools import cached_property

from rules.finding import Confidence
from rules.image import Image
from rules.syntax.rust_grammar import parse_bytes
from rules.syntax.rust_unit import Unit


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
        """The parsed pieces in the file's order; one for a complete image."""
        confidence = Confidence.HIGH if self.complete else Confidence.MEDIUM
        return tuple(
            Unit(
                parse_bytes(fragment.text), fragment.text, tuple(fragment.text.split(b"\n")), fragment.first, confidence
            )
            for fragment in self.image.fragments
        )


def parse(image: Image) -> Source:
    """The Rust of `image`; parsing itself waits until it is needed."""
    return Source(image)
