# SPDX-License-Identifier: GPL-2.0-or-later
"""A file before or after a patch, whole where it is known, else the lines that its hunks show."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.diff.patch import FileChange, Line, Patch, Series
from rules.diff.tree import Files, blob_id
from rules.finding import Side


@dataclass(frozen=True, slots=True)
class Fragment:
    """A run of consecutive known lines of an image: `first` is the number, from 1, of its first line in the file.

    `text` is the lines' bytes, each ending in a newline but for the last of a file that has none there. A complete
    image is one fragment, or none where the file is empty.
    """

    first: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Image:
    """One side of a changed file.

    `fragments` are what is known, in order, never touching each other; `complete` says that they are all there is.
    `touched` are the numbers of the lines that this patch added (side "post") or removed (side "pre").
    `verified` says that the bytes hash to the blob id that the patch announced, or follow from such bytes by the
    patch's own hunks, or that the file is new and whole.
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


@dataclass(frozen=True, slots=True)
class FileImages:
    """One changed file of one patch and its two sides; `pre` is None for a new file, `post` for a deleted one."""

    patch: Patch
    change: FileChange
    pre: Image | None
    post: Image | None


@dataclass(frozen=True, slots=True)
class Images:
    """All images of a series in the order of its diffs; `blobs` are the verified post-images by full blob id."""

    files: tuple[FileImages, ...]
    blobs: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Known:
    """A file's bytes as they are known at some point of the series, and whether a blob id proves them."""

    content: bytes
    proven: bool


def whole(path: str, content: bytes) -> Image:
    """The post-image of a file that is judged as if every line of it were new."""
    count = content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    fragments = (Fragment(1, content),) if content else ()
    return Image(path, "post", fragments, complete=True, touched=frozenset(range(1, count + 1)), verified=True)


def build(series: Series, tree: Files) -> Images:
    """The images of every file of a series.

    An image is complete where the file is new, or where its pre-image is known from an earlier patch of the series,
    from a blob of the tree, or from the tree's file, agrees with the announced blob id, and every hunk fits it
    exactly at its line. Otherwise it is partial: the lines of the hunks, nothing guessed.
    """
    builder = _Builder(tree)
    files = tuple(builder.images(patch, change) for patch in series.patches for change in patch.changes)
    return Images(files, builder.blobs)


def apply(content: bytes, change: FileChange) -> bytes | None:
    """The bytes after the change's hunks, None unless each hunk fits exactly where it says.

    Strict: no offset, no fuzz, and the missing newline at the end of the file must be as announced.
    """
    lines = content.split(b"\n")
    ends_bare = lines[-1] != b""
    if not ends_bare:
        lines.pop()
    result: list[bytes] = []
    at = 0
    for hunk in change.hunks:
        start = hunk.before_start - 1 if hunk.before_count else hunk.before_start
        if start < at or start > len(lines):
            return None
        result += lines[at:start]
        if hunk.after_count and hunk.after_start != len(result) + 1:
            return None
        pre = _bytes(line for line in hunk.lines if line.before is not None)
        at = start + len(pre)
        if lines[start:at] != pre:
            return None
        result += _bytes(line for line in hunk.lines if line.after is not None)
    reaches_end = at == len(lines) and bool(change.hunks)
    if reaches_end and change.ends_without_newline_before != ends_bare:
        return None
    result += lines[at:]
    if not result:
        return b""
    bare = change.ends_without_newline_after if reaches_end else ends_bare
    return b"\n".join(result) + (b"" if bare else b"\n")


class _Builder:
    """Walks a series once and remembers what each file has become."""

    def __init__(self, tree: Files) -> None:
        self.tree = tree
        self.blobs: dict[str, bytes] = {}
        self.state: dict[str, _Known] = {}
        self.unknown: set[str] = set()

    def images(self, patch: Patch, change: FileChange) -> FileImages:
        before = self._before(change)
        after = self._after(change, before)
        self._remember(change, after)
        if change.binary:
            return FileImages(patch, change, None, None)
        pre = post = None
        if change.before is not None:
            touched = frozenset(line.before for line in change.removed_lines() if line.before is not None)
            pre = _image(change.before, "pre", change, before if after or change.deleted else None, touched)
        if change.after is not None:
            touched = frozenset(line.after for line in change.added_lines() if line.after is not None)
            post = _image(change.after, "post", change, after, touched)
        return FileImages(patch, change, pre, post)

    def _before(self, change: FileChange) -> _Known | None:
        """The bytes before the change; None where they are not known or not those the patch was made for."""
        if change.before is None:
            return _Known(b"", proven=True)
        announced = change.blob_before
        if change.deleted and (removed := _removed_whole(change)) is not None:
            return _Known(removed, proven=announced is not None and blob_id(removed).startswith(announced))
        known = self.state.get(change.before)
        if announced is None:
            if known is not None or change.before in self.unknown:
                return known
            content = self.tree.read(change.before)
            return None if content is None else _Known(content, proven=False)
        if known is not None and blob_id(known.content).startswith(announced):
            return _Known(known.content, proven=True)
        content = None if change.before in self.unknown else self.tree.read(change.before)
        if content is None or not blob_id(content).startswith(announced):
            content = self._blob(announced)  # asked second: by a short id that it does not have, git looks everywhere
        if content is not None and blob_id(content).startswith(announced):
            return _Known(content, proven=True)
        return None if known is None else _Known(known.content, proven=False)

    def _blob(self, announced: str) -> bytes | None:
        if announced in self.blobs:
            return self.blobs[announced]
        for full, content in self.blobs.items():
            if full.startswith(announced):
                return content
        return self.tree.blob(announced) if len(announced) >= 7 else None

    def _after(self, change: FileChange, before: _Known | None) -> _Known | None:
        """The bytes after the change, where the bytes before are known and the hunks fit; the proof is the blob id."""
        if change.after is None or change.binary or before is None:
            return None
        content = apply(before.content, change)
        if content is None:
            return None
        full = blob_id(content)
        agrees = change.blob_after is not None and full.startswith(change.blob_after)
        if agrees or (change.blob_after is None and before.proven):
            self.blobs[full] = content
            return _Known(content, proven=True)
        return _Known(content, proven=False)

    def _remember(self, change: FileChange, after: _Known | None) -> None:
        if change.before is not None and not change.copied:
            self.state.pop(change.before, None)
            self.unknown.add(change.before)
        if change.after is not None:
            if after is None:
                self.state.pop(change.after, None)
                self.unknown.add(change.after)
            else:
                self.state[change.after] = after


def _removed_whole(change: FileChange) -> bytes | None:
    """The bytes of a deleted file as its one hunk shows them; None where the diff leaves them out."""
    if len(change.hunks) != 1 or change.hunks[0].before_start != 1 or change.hunks[0].after_count:
        return None
    text = b"\n".join(_bytes(change.hunks[0].lines))
    return text + (b"" if change.ends_without_newline_before else b"\n")


def _image(path: str, side: Side, change: FileChange, known: _Known | None, touched: frozenset[int]) -> Image:
    if known is None:
        return Image(path, side, _fragments(change, side), complete=False, touched=touched)
    fragments = (Fragment(1, known.content),) if known.content else ()
    return Image(path, side, fragments, complete=True, touched=touched, verified=known.proven)


def _fragments(change: FileChange, side: Side) -> tuple[Fragment, ...]:
    """The runs of lines that the hunks show of one side; hunks that touch become one run, overlapping ones are
    dropped.
    """
    runs: list[tuple[int, list[bytes]]] = []
    for hunk in change.hunks:
        lines = [line for line in hunk.lines if not (line.added if side == "pre" else line.removed)]
        if not lines:
            continue
        first = lines[0].before if side == "pre" else lines[0].after
        assert first is not None
        end = runs[-1][0] + len(runs[-1][1]) if runs else 0
        if first < end:
            continue
        if first == end and runs:
            runs[-1][1].extend(_bytes(lines))
        else:
            runs.append((first, _bytes(lines)))
    return tuple(Fragment(first, b"\n".join(lines) + b"\n") for first, lines in runs)


def _bytes(lines: Iterable[Line]) -> list[bytes]:
    """The lines' bytes; they are encoded together, a patch has thousands."""
    texts = [line.text for line in lines]
    return "\n".join(texts).encode("utf-8", "surrogateescape").split(b"\n") if texts else []
