# SPDX-License-Identifier: GPL-2.0-or-later
"""The start of a range of a local repository, as a tree with files and blobs, but without bindings."""

from pathlib import Path

import pygit2

from bot.kernel.files import damage_named
from bot.kernel.specs import RepositorySpec, RepositorySpecs
from bot.kernel.tree import Repository
from rules.bindings.index import Bindings
from rules.lazy import replace


class CommitTree:
    """rules.bindings.tree.Tree at a commit of a repository. Blobs of all commits are available."""

    def __init__(self, repository: Repository, commit: pygit2.Commit | None) -> None:
        self._repository = repository
        self._files = None if commit is None else repository.files(commit)

    def read(self, path: str) -> bytes | None:
        return None if self._files is None else self._files.read(path)

    def blob(self, blob_id: str) -> bytes | None:
        return self._repository.blob(blob_id) if len(blob_id) >= 7 else None

    def bindings(self) -> Bindings | None:
        return None


def start_of(folder: Path, commits: str) -> CommitTree:
    """Return the tree at the start of the range `A..B`. The folder may be anywhere in the repository.

    Raises KernelError if there is no repository.
    """
    repository = open_repository(folder)
    return CommitTree(repository, start_commit(repository, commits))


def with_range(specs: RepositorySpecs, folder: Path, commits: str) -> RepositorySpecs:
    """Return the specs with the start of the range `A..B` as the only base. Raises KernelError."""
    repository = open_repository(folder)
    start = start_commit(repository, commits)
    return specs if start is None else replace(specs, repositories=(RepositorySpec(repository.path, str(start.id)),))


def open_repository(folder: Path) -> Repository:
    """Return the repository that has the folder. Raises KernelError if there is none."""
    return Repository(Path(pygit2.discover_repository(str(folder)) or folder))


def start_commit(repository: Repository, commits: str) -> pygit2.Commit | None:
    """Return the commit on which the range begins: the last commit that A and B have in common, else A."""
    first, separator, last = commits.partition("..")
    start, end = repository.commit(first or "HEAD"), repository.commit(last.lstrip(".") or "HEAD")
    if not separator or start is None or end is None:
        return start
    with damage_named(repository.path):
        common = repository.git.merge_base(start.id, end.id)
    return start if common is None else repository.commit(str(common))
