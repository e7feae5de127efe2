# SPDX-License-Identifier: GPL-2.0-or-later
"""What a rule is shown: one changed file in its series, parsed once for all rules."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from operator import attrgetter
from typing import Any

from rules.bindings.bindings_diff import BindingsDiff, diff_bindings
from rules.bindings.tree import Tree
from rules.diff.image import Fragment, Image
from rules.diff.origin import Origin, origin
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.finding import Anchor, Confidence
from rules.source.rust.code import Code
from rules.source.rust.source import RustSource, SourcePart, parse
from rules.source.rust.work_limit import WorkLimit

_LONGEST = 2000
_patch_index = attrgetter("patch.index")


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
        self.path = change.path
        self.is_rust = self.path.endswith(".rs")
        self._added_parts: dict[tuple[str, ...], tuple[SourcePart, ...]] = {}

    @cached_property
    def pre_rust(self) -> RustSource | None:
        """The Rust of the file before the patch; None where there is no such image."""
        return self.series.rust(self.pre) if self.pre is not None and self.is_rust else None

    @cached_property
    def post_rust(self) -> RustSource | None:
        """The Rust of the file after the patch; None where there is no such image."""
        return self.series.rust(self.post) if self.post is not None and self.is_rust else None

    @property
    def post_code(self) -> tuple[Code, ...]:
        """The Rust after the patch as code and comments, a part for each fragment; nothing where there is no image."""
        return tuple(part.code for part in self.post_rust.parts) if self.post_rust is not None else ()

    def parts_with(self, *words: bytes) -> Iterator[SourcePart]:
        """The parts of the Rust after the patch in which any of these words stands."""
        return (part for part in self.post_rust.parts if part.holds(*words)) if self.post_rust is not None else iter(())

    def added_parts(self, *words: str) -> tuple[SourcePart, ...]:
        """The parts of the Rust after the patch with a line that the patch adds and that has one of the words."""
        if words not in self._added_parts:
            self._added_parts[words] = tuple(self._with_added(words))
        return self._added_parts[words]

    def _with_added(self, words: tuple[str, ...]) -> Iterator[SourcePart]:
        if self.post is None or self.post_rust is None or not self.adds(*words):
            return iter(())
        lines = {one.after for word in words for one in self._added if one.after and word in one.text}
        return self.post_rust.showing(lines if self.change.hunks else self.post.touched)

    def removed_parts(self, word: str) -> Iterator[SourcePart]:
        """The parts of the Rust before the patch with a line that the patch removes and that has the word."""
        lines = {one.before for one in self.removed if one.before and word in one.text}
        return self.pre_rust.showing(lines) if lines and self.pre_rust is not None else iter(())

    @cached_property
    def unsafe_parts(self) -> tuple[SourcePart, ...]:
        """The parts in which the patch adds unsafe code, or may take the comment of some that it keeps."""
        if self.post is None or self.post_rust is None or not self.mentions(b"unsafe"):
            return ()
        at_risk = {hunk.after_start for hunk in self.change.hunks if self.post.is_complete or _undresses(hunk)}
        return tuple(dict.fromkeys((*self.added_parts("unsafe"), *self.post_rust.showing(at_risk))))

    @cached_property
    def removed(self) -> tuple[Line, ...]:
        """The lines that the patch removes."""
        return tuple(self.change.removed_lines())

    @cached_property
    def _added(self) -> tuple[Line, ...]:
        return tuple(self.change.added_lines())

    @cached_property
    def post_lines(self) -> dict[int, str]:
        """Every known line after the patch by its number."""
        return dict(self.post.lines()) if self.post is not None else {}

    @cached_property
    def pre_lines(self) -> dict[int, str]:
        """Every known line before the patch by its number."""
        return dict(self.pre.lines()) if self.pre is not None else {}

    @property
    def confidence(self) -> Confidence:
        """How sure a reading of the post-image is that needs no more than what is shown."""
        return Confidence.HIGH if self.post is not None and self.post.is_complete else Confidence.MEDIUM

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
        if self.post is None or not self.post.touched:
            return ""
        if not self.change.hunks:
            return "".join(fragment.text.decode("utf-8", "surrogateescape") for fragment in self.post.fragments)
        return "\n".join(line.text for line in self._added)

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
        return frozenset(one.after for one in self._added if one.after and " ".join(one.text.split()) not in removed)


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
        self._added: dict[int, frozenset[str]] = {}
        self._next: dict[int, FileView | None] = {}
        self._rust: dict[tuple[bool, tuple[Fragment, ...]], RustSource] = {}
        self._alone: dict[int, FileView] = {}
        self._work = WorkLimit()
        self.answers: dict[object, Any] = {}  # what was found out once for all files, by the function that asked

    def rust(self, image: Image) -> RustSource:
        """The Rust of an image: of what one patch leaves and the next one finds it is parsed once."""
        key = image.is_complete, image.fragments
        if key not in self._rust:
            self._rust[key] = parse(image, self._work)
        return self._rust[key]

    def alone(self, image: Image) -> FileView:
        """The image in a series of its own, judged as if every line of it were new."""
        if id(image) not in self._alone:
            series = SeriesView(self.series, self.tree)
            series._rust, series._work = self._rust, self._work
            touched = frozenset(number for number, _ in image.lines())
            post = replace(image, side="post", touched=touched)
            series.files = [FileView(series, Patch(0, ""), FileChange(None, image.path), None, post)]
            self._alone[id(image)] = series.files[0]
        return self._alone[id(image)]

    def removed_in(self, index: int) -> frozenset[str]:
        """The texts, blanks collapsed, of all lines that the patch removes from Rust files."""
        if index not in self._removed:
            self._removed[index] = frozenset(
                " ".join(line.text.split()) for file in self.of_patch(index) if file.is_rust for line in file.removed
            )
        return self._removed[index]

    @cached_property
    def border(self) -> BindingsDiff | None:
        """The border between C and Rust before and after the series; None where the tree does not know it."""
        return diff_bindings(self.files, self.tree)

    @cached_property
    def _by_patch(self) -> dict[int, list[FileView]]:
        found: dict[int, list[FileView]] = {}
        for file in self.files:
            found.setdefault(file.patch.index, []).append(file)
        return found

    @cached_property
    def _by_before(self) -> dict[str | None, list[int]]:
        found: dict[str | None, list[int]] = {}
        for place, file in enumerate(self.files):
            found.setdefault(file.change.before, []).append(place)
        return found

    def of_patch(self, index: int) -> list[FileView]:
        """The views of the files of one patch, in the order of its diff."""
        return self._by_patch.get(index, [])

    def next_change(self, file: FileView) -> FileView | None:
        """Return the view of the same file in the next patch that changes it, following a rename; None after the last.

        Counted from the file's own patch, even where a patch changes one path twice.
        """
        if id(file) not in self._next:
            start = bisect_right(self.files, file.patch.index, key=_patch_index)
            places = self._by_before.get(file.path, [])
            at = bisect_left(places, start)
            self._next[id(file)] = self.files[places[at]] if at < len(places) else None
        return self._next[id(file)]

    def later(self, file: FileView) -> Iterator[FileView]:
        """Yield the views of the same file in later patches of the series, following renames."""
        while (following := self.next_change(file)) is not None:
            yield following
            file = following

    def added_texts(self, index: int) -> frozenset[str]:
        """Return the texts, without the blanks around them, of all lines that the patch adds to any file."""
        if index not in self._added:
            changes = (file.change for file in self.of_patch(index))
            self._added[index] = frozenset(line.text.strip() for change in changes for line in change.added_lines())
        return self._added[index]


def _undresses(hunk: Hunk) -> bool:
    """Whether the hunk may take a comment from unsafe code that it keeps, or put something between the two."""
    tagged = parted = False
    for line in hunk.lines:
        tag = "safety" in line.text.lower()
        if (tag and line.is_removed) or (parted and line.marker == " " and "unsafe" in line.text):
            return True
        parted = parted or (tagged and line.marker != " ")
        tagged = tagged or tag
    return False
