# SPDX-License-Identifier: GPL-2.0-or-later
"""Read how the landing refs moved, and which pending patches their new commits apply.

A worker process does this, because messages and diffs of commits come from strangers. The input and the result are
values.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeVar

from bot.kernel.error import KernelError
from bot.kernel.history import commit_patch_id, landed_commits, removed_commits
from bot.kernel.landing import Landing
from bot.kernel.repositories import KernelTrees
from bot.kernel.specs import RepositorySpecs
from bot.kernel.tree import Repository
from bot.mail.landed import AppliedPatch, AppliedSearch, LandedCommit, PendingPatch
from bot.pipeline.analyse import with_kernels
from bot.pool.guard import Crashed, Executor
from bot.ports.landing import LandingMove
from rules.bindings.tree_changes import Key, affected_keys
from rules.lazy import dataclass

T = TypeVar("T")
R = TypeVar("R")

MAX_COMMITS: Final = 40_000
"""Commits of one landing ref that are read at once, the newest. linux-next gets about 15,000 in two months."""


@dataclass(frozen=True, slots=True)
class LandingInput:
    """The commits of the landing refs by their names, and the patches that may be applied.

    `known` are the commits up to which the refs were read, `tips` those up to which they are read now.
    `patches` are compared with all new commits. `late` are patches that were not compared with earlier commits either:
    those since `late_since`, in seconds since 1970. For a ref without an earlier commit all patches are compared with
    the commits since `since`.
    """

    known: Mapping[str, str]
    tips: Mapping[str, str]
    patches: tuple[PendingPatch, ...]
    late: tuple[PendingPatch, ...]
    since: int
    late_since: int


class LandingReader:
    """A reader of the landing refs of some repositories, in an executor. Raises KernelError and StoppedError."""

    def __init__(self, repositories: RepositorySpecs, executor: Executor) -> None:
        self._repositories = repositories
        self._executor = executor

    def tips(self) -> Mapping[str, str]:
        """Return the newest commit of each landing ref that a repository has, by the name of the ref."""
        return self._run(_read_tips, self._repositories)

    def moves(self, landing_input: LandingInput) -> tuple[LandingMove, ...]:
        """Return what happened to each landing ref since the known commits, also if it did not move."""
        return self._run(_read_moves, (self._repositories, landing_input))

    def _run(self, work: Callable[[T], R], item: T) -> R:
        (result,) = self._executor.map(work, [item])
        if isinstance(result, Crashed):
            raise KernelError(f"landing refs: {result.reason}")
        return result


def _read_tips(repositories: RepositorySpecs) -> dict[str, str]:
    tips = with_kernels(repositories, KernelTrees.landing_tips)
    return {name: str(landing.commit.id) for name, landing in tips.items() if landing is not None}


def _read_moves(work: tuple[RepositorySpecs, LandingInput]) -> tuple[LandingMove, ...]:
    repositories, landing_input = work

    def read(kernels: KernelTrees) -> tuple[LandingMove, ...]:
        tips = kernels.landing_tips()
        moves = (_move(kernels, name, landing, landing_input) for name, landing in tips.items() if landing is not None)
        return tuple(move for move in moves if move is not None)

    return with_kernels(repositories, read)


def _move(kernels: KernelTrees, name: str, landing: Landing, landing_input: LandingInput) -> LandingMove | None:
    repository, known = landing.repository, landing_input.known.get(name, "")
    tip = repository.commit(landing_input.tips[name]) if name in landing_input.tips else None
    if tip is None:  # it was fetched, or removed, a moment ago
        return None
    before = repository.commit(known) if known else None
    new = _Reader(repository, AppliedSearch(landing_input.patches))
    new.read(landed_commits(repository, tip, before, landing_input.since if before is None else 0))
    late = _Reader(repository, AppliedSearch(landing_input.late))
    if landing_input.late and before is not None:
        late.read(landed_commits(repository, tip, None, landing_input.late_since))
    removed = frozenset() if new.is_truncated else removed_commits(repository, tip, before, MAX_COMMITS)
    applied = {patch.message_id: patch for patch in (*late.applied, *new.applied)}
    reverted = new.search.reverted | late.search.reverted
    affected: frozenset[Key] = frozenset()
    if before is not None and before.id != tip.id:
        changes = kernels.changes(landing, before, tip)
        affected = affected_keys(changes.before.bindings(), changes.after.bindings(), changes.paths)
    return LandingMove(
        name=name,
        ref=landing.ref,
        before=known,
        commit=str(tip.id),
        applied=tuple(applied.values()),
        removed=removed | reverted,
        affected=affected,
        commits=new.commits,
        is_truncated=new.is_truncated,
    )


class _Reader:
    """A reader of commits, from the newest to the oldest, which collects the patches that they apply."""

    def __init__(self, repository: Repository, search: AppliedSearch) -> None:
        self._repository = repository
        self.search = search
        self.applied: list[AppliedPatch] = []
        self.commits = 0
        self.is_truncated = False

    def read(self, commits: Iterable[LandedCommit | None]) -> None:
        """Read at most MAX_COMMITS commits."""
        for commit in commits:
            if self.commits == MAX_COMMITS:
                self.is_truncated = True
                return
            self.commits += 1
            if commit is not None:
                self.applied += self.search.search(commit, partial(commit_patch_id, self._repository, commit.commit))
