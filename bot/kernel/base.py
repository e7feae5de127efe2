# SPDX-License-Identifier: GPL-2.0-or-later
"""Which commit a series was made for, and how sure that is: a wrong base makes wrong findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pygit2

from bot.kernel.tree import Repository
from rules.finding import Confidence
from rules.patch import Series

_RECENT = 150 * 86_400  # seconds: two releases; an older one is no likely base


class Chosen(StrEnum):
    """Why this base: each reason is weaker than the one before it."""

    GIVEN = "given"
    ANNOUNCED = "base-commit"
    BLOBS = "pre-images"
    NEWEST_BEFORE = "newest release before the mail"
    NEWEST = "newest release at hand"


@dataclass(frozen=True, slots=True)
class Base:
    """The commit a series is judged against; `matched` of the `announced` pre-image ids are this commit's files."""

    repository: str
    ref: str
    commit: str
    chosen: Chosen
    matched: int
    announced: int

    @property
    def certainty(self) -> Confidence:
        """High where somebody said so or every announced pre-image is the commit's, low for a mere guess."""
        if self.chosen in (Chosen.GIVEN, Chosen.ANNOUNCED) or (self.announced and self.matched == self.announced):
            return Confidence.HIGH
        return Confidence.LOW if self.chosen is Chosen.NEWEST else Confidence.MEDIUM

    def __str__(self) -> str:
        shown = f"{self.ref} ({self.commit[:12]}), {self.chosen}"
        return f"{shown}, {self.matched} of {self.announced} pre-images found" if self.announced else shown


def announced(series: Series) -> tuple[tuple[str, str], ...]:
    """Path and announced blob id of every file as it was before the whole series."""
    first: dict[str, str] = {}
    made: set[str] = set()
    for patch in series.patches:
        for change in patch.changes:
            if change.before is not None and change.before not in made and change.blob_before is not None:
                first.setdefault(change.before, change.blob_before)
            if change.after is not None:
                made.add(change.after)
            if change.before is not None:
                made.add(change.before)
    return tuple(first.items())


def choose(
    series: Series, sent: datetime | None, repositories: Sequence[Repository]
) -> tuple[Base, Repository, pygit2.Commit] | None:
    """The base of a series among the commits at hand; None where there is no commit at all."""
    wanted = announced(series)
    if series.base_commit:
        for repository in repositories:
            commit = repository.commit(series.base_commit)
            if commit is not None:
                return _made(repository, series.base_commit, commit, Chosen.ANNOUNCED, wanted)
    tips = [(repository, ref, commit) for repository in repositories for ref, commit in repository.tips]
    if not tips:
        return None
    seen: set[pygit2.Oid] = set()
    best: tuple[int, Repository, str, pygit2.Commit] | None = None
    for repository, ref, commit in tips if wanted else ():
        if commit.id in seen:
            continue
        seen.add(commit.id)
        count = matching(commit, wanted)
        if count and (best is None or count > best[0]):
            best = (count, repository, ref, commit)
    if best is not None and best[0] * 2 > len(wanted):
        return _made(best[1], best[2], best[3], Chosen.BLOBS, wanted)
    tags = [tip for tip in tips if tip[1].startswith("refs/tags/")] or tips
    until = sent.timestamp() if sent is not None else 0.0
    before = [tip for tip in tags if until - _RECENT <= tip[2].commit_time <= until]
    reason = Chosen.NEWEST_BEFORE if before else Chosen.NEWEST
    repository, ref, commit = max(before or tags, key=lambda tip: tip[2].commit_time)
    return _made(repository, ref, commit, reason, wanted)


def matching(commit: pygit2.Commit, wanted: Sequence[tuple[str, str]]) -> int:
    """How many of the files have exactly the announced bytes at that commit."""
    return sum(blob is not None and blob.startswith(short) for blob, short in _ids(commit, wanted))


def _ids(commit: pygit2.Commit, wanted: Sequence[tuple[str, str]]) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    for path, short in wanted:
        try:
            found.append((str(commit.tree[path].id), short))
        except KeyError:
            found.append((None, short))
    return found


def _made(
    repository: Repository, ref: str, commit: pygit2.Commit, chosen: Chosen, wanted: Sequence[tuple[str, str]]
) -> tuple[Base, Repository, pygit2.Commit]:
    name = ref.removeprefix("refs/tags/").removeprefix("refs/heads/").removeprefix("refs/remotes/")
    matched = matching(commit, wanted)
    return Base(str(repository.path), name, str(commit.id), chosen, matched, len(wanted)), repository, commit
