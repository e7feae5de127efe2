# SPDX-License-Identifier: GPL-2.0-or-later
"""A file before or after a patch, whole where it is known, else the lines that its hunks show."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.finding import Side


@dataclass(frozen=True, slots=True)
class Fragment:
    """A run of consecutive known lines of an image: `first` is the number, from 1, of its first line in the file.

    `text` is the lines' bytes, each ending in a newline. A complete image is one fragment.
    """

    first: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """One side of a changed file.

    `fragments` are what is known, in order, never touching each other; `complete` says that they are all there is.
    `touched` are the numbers of the lines that this patch added (side "post") or removed (side "pre").
    `verified` says that the bytes hash to the blob id that the patch announced, or that the file is new and whole.
    """

    path: str
    side: Side
    fragments: tuple[Fragment, ...]
    complete: bool
    touched: frozenset[int]
    verified: bool = False

    @property
    def content(self) -> bytes:
        """The whole file's bytes; only for a complete image."""
        assert self.complete
        return self.fragments[0].text if self.fragments else b""

    def lines(self) -> Iterator[tuple[int, str]]:
        """Every known line with its number, decoded as UTF-8 with undecodable bytes kept as surrogates."""
        for fragment in self.fragments:
            text = fragment.text.decode("utf-8", "surrogateescape")
            yield from enumerate(text.removesuffix("\n").split("\n"), fragment.first)
