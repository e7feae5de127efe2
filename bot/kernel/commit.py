# SPDX-License-Identifier: GPL-2.0-or-later
"""The commit that a range of a local repository starts from, as a tree without an index: files and blobs, no border."""

from pathlib import Path

import pygit2

from bot.kernel.tree import Repository
from rules.bindings.index import Bindings


class CommitTree:
    """rules.bindings.tree.Tree at one commit of a repository; blobs are those of all its commits."""

    def __init__(self, repository: Repository, commit: pygit2.Commit | None) -> None:
        self._repository = repository
        self._commit = commit

    def read(self, path: str) -> bytes | None:
        try:
            found = self._commit.tree[path] if self._commit is not None else None
        except KeyError:
            return None
        return found.data if isinstance(found, pygit2.Blob) else None

    def blob(self, blob_id: str) -> bytes | None:
        return self._repository.blob(blob_id) if len(blob_id) >= 7 else None

    def bindings(self) -> Bindings | None:
        return None


def start_of(folder: Path, commits: str) -> CommitTree:
    """The tree that the range `A..B` starts from: the commit A; folder is anywhere in the repository.

    Raises KernelError where there is no repository.
    """
    repository = Repository(Path(pygit2.discover_repository(str(folder)) or folder))
    name = commits.partition("..")[0] or "HEAD"
    return CommitTree(repository, repository.commit(name))
