# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rule is shown: one changed file in its series, parsed once for all rules."""

from functools import cached_property

from rules.image import Image
from rules.patch import FileChange, Patch, Series
from rules.syntax.rust import Source, parse
from rules.syntax.rust_code import Code, read
from rules.tree import Tree


class FileView:
    """One file of one patch: the change, its images, and their syntax, parsed when first asked for.

    `pre` is None for a new file, `post` for a deleted one, both for a binary one.
    """

    def __init__(
        self, series: "SeriesView", patch: Patch, change: FileChange, pre: Image | None, post: Image | None
    ) -> None:
        self.series = series
        self.patch = patch
        self.change = change
        self.pre = pre
        self.post = post

    @property
    def path(self) -> str:
        return self.change.path

    @property
    def is_rust(self) -> bool:
        return self.path.endswith(".rs")

    @cached_property
    def pre_rust(self) -> Source | None:
        """The Rust syntax of the file before the patch; None where there is no such image."""
        return parse(self.pre) if self.pre is not None and self.is_rust else None

    @cached_property
    def post_rust(self) -> Source | None:
        """The Rust syntax of the file after the patch; None where there is no such image."""
        return parse(self.post) if self.post is not None and self.is_rust else None

    @cached_property
    def pre_code(self) -> tuple[Code, ...]:
        """The Rust before the patch as code and comments, a part for each fragment; nothing where there is no image."""
        return read(self.pre) if self.pre is not None and self.is_rust else ()

    @cached_property
    def post_code(self) -> tuple[Code, ...]:
        """The Rust after the patch as code and comments, a part for each fragment; nothing where there is no image."""
        return read(self.post) if self.post is not None and self.is_rust else ()


class SeriesView:
    """A whole series: every file of every patch in order, and the kernel it applies to.

    `blobs` are the verified post-images by full blob id: worth keeping for the next series.
    """

    def __init__(self, series: Series, tree: Tree) -> None:
        self.series = series
        self.tree = tree
        self.files: list[FileView] = []
        self.blobs: dict[str, bytes] = {}

    def of_patch(self, index: int) -> list[FileView]:
        return [file for file in self.files if file.patch.index == index]

    def later(self, file: FileView) -> list[FileView]:
        """The views of the same file in later patches of the series, following renames."""
        path, found = file.path, []
        for other in self.files:
            if other.patch.index > file.patch.index and other.change.before == path:
                found.append(other)
                path = other.path
        return found
