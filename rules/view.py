# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rule is shown: one changed file in its series, parsed once for all rules."""

from functools import cached_property

from rules.border.change import BorderChange, border_change
from rules.finding import Anchor, Confidence
from rules.image import Image
from rules.origin import Origin, origin
from rules.patch import FileChange, Patch, Series
from rules.syntax.rust import Source, parse
from rules.syntax.rust_code import Code, read
from rules.syntax.rust_comments import Paragraphs, paragraphs
from rules.syntax.rust_shape import Documented, documented
from rules.tree import Tree

_LONGEST = 2000


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
    def post_comments(self) -> tuple[tuple[Code, tuple[Paragraphs, ...]], ...]:
        """The comments after the patch, those that belong together as one, for each part of `post_code`."""
        whole = self.post is not None and self.post.complete
        return tuple((code, tuple(paragraphs(code, whole=whole))) for code in self.post_code)

    @cached_property
    def post_documented(self) -> tuple[tuple[Code, tuple[Documented, ...]], ...]:
        """The documented items after the patch, for each part of `post_code`."""
        return tuple((code, tuple(documented(code))) for code in self.post_code)

    @cached_property
    def post_lines(self) -> dict[int, str]:
        """Every known line after the patch by its number."""
        return dict(self.post.lines()) if self.post is not None else {}

    @property
    def confidence(self) -> Confidence:
        """How sure a reading of the post-image is that needs no more than what is shown."""
        return Confidence.HIGH if self.post is not None and self.post.complete else Confidence.MEDIUM

    def anchor(self, line: int, column: int = 1) -> Anchor:
        """A place in the post-image; of a line that no author wrote by hand the text is cut."""
        return Anchor(self.patch.index, self.path, "post", line, column, self.post_lines[line][:_LONGEST])

    @cached_property
    def is_kernel_rust(self) -> bool:
        """Rust that runs in the kernel and is written for it, in a file that is there after the patch."""
        return self.post is not None and self.is_rust and origin(self.path) is Origin.KERNEL

    def mentions(self, *words: bytes) -> bool:
        """Whether what is known of the file after the patch holds all of these words somewhere."""
        fragments = self.post.fragments if self.post is not None else ()
        return all(any(word in fragment.text for fragment in fragments) for word in words)

    @cached_property
    def _added_text(self) -> str:
        image = self.post
        if image is None:
            return ""
        if len(image.fragments) == 1 and len(image.touched) == len(self.post_lines):
            return image.fragments[0].text.decode("utf-8", "surrogateescape")
        return "\n".join(self.post_lines[number] for number in sorted(image.touched))

    def adds(self, *words: str) -> bool:
        """Whether any of these words stands on a line that the patch adds: a cheap first question for a rule."""
        return any(word in self._added_text for word in words)

    @cached_property
    def fresh(self) -> frozenset[int]:
        """The added lines whose text the same patch does not remove elsewhere: neither moved nor indented anew."""
        if self.post is None:
            return frozenset()
        removed = self.series.removed_in(self.patch.index)
        if not removed:
            return self.post.touched
        return frozenset(
            number
            for number, text in self.post.lines()
            if number in self.post.touched and " ".join(text.split()) not in removed
        )

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
        self._removed: dict[int, frozenset[str]] = {}

    def removed_in(self, index: int) -> frozenset[str]:
        """The texts, blanks collapsed, of all lines that the patch removes from Rust files."""
        if index not in self._removed:
            self._removed[index] = frozenset(
                " ".join(line.text.split())
                for file in self.of_patch(index)
                if file.is_rust
                for line in file.change.removed_lines()
            )
        return self._removed[index]

    @cached_property
    def border(self) -> BorderChange | None:
        """The border between C and Rust before and after the series; None where the tree does not know it."""
        return border_change(self.files, self.tree)

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
