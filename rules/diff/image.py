# SPDX-License-Identifier: GPL-2.0-or-later
"""Build the images of a file before and after a patch: complete if known, otherwise only the lines of its hunks."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from rules.diff.apply import apply_exactly
from rules.diff.patch import FileChange, Hunk, Patch, Series
from rules.diff.tree import MIN_BLOB_ID_DIGITS, Files, blob_id
from rules.finding import Side
from rules.lazy import cached_property, dataclass


class Fragment(NamedTuple):
    """A run of consecutive known lines. `first` is the number, from 1, of its first line in the file.

    Every line in `text` ends with a newline, except the last line of a file that has none there. A complete image is
    one fragment, or no fragment if the file is empty. It is a tuple because it is often a part of a key.
    """

    first: int
    text: bytes


@dataclass(frozen=True)
class Image:
    """One side of a changed file.

    `data` are the bytes of the file; None if only what the hunks show of it is known. `is_new` says that every line
    counts as changed, whatever the hunks say.
    """

    path: str
    side: Side
    hunks: tuple[Hunk, ...]
    data: bytes | None = None
    is_new: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the whole file is known."""
        return self.data is not None

    @property
    def content(self) -> bytes:
        """The bytes of the file. The image must be complete."""
        assert self.data is not None
        return self.data

    @cached_property
    def fragments(self) -> tuple[Fragment, ...]:
        """The known parts, in order, with a gap between them. A complete image is one of them."""
        if self.data is not None:
            return (Fragment(1, self.data),) if self.data else ()
        return _build_fragments(self.hunks, self.side)

    @cached_property
    def touched(self) -> frozenset[int]:
        """The numbers of the lines that this patch added (side "post") or removed (side "pre")."""
        if self.is_new:
            return frozenset().union(*map(_line_numbers, self.fragments))
        return frozenset().union(*[hunk.removed if self.side == "pre" else hunk.added for hunk in self.hunks])

    @cached_property
    def shown(self) -> bytes:
        """All known parts together, to search for words in them."""
        return b"".join([fragment.text for fragment in self.fragments])

    def line_numbers(self) -> Iterator[int]:
        """Yield the number of every known line."""
        return chain.from_iterable(map(_line_numbers, self.fragments))

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
    """The images of a series, in the order of its diffs.

    `name_blobs` returns the verified post-images by their full blob ids, which most callers do not ask for.
    """

    files: tuple[FileImages, ...]
    name_blobs: Callable[[], dict[str, bytes]] = dict


@dataclass(slots=True)
class _Content:
    """The known bytes of a file at some point of the series, and whether a blob id is known to prove them."""

    data: bytes
    is_proven: bool = False


def build_new_file_image(path: str, content: bytes) -> Image:
    """Build the post-image of a file as if every line of it were new. Its lines end as those of a diff that is read."""
    return Image(path, "post", (), content.replace(b"\r\n", b"\n") if b"\r\n" in content else content, is_new=True)


def build_images(series: Series, tree: Files) -> Images:
    """Build the images of every file of a series.

    An image is complete if the file is new, or if its pre-image is known from an earlier patch or from the tree, has
    the announced blob id, and every hunk fits exactly at its line. Otherwise it contains only the lines of the hunks.
    """
    builder = _Builder(tree)
    files = tuple(builder.build(patch, change) for patch in series.patches for change in patch.changes)
    return Images(files, builder.name_blobs)


class _Builder:
    """Follow a series patch by patch and record the content of each file.

    `contents` has the current content of changed files. The content of `unknown_paths` changed in an unknown way.
    `unnamed` has contents whose ids are not computed yet, each with the content before and the announced id.
    `ids_by_start` has the ids of `blobs` by their first digits.
    """

    def __init__(self, tree: Files) -> None:
        self.tree = tree
        self.blobs: dict[str, bytes] = {}
        self.ids_by_start: dict[str, list[str]] = {}
        self.unnamed: list[tuple[_Content, _Content, str | None]] = []
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
            known = before if after or change.is_deleted else None
            pre = Image(change.before, "pre", change.hunks, known.data if known else None)
        if change.after is not None:
            post = Image(change.after, "post", change.hunks, after.data if after else None)
        return FileImages(patch, change, pre, post)

    def name_blobs(self) -> dict[str, bytes]:
        """Return the contents after the changes so far that their announced ids prove, by full blob id."""
        for content, before, announced in self.unnamed:
            if announced is None and not before.is_proven:
                continue
            full = blob_id(content.data)
            content.is_proven = announced is None or full.startswith(announced)
            if content.is_proven and full not in self.blobs:
                self.blobs[full] = content.data
                self.ids_by_start.setdefault(full[:MIN_BLOB_ID_DIGITS], []).append(full)
        self.unnamed.clear()
        return self.blobs

    def _content_before(self, change: FileChange) -> _Content | None:
        """Return the content before the change; None if it is unknown or not the content that the patch expects."""
        if change.before is None:
            return _Content(b"", is_proven=True)
        announced = change.blob_before
        if change.is_deleted and (deleted := _deleted_content(change)) is not None:
            return _Content(deleted)
        current = self.contents.get(change.before)
        is_unknown = change.before in self.unknown_paths
        if announced is None:
            if current is not None or is_unknown:
                return current
            data = self.tree.read(change.before)
            return None if data is None else _Content(data)
        if current is not None and blob_id(current.data).startswith(announced):
            return _Content(current.data, is_proven=True)
        data = None if is_unknown else self.tree.read(change.before)
        if data is None or not blob_id(data).startswith(announced):
            data = self._find_blob(announced)  # last, because git is slow if it does not have an abbreviated id
        if data is not None and blob_id(data).startswith(announced):
            return _Content(data, is_proven=True)
        return None if current is None else _Content(current.data)

    def _find_blob(self, announced: str) -> bytes | None:
        known = self.name_blobs()
        if announced in known:
            return known[announced]
        named = self.ids_by_start.get(announced[:MIN_BLOB_ID_DIGITS], ())
        full = next((full for full in named if full.startswith(announced)), None)
        return known[full] if full is not None else self.tree.blob(announced)

    def _content_after(self, change: FileChange, before: _Content | None) -> _Content | None:
        """Return the content after the change; None if the content before is unknown or the hunks do not fit."""
        if change.after is None or change.binary or before is None:
            return None
        data = apply_exactly(before.data, change)
        if data is None:
            return None
        content = _Content(data)
        self.unnamed.append((content, before, change.blob_after))
        return content

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


def _line_numbers(fragment: Fragment) -> range:
    return range(fragment.first, fragment.first + fragment.text.removesuffix(b"\n").count(b"\n") + 1)


def _deleted_content(change: FileChange) -> bytes | None:
    """Return the bytes of a deleted file from its only hunk; None if the diff omits them."""
    if len(change.hunks) != 1 or change.hunks[0].before_start != 1 or change.hunks[0].after_count:
        return None
    text = change.hunks[0].text_on("pre").encode("utf-8", "surrogateescape")
    return text[:-1] if change.ends_without_newline_before else text


def _build_fragments(hunks: Iterable[Hunk], side: Side) -> tuple[Fragment, ...]:
    """Return the runs of lines that the hunks show of one side. Join adjacent hunks, drop overlapping hunks."""
    runs: list[tuple[int, list[str]]] = []
    end = 0
    for hunk in hunks:
        first = hunk.before_start if side == "pre" else hunk.after_start
        text = hunk.text_on(side)
        if not text or first < end:
            continue
        if runs and first == end:
            runs[-1][1].append(text)
        else:
            runs.append((first, [text]))
        end = first + text.count("\n")
    return tuple([Fragment(first, "".join(texts).encode("utf-8", "surrogateescape")) for first, texts in runs])
