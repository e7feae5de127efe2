# SPDX-License-Identifier: GPL-2.0-or-later
"""A commit of a bare kernel repository, as rules see it: files, blobs and bindings, without a work tree."""

import os
from functools import cached_property
from pathlib import Path

import pygit2

from bot.git_repository import open_repository, table_lists
from bot.kernel.error import KernelError
from bot.kernel.facts import GitFacts
from bot.kernel.files import CommitFiles, damage_named
from bot.kernel.index import Index
from bot.kernel.objects import Objects
from bot.kernel.out_of_memory import check_memory
from rules.bindings.index import Bindings
from rules.lazy import re

# Several rules read the same files, and libgit2 does not cache blobs by default. Each process has its own cache.
pygit2.settings.cache_object_limit(pygit2.enums.ObjectType.BLOB, 256 * 1024)
pygit2.settings.cache_max_size(2 * 1024 * 1024)


class Repository:
    """A bare kernel repository. Raises KernelError, which names the path, if it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.git = open_repository(path)
        except pygit2.GitError as error:
            raise KernelError(f"{path}: {error}") from error
        self._tips: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, pygit2.Commit], ...]] = ((), ())

    def commit(self, name: str) -> pygit2.Commit | None:
        """Return the commit with that id or ref, or None. Raises KernelError if it is damaged."""
        try:
            return self.git.revparse_single(name).peel(pygit2.Commit)
        except (KeyError, ValueError):
            check_memory()
            return None
        except (pygit2.GitError, OSError) as error:
            raise self._damaged(name, error) from error

    def files(self, commit: pygit2.Commit) -> CommitFiles:
        """Return the files of a commit. Raises KernelError if it is damaged."""
        with damage_named(self.path):
            return CommitFiles(self.git, commit.tree)

    def blob(self, blob_id: str) -> bytes | None:
        """Return the bytes of the only blob whose id has that prefix, or None. Raises KernelError."""
        try:
            entry = self.git[blob_id] if self._objects.may_have(blob_id) else None
        except (KeyError, ValueError):
            entry = None
        except (pygit2.GitError, OSError) as error:
            raise self._damaged(blob_id, error) from error
        if entry is None:
            check_memory()
        return entry.data if isinstance(entry, pygit2.Blob) else None

    def changed_paths(self, before: pygit2.Commit, after: pygit2.Commit) -> tuple[str, ...]:
        """Return the files that differ between two commits, under their names at both. Raises KernelError."""
        with damage_named(self.path):
            deltas = before.tree.diff_to_tree(after.tree).deltas
        return tuple(dict.fromkeys(path for delta in deltas for path in (delta.old_file.path, delta.new_file.path)))

    def _damaged(self, name: str, error: Exception) -> KernelError:
        reason = str(error).removeprefix(f"{name}: ").removesuffix(": ")
        return KernelError(f"{self.path}: {name}: {reason}")

    @cached_property
    def _objects(self) -> Objects:
        return Objects(Path(self.git.path) / "objects")

    @property
    def tips(self) -> tuple[tuple[str, pygit2.Commit], ...]:
        """All branches and tags with their commits, newest first. They are read again after a fetch."""
        stamp = self._stamp()
        if stamp != self._tips[0]:
            with damage_named(self.path):
                names = list(self.git.references)
            tips = [(name, commit) for name in names if (commit := self.commit(name)) is not None]
            tips.sort(key=lambda tip: (-tip[1].commit_time, _weight(tip[0]), tip[0]))
            self._tips = (stamp, tuple(tips))
        return self._tips[1]

    def _stamp(self) -> tuple[tuple[str, int], ...]:
        """Return a value that changes with each written ref: git first creates a file in the folder of the ref."""
        top = Path(self.git.path)
        places = [top / "packed-refs", *table_lists(top), *(Path(folder) for folder, _, _ in os.walk(top / "refs"))]
        return tuple((str(place), place.stat().st_mtime_ns) for place in places if place.exists())


class GitTree:
    """rules.bindings.tree.Tree at a commit. Blobs are searched in all given repositories."""

    def __init__(
        self, repository: Repository, commit: pygit2.Commit, index: Index, others: tuple[Repository, ...] = ()
    ) -> None:
        self._repositories = (repository, *others)
        self._facts = GitFacts(repository.files(commit), index)

    def read(self, path: str) -> bytes | None:
        return self._facts.read(path)

    def blob(self, blob_id: str) -> bytes | None:
        if len(blob_id) < 7:
            return None
        for repository in self._repositories:
            content = repository.blob(blob_id)
            if content is not None:
                return content
        return None

    def bindings(self) -> Bindings:
        return self._bindings

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of the file at this commit."""
        return self._facts.blob_id(path)

    @cached_property
    def _bindings(self) -> Bindings:
        return Bindings(self._facts)


def short_ref(ref: str) -> str:
    """Return a ref without `refs/` and its kind, as a review prints it."""
    return re.sub(r"\Arefs/(?:tags|heads|remotes)/", "", ref)


def _weight(ref: str) -> int:
    """Return the order of refs whose commits have the same time: tags first."""
    return 0 if ref.startswith("refs/tags/") else 1
