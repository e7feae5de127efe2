# SPDX-License-Identifier: GPL-2.0-or-later
"""The landing trees: the branches into which a series will be applied, each at the commit that a check uses."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final

import pygit2

from bot.kernel.error import KernelError
from bot.kernel.files import damage_named
from bot.kernel.specs import LandingSpec
from bot.kernel.tree import Repository, short_ref
from rules.lazy import dataclass

_ALIASES: Final = {
    "mainline": ("refs/heads/master", "refs/heads/main", "refs/remotes/origin/master", "refs/remotes/origin/main"),
    "next": ("refs/heads/linux-next", "refs/remotes/linux-next/master"),
}
_Tips = tuple[tuple[str, pygit2.Commit], ...]
_MAX_HISTORY: Final = 20_000  # commits of a branch that are searched for the one nearest before a mail


class Choice(StrEnum):
    """The reason for the commit of a landing tree."""

    GIVEN = "given"
    NEWEST = "newest"
    BEFORE = "last commit before the mail"
    AFTER = "first commit after the mail, because no earlier one is available"


@dataclass(frozen=True, slots=True)
class Landing:
    """The commit of a landing tree, and the reason for it."""

    ref: str
    repository: Repository
    commit: pygit2.Commit
    choice: Choice

    @property
    def named(self) -> str:
        """The tree as a review prints it: ref, commit and reason."""
        return f"{self.ref} ({str(self.commit.id)[:12]}), {self.choice}"


class LandingRefs:
    """The landing refs of repositories. Raises KernelError if a repository lacks a ref that was named for it."""

    def __init__(self, specs: Iterable[LandingSpec], repositories: Iterable[Repository]) -> None:
        shared = tuple(repositories)
        named = tuple(spec for spec in specs if spec.path is not None)
        own = {spec.path: Repository(spec.path) for spec in named if spec.path is not None}
        self.repositories = (*shared, *own.values())
        self._places = [(spec, shared if spec.path is None else (own[spec.path],)) for spec in specs]
        self._histories: dict[pygit2.Oid, tuple[tuple[int, ...], tuple[pygit2.Oid, ...]]] = {}
        self._refs: dict[Repository, _Refs] = {}
        current = self._current_refs()
        for spec in named:
            assert spec.path is not None
            if not current[own[spec.path]].commits(spec.ref):
                raise KernelError(f"{spec.path}: {spec.ref or 'a branch or tag'} does not exist")

    def choose(self, sent: datetime | None) -> tuple[Landing, ...]:
        """Return the commit of each landing ref: the newest, or the nearest to the mail if `sent` is given.

        Each commit is returned once, for the first ref that has it.
        """
        chosen: dict[pygit2.Oid, Landing] = {}
        for _, landing in self._choose(sent):
            if landing is not None:
                chosen.setdefault(landing.commit.id, landing)
        return tuple(chosen.values())

    def tips(self) -> dict[str, Landing | None]:
        """Return the newest commit of each landing ref by its name; None for a ref that no repository has."""
        return {spec.name: landing for spec, landing in self._choose(None)}

    def _choose(self, sent: datetime | None) -> Iterator[tuple[LandingSpec, Landing | None]]:
        current = self._current_refs()
        for spec, repositories in self._places:
            tips = [(repository, *tip) for repository in repositories for tip in current[repository].commits(spec.ref)]
            yield spec, self._nearest(tips, sent) if tips else None

    def _current_refs(self) -> "dict[Repository, _Refs]":
        """Return the refs of each repository with a place. After a fetch they are read again."""
        for repository in {repository for _, repositories in self._places for repository in repositories}:
            tips = repository.tips
            if repository not in self._refs or self._refs[repository].tips is not tips:
                self._refs[repository] = _Refs(repository, tips)
        return self._refs

    def _nearest(self, tips: list[tuple[Repository, str, pygit2.Commit]], sent: datetime | None) -> Landing:
        if len(tips) == 1 and _is_fixed(tips[0][1]):
            repository, ref, commit = tips[0]
            return Landing(short_ref(ref), repository, commit, Choice.GIVEN)
        if sent is None:
            repository, ref, commit = max(tips, key=lambda tip: tip[2].commit_time)
            return Landing(short_ref(ref), repository, commit, Choice.NEWEST)
        until = int(sent.timestamp())
        commits = [
            (repository, ref, commit)
            for repository, ref, tip in tips
            for commit in self._at(repository, ref, tip, until)
        ]
        before = [entry for entry in commits if entry[2].commit_time <= until]
        choose = max if before else min
        repository, ref, commit = choose(before or commits, key=lambda entry: entry[2].commit_time)
        return Landing(short_ref(ref), repository, commit, Choice.BEFORE if before else Choice.AFTER)

    def _at(self, repository: Repository, ref: str, tip: pygit2.Commit, until: int) -> Iterator[pygit2.Commit]:
        """Yield the commits of a ref that are nearest before and after a time; a tag has one commit."""
        if _is_fixed(ref):
            yield tip
            return
        if tip.id not in self._histories:
            with damage_named(repository.path):
                self._histories[tip.id] = _history(tip)
        times, commits = self._histories[tip.id]
        at = bisect_right(times, until)
        for index in {max(at - 1, 0), min(at, len(commits) - 1)}:
            commit = repository.commit(str(commits[index]))
            if commit is not None:
                yield commit


def _history(tip: pygit2.Commit) -> tuple[tuple[int, ...], tuple[pygit2.Oid, ...]]:
    """Return the commits that a branch had, by their first parents: rising times and ids."""
    entries: list[tuple[int, pygit2.Oid]] = []
    commit: pygit2.Commit | None = tip
    while commit is not None and len(entries) < _MAX_HISTORY:
        entries.append((min(commit.commit_time, entries[-1][0] if entries else commit.commit_time), commit.id))
        commit = commit.parents[0] if commit.parent_ids else None
    entries.reverse()
    return tuple(time for time, _ in entries), tuple(commit_id for _, commit_id in entries)


class _Refs:
    """The branches and tags of a repository at one time, found by the names of landing refs."""

    def __init__(self, repository: Repository, tips: _Tips) -> None:
        self.tips = tips
        self._repository = repository
        self._by_ref = {ref: index for index, (ref, _) in enumerate(tips)}
        self._sorted = sorted(self._by_ref)
        self._by_branch: dict[str, list[int]] = {}
        for index, (ref, _) in enumerate(tips):
            if ref.startswith("refs/remotes/"):
                self._by_branch.setdefault(ref.split("/", 3)[-1], []).append(index)

    def commits(self, name: str) -> _Tips:
        """Return the refs that a name means, and tags `NAME-...`, each with its commit, newest first.

        A name that is not a ref may be an id. The empty name means all branches and tags.
        """
        if not name:
            return self.tips
        wanted = [name, *(f"refs/{kind}/{name}" for kind in ("heads", "tags", "remotes")), *_ALIASES.get(name, ())]
        wanted.append(f"refs/remotes/{name}/master")
        first, end = (bisect_left(self._sorted, f"refs/tags/{name}{char}") for char in "-.")  # "." comes after "-"
        indexes = {self._by_ref[ref] for ref in (*wanted, *self._sorted[first:end]) if ref in self._by_ref}
        indexes.update(self._by_branch.get(name, ()))
        named = None if indexes or name in _ALIASES else self._repository.commit(name)
        return tuple(self.tips[index] for index in sorted(indexes)) if named is None else ((name, named),)


def _is_fixed(ref: str) -> bool:
    return not ref.startswith(("refs/heads/", "refs/remotes/"))
