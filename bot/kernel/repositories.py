# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel repositories: find the tree that a series was made for."""

from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pygit2

from bot.kernel.base import Base, Chosen, choose, make_base
from bot.kernel.error import KernelError
from bot.kernel.evidence import first_changes
from bot.kernel.index import Index, OnIndex
from bot.kernel.landing import Landing, LandingRefs
from bot.kernel.specs import RepositorySpecs
from bot.kernel.tree import GitTree, Repository
from rules.bindings.index import Bindings
from rules.bindings.tree import NoTree, Tree
from rules.diff.patch import Series
from rules.finding import Confidence
from rules.lazy import dataclass

_MAX_TREES = 8  # that stay open; one takes about 10 MB


@dataclass(frozen=True, eq=False, slots=True)
class TreeChanges:
    """Two trees, and the paths of the files that differ."""

    before: GitTree
    after: GitTree
    paths: tuple[str, ...]


def refs_digests(specs: RepositorySpecs) -> dict[Path, str]:
    """Return a digest of the branches and tags of each repository. Raises KernelError if one cannot be opened."""
    paths = [spec.path for spec in specs.repositories]
    paths += [spec.path for spec in specs.landing if spec.path is not None]
    return {path: _refs_digest(Repository(path)) for path in paths}


def check_refs(specs: RepositorySpecs, expected: dict[Path, str]) -> None:
    """Raise KernelError if a repository is missing here, or has other refs than on the machine of the caller."""
    for path, digest in refs_digests(specs).items():
        if digest != expected[path]:
            raise KernelError(f"{path}: its branches and tags differ from those on the machine of the command")


def _refs_digest(repository: Repository) -> str:
    return sha256("\n".join(f"{name} {commit.id}" for name, commit in repository.tips).encode()).hexdigest()


class KernelTrees:
    """The trees of series. Raises KernelError for a repository or ref that does not exist.

    `stored` has the images of earlier series; a kernel tree is read first. `explicit`: the refs were named for these
    series, not for all series. New files are indexed within `on_index`.
    """

    def __init__(
        self,
        specs: RepositorySpecs,
        stored: Tree | None = None,
        *,
        explicit: bool = False,
        on_index: OnIndex = nullcontext,
    ) -> None:
        self._repositories = tuple(Repository(spec.path) for spec in specs.repositories)
        self._given = [
            (repository, spec.ref)
            for repository, spec in zip(self._repositories, specs.repositories, strict=True)
            if spec.ref
        ]
        for repository, ref in self._given:
            if repository.commit(ref) is None:
                raise KernelError(f"{repository.path}: commit {ref} does not exist")
        self._landing = LandingRefs(specs.landing, self._repositories)
        self._lands_when_sent = specs.lands_when_sent
        self._index = Index(specs.index, on_index) if self._landing.repositories else None
        self._stored = stored
        self._chosen = Chosen.GIVEN if explicit else Chosen.FIXED
        self._trees: dict[str, GitTree] = {}

    def check_index(self) -> None:
        """Raise KernelError if what was read from the index may be incomplete."""
        if self._index is not None:
            self._index.check()

    def tree(self, series: Series, sent: datetime | None) -> tuple[Tree, Base | None]:
        """Return the tree for a series and its base. Without a kernel only stored images are available."""
        chosen = self._choice(series, sent)
        if chosen is None:
            return self._stored or NoTree(), None
        base, repository, commit = chosen
        tree: Tree = self._tree(repository, commit)
        if base.certainty is Confidence.LOW:
            tree = BlobsOnly(tree)  # users and helpers of another tree would cause wrong findings
        elif base.evidence.missed:
            tree = WithoutPaths(tree, base.evidence.missed)
        return (WithStoredBlobs(tree, self._stored) if self._stored is not None else tree), base

    def landing(self, sent: datetime | None, base: Base | None) -> tuple[tuple[Landing, Tree], ...]:
        """Return the landing trees of a series. The commit that is certainly its base is not among them."""
        is_certain = base is not None and base.certainty is not Confidence.LOW
        return tuple(
            (landing, self._tree(landing.repository, landing.commit))
            for landing in self._landing.choose(sent if self._lands_when_sent else None)
            if not (is_certain and base is not None and base.commit == str(landing.commit.id))
        )

    def landing_tips(self) -> dict[str, Landing | None]:
        """Return the newest commit of each landing ref by its name; None for a ref that no repository has."""
        return self._landing.tips()

    def changes(self, landing: Landing, before: pygit2.Commit, after: pygit2.Commit) -> TreeChanges:
        """Return the trees of two commits of a landing ref, and the files that differ."""
        repository = landing.repository
        paths = repository.changed_paths(before, after)
        return TreeChanges(self._tree(repository, before), self._tree(repository, after), paths)

    def newest(self) -> GitTree | None:
        """Return the tree of the newest ref, or of the given ref."""
        newest = self.newest_with_base()
        return None if newest is None else newest[0]

    def newest_with_base(self) -> tuple[GitTree, Base] | None:
        """Return the tree of `newest` with its commit and ref."""
        chosen = self._choice(Series("", ()), None)
        return None if chosen is None else (self._tree(chosen[1], chosen[2]), chosen[0])

    def _choice(self, series: Series, sent: datetime | None) -> tuple[Base, Repository, pygit2.Commit] | None:
        if not self._given:
            chosen = choose(series, sent, self._repositories)
            if chosen is None and self._repositories:
                paths = ", ".join(str(repository.path) for repository in self._repositories)
                raise KernelError(f"{paths}: no branch or tag has a commit; `patchwarden tree sync` fetches them")
            return chosen
        changes = first_changes(series)
        bases = []
        for repository, ref in self._given:
            commit = repository.commit(ref)
            assert commit is not None
            bases.append(make_base(repository, ref, commit, self._chosen, changes))
        return max(bases, key=lambda base: base[0].evidence.share)  # the first one of equals

    def _tree(self, repository: Repository, commit: pygit2.Commit) -> GitTree:
        key = str(commit.id)
        tree = self._trees.pop(key, None)
        if tree is None:
            while len(self._trees) >= _MAX_TREES:
                self._trees.pop(next(iter(self._trees)))
            assert self._index is not None
            others = tuple(other for other in self._landing.repositories if other is not repository)
            tree = GitTree(repository, commit, self._index, others)
        self._trees[key] = tree  # the tree that was not used for the longest time is the first one
        return tree


class BlobsOnly(NoTree):
    """Only the blobs of a tree, for a series made for another tree: ids identify blobs, paths do not."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def blob(self, blob_id: str) -> bytes | None:
        return self._tree.blob(blob_id)


class WithoutPaths:
    """A tree without the files that differ from those that a series was made for."""

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
    """A tree and stored blobs that it may lack."""

    def __init__(self, tree: Tree, stored: Tree) -> None:
        self._tree = tree
        self._stored = stored

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path)

    def blob(self, blob_id: str) -> bytes | None:
        content = self._tree.blob(blob_id)
        return content if content is not None else self._stored.blob(blob_id)

    def bindings(self) -> Bindings | None:
        return self._tree.bindings()
