# SPDX-License-Identifier: GPL-2.0-or-later
"""The commit that a series was made for, with its certainty: a wrong base causes wrong findings."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import pygit2

from bot.kernel.evidence import Evidence, announced, first_changes, matching, weigh
from bot.kernel.tree import Repository, short_ref
from rules.diff.patch import FileChange, Series
from rules.finding import Confidence
from rules.lazy import dataclass
from rules.listing import listing

_MAX_TAG_AGE = 150 * 86_400  # seconds, two releases; an older tag is an unlikely base
_MAX_SHOWN = 3
_NOT_USED = "the bindings of the tree are not used"


class Chosen(StrEnum):
    """The reason for choosing a base, from strong to weak."""

    GIVEN = "requested for this check"
    FIXED = "requested for all series"
    ANNOUNCED = "announced by the series"
    BLOBS = "chosen by blob ids"
    NEWEST_BEFORE = "newest release before the mail"
    NEWEST = "newest release available"


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that a series is checked against, the reason for it, and the evidence of the files of the series."""

    repository: str
    ref: str
    commit: str
    chosen: Chosen
    evidence: Evidence

    @property
    def certainty(self) -> Confidence:
        """The certainty of the base.

        It is high if the files match by their ids, or fit a commit that was named for this series. It is low for a
        guess, and if most files do not fit. If only lines fit, and the commit was not named for this series, it is
        medium: the lines may fit another commit too.
        """
        explicit, seen = self.chosen in (Chosen.GIVEN, Chosen.ANNOUNCED), self.evidence
        if not seen.files:
            if explicit:
                return Confidence.HIGH
            return Confidence.MEDIUM if self.chosen is Chosen.NEWEST_BEFORE else Confidence.LOW
        if seen.missed and not (seen.most and (explicit or seen.matched)):
            return Confidence.LOW
        return Confidence.HIGH if not seen.missed and (explicit or seen.matched) else Confidence.MEDIUM

    @property
    def doubt(self) -> str:
        """A line that says why the tree is not used, or not for all files; "" if all files fit."""
        missed, low = self.evidence.missed, self.certainty is Confidence.LOW
        if not missed:
            return f"no evidence that the series is made for {self.ref}: {_NOT_USED}" if low else ""
        shown = listing(missed, _MAX_SHOWN)
        if low:
            count = f"{len(missed)} of {self.evidence.files} files do not fit {self.ref} ({shown})"
            return f"the series is made for another tree, {count}: {_NOT_USED}"
        fits, them = ("does not fit", "it") if len(missed) == 1 else ("do not fit", "them")
        return f"made for {self.ref}, but {shown} {fits}: the tree is not used for {them}"

    @property
    def named(self) -> str:
        """The base as a review prints it: commit, reason and certainty."""
        return f"{self} (certainty {self.certainty})"

    def __str__(self) -> str:
        name = f"{self.ref} ({self.commit[:12]})" if self.ref != self.commit else self.commit[:12]
        return f"{name}, {self.chosen}, {self.evidence}"


def choose(
    series: Series, sent: datetime | None, repositories: Sequence[Repository]
) -> tuple[Base, Repository, pygit2.Commit] | None:
    """Choose the base of a series among the available commits. Return None if there is no commit.

    A commit that has most of the files is preferred to an announced base commit that the files do not fit.
    """
    changes = first_changes(series)
    announced_base = _announced_base(series, repositories, changes)
    if announced_base is not None and announced_base[0].certainty is not Confidence.LOW:
        return announced_base
    tips = [(repository, ref, commit) for repository in repositories for ref, commit in repository.tips]
    wanted = announced(changes)
    seen: set[pygit2.Oid] = set()
    best: tuple[int, Repository, str, pygit2.Commit] | None = None
    for repository, ref, commit in tips if wanted else ():
        if commit.id in seen:
            continue
        seen.add(commit.id)
        count = matching(repository.files(commit), wanted)
        if count and (best is None or count > best[0]):
            best = (count, repository, ref, commit)
    if best is not None and best[0] * 2 > len(wanted):
        return make_base(best[1], best[2], best[3], Chosen.BLOBS, changes)
    if announced_base is not None or not tips:
        return announced_base
    tags = [tip for tip in tips if tip[1].startswith("refs/tags/")] or tips
    until = sent.timestamp() if sent is not None else 0.0
    before = [tip for tip in tags if until - _MAX_TAG_AGE <= tip[2].commit_time <= until]
    reason = Chosen.NEWEST_BEFORE if before else Chosen.NEWEST
    repository, ref, commit = max(before or tags, key=lambda tip: tip[2].commit_time)
    return make_base(repository, ref, commit, reason, changes)


def _announced_base(
    series: Series, repositories: Sequence[Repository], changes: Sequence[FileChange]
) -> tuple[Base, Repository, pygit2.Commit] | None:
    """Return the base that the author announced, if a repository has it."""
    for repository in repositories if series.base_commit else ():
        commit = repository.commit(series.base_commit or "")
        if commit is not None:
            return make_base(repository, str(commit.id), commit, Chosen.ANNOUNCED, changes)
    return None


def make_base(
    repository: Repository, ref: str, commit: pygit2.Commit, chosen: Chosen, changes: Sequence[FileChange]
) -> tuple[Base, Repository, pygit2.Commit]:
    """Return the commit as the base of a series, with the evidence of the first changes of its files."""
    evidence = weigh(repository.files(commit), changes)
    base = Base(str(repository.path), short_ref(ref), str(commit.id), chosen, evidence)
    return base, repository, commit
