# SPDX-License-Identifier: GPL-2.0-or-later
"""Which commit a series was made for, and how sure that is: a wrong base makes wrong findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pygit2

from bot.kernel.evidence import Evidence, announced, firsts, matching, weigh
from bot.kernel.tree import Repository
from rules.diff.patch import FileChange, Series
from rules.finding import Confidence

_RECENT = 150 * 86_400  # seconds: two releases; an older one is no likely base
_SHOWN = 3
_UNSAID = "what the tree says of C and Rust is left out"


class Chosen(StrEnum):
    """Why this base: each reason is weaker than the one before it."""

    GIVEN = "given"
    FIXED = "the one for all series"
    ANNOUNCED = "base-commit"
    BLOBS = "pre-images"
    NEWEST_BEFORE = "newest release before the mail"
    NEWEST = "newest release at hand"


@dataclass(frozen=True, slots=True)
class Base:
    """The commit a series is judged against, why it was chosen, and what the series' own files say of the choice."""

    repository: str
    ref: str
    commit: str
    chosen: Chosen
    evidence: Evidence

    @property
    def certainty(self) -> Confidence:
        """High where the files agree with whoever named the commit, or are the commit's; low for a mere guess, and
        where the files say otherwise.

        A word is one about this very series. Without it, that lines fit is likely of a series for another time, too.
        """
        word, seen = self.chosen in (Chosen.GIVEN, Chosen.ANNOUNCED), self.evidence
        if not seen.files:
            if word:
                return Confidence.HIGH
            return Confidence.MEDIUM if self.chosen is Chosen.NEWEST_BEFORE else Confidence.LOW
        if seen.missed and not (seen.most and (word or seen.matched)):
            return Confidence.LOW
        return Confidence.HIGH if not seen.missed and (word or seen.matched) else Confidence.MEDIUM

    @property
    def doubt(self) -> str:
        """Why the tree is not asked, or not about everything, in one line; nothing where nothing is against it."""
        missed, low = self.evidence.missed, self.certainty is Confidence.LOW
        if not missed:
            return f"nothing shows that this is made for {self.ref}: {_UNSAID}" if low else ""
        shown = ", ".join(missed[:_SHOWN]) + (f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else "")
        if low:
            of = f"{len(missed)} of {self.evidence.files} files do not fit {self.ref} ({shown})"
            return f"this is made for another tree, {of}: {_UNSAID}"
        return f"made for {self.ref} but for {shown}: what that tree says of it does not count"

    @property
    def named(self) -> str:
        """The base as it stands in a review: which commit, why that one, and how certain that is."""
        return f"{self} (certainty {self.certainty})"

    def __str__(self) -> str:
        return f"{self.ref} ({self.commit[:12]}), {self.chosen}, {self.evidence}"


def choose(
    series: Series, sent: datetime | None, repositories: Sequence[Repository]
) -> tuple[Base, Repository, pygit2.Commit] | None:
    """The base of a series among the commits at hand; None where there is no commit at all.

    A base commit that the files plainly do not fit stands behind one that has most of them.
    """
    changes = firsts(series)
    said = _said(series, repositories, changes)
    if said is not None and said[0].certainty is not Confidence.LOW:
        return said
    tips = [(repository, ref, commit) for repository in repositories for ref, commit in repository.tips]
    wanted = announced(changes)
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
        return based(best[1], best[2], best[3], Chosen.BLOBS, changes)
    if said is not None or not tips:
        return said
    tags = [tip for tip in tips if tip[1].startswith("refs/tags/")] or tips
    until = sent.timestamp() if sent is not None else 0.0
    before = [tip for tip in tags if until - _RECENT <= tip[2].commit_time <= until]
    reason = Chosen.NEWEST_BEFORE if before else Chosen.NEWEST
    repository, ref, commit = max(before or tags, key=lambda tip: tip[2].commit_time)
    return based(repository, ref, commit, reason, changes)


def _said(
    series: Series, repositories: Sequence[Repository], changes: Sequence[FileChange]
) -> tuple[Base, Repository, pygit2.Commit] | None:
    """The base that the author announced."""
    for repository in repositories if series.base_commit else ():
        commit = repository.commit(series.base_commit or "")
        if commit is not None:
            return based(repository, str(commit.id), commit, Chosen.ANNOUNCED, changes)
    return None


def based(
    repository: Repository, ref: str, commit: pygit2.Commit, chosen: Chosen, changes: Sequence[FileChange]
) -> tuple[Base, Repository, pygit2.Commit]:
    """That commit as the base of a series, with what the first changes of its files say of it."""
    name = ref.removeprefix("refs/tags/").removeprefix("refs/heads/").removeprefix("refs/remotes/")
    return Base(str(repository.path), name, str(commit.id), chosen, weigh(commit, changes)), repository, commit
