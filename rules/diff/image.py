# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the images of a file before and after a patch: complete if known, otherwise only the lines of its hunks."""

from collections.abc import Iterator
from typing import NamedTuple

from rules.diff.apply import apply_exactly, encode_lines
from rules.diff.patch import FileChange, Patch, Series
from rules.diff.tree import Files, blob_id
from rules.finding import Side
from rules.lazy import dataclass


class Fragment(NamedTuple):
    """A run of consecutive known lines. `first` is the number, from 1, of its first line in the file.

    Every line in `text` ends with a newline, except the last line of a file that has none there. A complete image is
    one fragment, or no fragment if the file is empty. It is a tuple because it is often a part of a key.
    """

    first: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """One side of a changed file.

    `fragments` are the known parts, in order, with a gap between them. `is_complete` says that nothing else exists.
    `touched` are the numbers of the lines that this patch added (side "post") or removed (side "pre").
    """

    path: str
    side: Side
    fragments: tuple[Fragment, ...]
    is_complete: bool
    touched: frozenset[int]

    @property
    def content(self) -> bytes:
        """The bytes of the file. The image must be complete."""
        assert self.is_complete
        return self.fragments[0].text if self.fragments else b""

    def line_numbers(self) -> Iterator[int]:
        """Yield the number of every known line."""
        for fragment in self.fragments:
            yield from range(fragment.first, fragment.first + fragment.text.removesuffix(b"\n").count(b"\n") + 1)

    def lines(self) -> dict[int, str]:
        """Return every known line by its number. Bytes that are not UTF-8 become surrogates."""
        lines: dict[int, str] = {}
        for fragment in self.fragments:
            text = fragment.text.decode("utf-8", "surrogateescape")
            lines.update(enumerate(text.removesuffix("\n").split("\n"), fragment.first))
        return lines


@dataclass(frozen=True, slots=True)
class FileImages:
    """The two images of a changed file. `pre` is None for a new file, `post` for a deleted file."""

    patch: Patch
    change: FileChange
    pre: Image | None
    post: Image | None


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a series, in the order of its diffs. `blobs` are the verified post-images by their full blob id."""

    files: tuple[FileImages, ...]
    blobs: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Content:
    """The known bytes of a file at some point of the series, and whether a blob id proves them."""

    data: bytes
    is_proven: bool


def build_new_file_image(path: str, content: bytes) -> Image:
    """Build the post-image of a file as if every line of it were new."""
    count = content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    fragments = (Fragment(1, content),) if content else ()
    return Image(path, "post", fragments, is_complete=True, touched=frozenset(range(1, count + 1)))


def build_images(series: Series, tree: Files) -> Images:
    """Build the images of every file of a series.

    An image is complete if the file is new, or if its pre-image is known from an earlier patch or from the tree, has
    the announced blob id, and every hunk fits exactly at its line. Otherwise it contains only the lines of the hunks.
    """
    builder = _Builder(tree)
    files = tuple(builder.build(patch, change) for patch in series.patches for change in patch.changes)
    return Images(files, builder.blobs)


class _Builder:
    """Follow a series patch by patch and record the content of each file.

    `contents` has the current content of changed files. The content of `unknown_paths` changed in an unknown way.
    """

    def __init__(self, tree: Files) -> None:
        self.tree = tree
        self.blobs: dict[str, bytes] = {}
        self.contents: dict[str, _Content] = {}
        self.unknown_paths: set[str] = set()

    def build(self, patch: Patch, change: FileChange) -> FileImages:
        before = self._content_before(change)
        after = self._content_after(change, before)
        self._record(change, after)
        if change.binary:
            return FileImages(patch, change, None, None)
        pre = post = None
        if change.before is not None:
            touched = frozenset([line.before for line in change.removed_lines() if line.before is not None])
            pre = _build_image(change.before, "pre", change, before if after or change.is_deleted else None, touched)
        if change.after is not None:
            touched = frozenset([line.after for line in change.added_lines() if line.after is not None])
            post = _build_image(change.after, "post", change, after, touched)
        return FileImages(patch, change, pre, post)

    def _content_before(self, change: FileChange) -> _Content | None:
        """Return the content before the change; None if it is unknown or not the content that the patch expects."""
        if change.before is None:
            return _Content(b"", is_proven=True)
        announced = change.blob_before
        if change.is_deleted and (deleted := _deleted_content(change)) is not None:
            return _Content(deleted, is_proven=announced is not None and blob_id(deleted).startswith(announced))
        current = self.contents.get(change.before)
        is_unknown = change.before in self.unknown_paths
        if announced is None:
            if current is not None or is_unknown:
                return current
            data = self.tree.read(change.before)
            return None if data is None else _Content(data, is_proven=False)
        if current is not None and blob_id(current.data).startswith(announced):
            return _Content(current.data, is_proven=True)
        data = None if is_unknown else self.tree.read(change.before)
        if data is None or not blob_id(data).startswith(announced):
            data = self._find_blob(announced)  # last, because git is slow if it does not have an abbreviated id
        if data is not None and blob_id(data).startswith(announced):
            return _Content(data, is_proven=True)
        return None if current is None else _Content(current.data, is_proven=False)

    def _find_blob(self, announced: str) -> bytes | None:
        if announced in self.blobs:
            return self.blobs[announced]
        blobs = (data for full, data in self.blobs.items() if full.startswith(announced))
        data = next(blobs, None)
        return data if data is not None else self.tree.blob(announced)

    def _content_after(self, change: FileChange, before: _Content | None) -> _Content | None:
        """Return the content after the change; None if the content before is unknown or the hunks do not fit."""
        if change.after is None or change.binary or before is None:
            return None
        data = apply_exactly(before.data, change)
        if data is None:
            return None
        full = blob_id(data)
        is_announced = change.blob_after is not None and full.startswith(change.blob_after)
        is_proven = is_announced or (change.blob_after is None and before.is_proven)
        if is_proven:
            self.blobs[full] = data
        return _Content(data, is_proven)

    def _record(self, change: FileChange, after: _Content | None) -> None:
        if change.before is not None and not change.copied:
            self.contents.pop(change.before, None)
            self.unknown_paths.add(change.before)
        if change.after is not None:
            if after is None:
                self.contents.pop(change.after, None)
                self.unknown_paths.add(change.after)
            else:
                self.contents[change.after] = after


def _deleted_content(change: FileChange) -> bytes | None:
    """Return the bytes of a deleted file from its only hunk; None if the diff omits them."""
    if len(change.hunks) != 1 or change.hunks[0].before_start != 1 or change.hunks[0].after_count:
        return None
    text = b"\n".join(encode_lines(change.hunks[0].lines))
    return text + (b"" if change.ends_without_newline_before else b"\n")


def _build_image(path: str, side: Side, change: FileChange, content: _Content | None, touched: frozenset[int]) -> Image:
    if content is None:
        return Image(path, side, _build_fragments(change, side), is_complete=False, touched=touched)
    fragments = (Fragment(1, content.data),) if content.data else ()
    return Image(path, side, fragments, is_complete=True, touched=touched)


def _build_fragments(change: FileChange, side: Side) -> tuple[Fragment, ...]:
    """Return the runs of lines that the hunks show of one side. Join adjacent hunks, drop overlapping hunks."""
    runs: list[tuple[int, list[str]]] = []
    for hunk in change.hunks:
        lines = hunk.lines_on(side)
        if not lines:
            continue
        first = lines[0].before if side == "pre" else lines[0].after
        assert first is not None
        end = runs[-1][0] + len(runs[-1][1]) if runs else 0
        if first < end:
            continue
        texts = [line.text for line in lines]
        if first == end and runs:
            runs[-1][1].extend(texts)
        else:
            runs.append((first, texts))
    return tuple([Fragment(first, "\n".join([*texts, ""]).encode("utf-8", "surrogateescape")) for first, texts in runs])
