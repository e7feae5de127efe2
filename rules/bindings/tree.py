# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel tree that a series applies to: its files and its bindings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from rules.diff.tree import MIN_BLOB_ID_DIGITS, Files, blob_id
from rules.lazy import dataclass

if TYPE_CHECKING:
    from rules.bindings.index import Bindings


class TreeError(Exception):
    """A kernel tree cannot be read, because its repository is damaged. The message names the repository."""


class Tree(Files, Protocol):
    """The kernel tree that a series applies to."""

    def bindings(self) -> "Bindings | None":
        """Return what Rust uses of C in this tree; None if unknown."""


@dataclass(frozen=True, eq=False, slots=True)
class LandingTree:
    """A tree in which a series will be applied. Findings call it by its name."""

    name: str
    tree: Tree


class NoTree:
    """A tree without any files."""

    def read(self, path: str) -> bytes | None:  # noqa: ARG002 the protocol's name
        return None

    def blob(self, blob_id: str) -> bytes | None:  # noqa: ARG002 the protocol's name
        return None

    def bindings(self) -> "Bindings | None":
        return None


class FileTree(NoTree):
    """A small tree in memory, for the examples of rules and for tests."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._blobs = {blob_id(content): content for content in files.values()}
        self._bindings: Bindings | None = None

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def blob(self, blob_id: str) -> bytes | None:
        full_ids = (
            [full for full in self._blobs if full.startswith(blob_id)] if len(blob_id) >= MIN_BLOB_ID_DIGITS else []
        )
        return self._blobs[full_ids[0]] if len(full_ids) == 1 else None

    def bindings(self) -> "Bindings | None":
        if self._bindings is None:
            from rules.bindings.index import Bindings

            self._bindings = Bindings.of_files(self._files)
        return self._bindings
