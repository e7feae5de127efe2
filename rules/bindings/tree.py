# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel tree that a series applies to: its files, and what Rust uses of C there."""

from collections.abc import Mapping
from typing import Protocol

from rules.bindings.index import Bindings
from rules.diff.tree import Files, blob_id


class Tree(Files, Protocol):
    """The kernel that a series applies to."""

    def border(self) -> Bindings | None:
        """Return who in Rust uses what of C in this tree; None if that is not known."""


class NoTree:
    """The tree where none is at hand: it knows nothing."""

    def read(self, path: str) -> bytes | None:  # noqa: ARG002 the protocol's name
        return None

    def blob(self, blob_id: str) -> bytes | None:  # noqa: ARG002 the protocol's name
        return None

    def border(self) -> Bindings | None:
        return None


class BlobTree(NoTree):
    """A tree that knows only single blobs, by their full ids: a cache of verified images."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs

    def blob(self, blob_id: str) -> bytes | None:
        if blob_id in self._blobs:
            return self._blobs[blob_id]
        matches = [full for full in self._blobs if full.startswith(blob_id)] if len(blob_id) >= 7 else []
        return self._blobs[matches[0]] if len(matches) == 1 else None


class FileTree(BlobTree):
    """A tree of the files given: a small kernel in memory, for examples and tests."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__({blob_id(content): content for content in files.values()})
        self._files = files
        self._border: Bindings | None = None

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def border(self) -> Bindings | None:
        if self._border is None:
            self._border = Bindings.of_files(self._files)
        return self._border
