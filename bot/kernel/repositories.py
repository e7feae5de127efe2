# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernels at hand: for each series the tree it was made for, as far as that can be told."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pygit2

from bot.kernel.base import Base, Chosen, based, choose
from bot.kernel.error import KernelError
from bot.kernel.evidence import firsts
from bot.kernel.index import Index, Patience
from bot.kernel.tree import GitTree, Repository
from rules.bindings.index import Bindings
from rules.bindings.tree import NoTree, Tree
from rules.diff.patch import Series
from rules.finding import Confidence

_KEPT = 8


@dataclass(frozen=True, slots=True)
class RepositorySpec:
    """A bare repository, and the ref to judge by; no ref: the one that fits the series best."""

    path: Path
    ref: str = ""


@dataclass(frozen=True, slots=True)
class RepositorySpecs:
    """Which repositories there are and where their index is kept: what a worker process needs to open them."""

    repositories: tuple[RepositorySpec, ...] = ()
    index: Path | None = None


class KernelTrees:
    """Trees by series. Raises KernelError for a repository or ref that does not exist.

    `stored` knows images of earlier series; a tree is asked first. `word`: who named the ref of a place spoke of the
    very series that are asked for, and not of all that come. Files new to the index are read `patiently`.
    """

    def __init__(
        self,
        places: RepositorySpecs,
        stored: Tree | None = None,
        *,
        word: bool = False,
        patiently: Patience = nullcontext,
    ) -> None:
        self._repositories = tuple(Repository(place.path) for place in places.repositories)
        self._given = [
            (repository, place.ref)
            for repository, place in zip(self._repositories, places.repositories, strict=True)
            if place.ref
        ]
        for repository, ref in self._given:
            if repository.commit(ref) is None:
                raise KernelError(f"{repository.path}: no commit {ref}")
        self._index = Index(places.index, patiently) if self._repositories else None
        self._stored = stored
        self._chosen = Chosen.GIVEN if word else Chosen.FIXED
        self._trees: dict[str, GitTree] = {}

    def tree(self, series: Series, sent: datetime | None) -> tuple[Tree, Base | None]:
        """The tree for a series, and which it is; what is stored alone where no kernel is at hand."""
        chosen = self._choice(series, sent)
        if chosen is None:
            return self._stored or NoTree(), None
        base, repository, commit = chosen
        tree: Tree = self._tree(repository, commit)
        if base.certainty is Confidence.LOW:
            tree = BlobsOnly(tree)  # another tree's users and helpers would be blamed
        elif base.evidence.missed:
            tree = WithoutPaths(tree, base.evidence.missed)
        return (WithStoredBlobs(tree, self._stored) if self._stored is not None else tree), base

    def newest(self) -> GitTree | None:
        """The tree of the newest ref, or of the one that was given."""
        chosen = self._choice(Series("", ()), None)
        return None if chosen is None else self._tree(chosen[1], chosen[2])

    def _choice(self, series: Series, sent: datetime | None) -> tuple[Base, Repository, pygit2.Commit] | None:
        if not self._given:
            return choose(series, sent, self._repositories)
        changes = firsts(series)
        found = []
        for repository, ref in self._given:
            commit = repository.commit(ref)
            assert commit is not None
            found.append(based(repository, ref, commit, self._chosen, changes))
        return max(found, key=lambda one: one[0].evidence.share)  # of equals the first

    def _tree(self, repository: Repository, commit: pygit2.Commit) -> GitTree:
        key = str(commit.id)
        if key not in self._trees:
            while len(self._trees) >= _KEPT:
                self._trees.pop(next(iter(self._trees)))
            assert self._index is not None
            others = tuple(one for one in self._repositories if one is not repository)
            self._trees[key] = GitTree(repository, commit, self._index, others)
        return self._trees[key]


class BlobsOnly(NoTree):
    """The blobs of a tree that is not the one a series was made for: an id is proof, a path is none."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def blob(self, blob_id: str) -> bytes | None:
        return self._tree.blob(blob_id)


class WithoutPaths:
    """A tree of which some files are others than those a series was made for."""

    def __init__(self, tree: Tree, paths: Iterable[str]) -> None:
        self._tree = tree
        self._paths = frozenset(paths)

    def read(self, path: str) -> bytes | None:
        return None if path in self._paths else self._tree.read(path)

    def blob(self, blob_id: str) -> bytes | None:
        return self._tree.blob(blob_id)

    def bindings(self) -> Bindings | None:
        return self._tree.bindings()


class WithStoredBlobs:
    """A tree, and blobs that it may lack."""

    def __init__(self, tree: Tree, stored: Tree) -> None:
        self._tree = tree
        self._stored = stored

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path)

    def blob(self, blob_id: str) -> bytes | None:
        found = self._tree.blob(blob_id)
        return found if found is not None else self._stored.blob(blob_id)

    def bindings(self) -> Bindings | None:
        return self._tree.bindings()
