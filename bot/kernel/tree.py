# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel at one commit of a bare repository, as rules see it: files, blobs, the border. No work tree, no process."""

import os
from functools import cached_property
from pathlib import Path

import pygit2

from bot.kernel.error import KernelError
from bot.kernel.facts import GitFacts
from bot.kernel.index import Index
from bot.kernel.objects import Objects
from bot.kernel.out_of_memory import believable
from rules.bindings.index import Bindings

# Several questions about a series read the same files; by itself libgit2 keeps none.
pygit2.settings.cache_object_limit(pygit2.enums.ObjectType.BLOB, 256 * 1024)
pygit2.settings.cache_max_size(32 * 1024 * 1024)


class Repository:
    """A bare kernel repository. Raises KernelError, naming the path, where there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.git = pygit2.Repository(str(path))
        except pygit2.GitError as error:
            raise KernelError(f"{path}: {error}") from error
        self._tips: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, pygit2.Commit], ...]] = ((), ())

    def commit(self, name: str) -> pygit2.Commit | None:
        """The commit with that id or ref; None where the repository has none. Raises KernelError for a damaged one."""
        try:
            return self.git.revparse_single(name).peel(pygit2.Commit)
        except (KeyError, ValueError):
            believable()
            return None
        except pygit2.GitError as error:
            raise KernelError(f"{self.path}: {name}: {error}") from error

    def blob(self, blob_id: str) -> bytes | None:
        """The bytes of the blob whose id begins so; None where there is none, or more than one. Raises KernelError."""
        try:
            found = self.git[blob_id] if self._objects.may_have(blob_id) else None
        except (KeyError, ValueError):
            found = None
        except pygit2.GitError as error:
            raise KernelError(f"{self.path}: {blob_id}: {error}") from error
        if found is None:
            believable()
        return found.data if isinstance(found, pygit2.Blob) else None

    @cached_property
    def _objects(self) -> Objects:
        return Objects(Path(self.git.path) / "objects")

    @property
    def tips(self) -> tuple[tuple[str, pygit2.Commit], ...]:
        """Every branch and tag with its commit, the newest first; as of now, for fetches come at any time."""
        stamp = self._stamp()
        if stamp != self._tips[0]:
            found = [(name, commit) for name in self.git.references if (commit := self.commit(name)) is not None]
            found.sort(key=lambda tip: (-tip[1].commit_time, _weight(tip[0]), tip[0]))
            self._tips = (stamp, tuple(found))
        return self._tips[1]

    def _stamp(self) -> tuple[tuple[str, int], ...]:
        """Differs once a ref was written: git makes a file of another name first, in the folder of the ref."""
        top = Path(self.git.path)
        places = [top / "packed-refs", *(Path(folder) for folder, _, _ in os.walk(top / "refs"))]
        return tuple((str(place), place.stat().st_mtime_ns) for place in places if place.exists())


class GitTree:
    """rules.bindings.tree.Tree at one commit. Blobs are looked for in all the repositories given."""

    def __init__(
        self, repository: Repository, commit: pygit2.Commit, index: Index, others: tuple[Repository, ...] = ()
    ) -> None:
        self._repositories = (repository, *others)
        self._facts = GitFacts(repository.git, commit.tree, index)

    def read(self, path: str) -> bytes | None:
        return self._facts.read(path)

    def blob(self, blob_id: str) -> bytes | None:
        if len(blob_id) < 7:
            return None
        for repository in self._repositories:
            found = repository.blob(blob_id)
            if found is not None:
                return found
        return None

    def bindings(self) -> Bindings | None:
        return self._bindings

    def blob_id(self, path: str) -> str | None:
        """The id of the file's bytes at this commit."""
        return self._facts.blob_id(path)

    @cached_property
    def _bindings(self) -> Bindings:
        return Bindings(self._facts)


def _weight(ref: str) -> int:
    """Where two refs name commits of one second: tags say more than branches."""
    return 0 if ref.startswith("refs/tags/") else 1
