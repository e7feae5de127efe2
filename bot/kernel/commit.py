# SPDX-License-Identifier: GPL-2.0-or-later
"""The start of a range of a local repository, as a tree with files and blobs, but without bindings."""

from pathlib import Path

import pygit2

from bot.kernel.tree import Repository
from rules.bindings.index import Bindings


class CommitTree:
    """rules.bindings.tree.Tree at a commit of a repository. Blobs of all commits are available."""

    def __init__(self, repository: Repository, commit: pygit2.Commit | None) -> None:
        self._repository = repository
        self._commit = commit

    def read(self, path: str) -> bytes | None:
        try:
            entry = self._commit.tree[path] if self._commit is not None else None
        except KeyError:
            return None
        return entry.data if isinstance(entry, pygit2.Blob) else None

    def blob(self, blob_id: str) -> bytes | None:
        return self._repository.blob(blob_id) if len(blob_id) >= 7 else None

    def bindings(self) -> Bindings | None:
        return None


def start_of(folder: Path, commits: str) -> CommitTree:
    """Return the tree of commit A of the range `A..B`. The folder may be anywhere in the repository.

    Raises KernelError if there is no repository.
    """
    repository = Repository(Path(pygit2.discover_repository(str(folder)) or folder))
    name = commits.partition("..")[0] or "HEAD"
    return CommitTree(repository, repository.commit(name))
