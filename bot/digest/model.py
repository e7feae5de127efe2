# SPDX-License-Identifier: GPL-2.0-or-later
"""What one digest says, as a value: series, findings, unsafe code, what was sent and what not."""

from dataclasses import dataclass, field

from bot.digest.period import Period
from bot.review.model import FindingStatus
from bot.review.record import FailureCounts
from bot.review.statistics import RuleTally


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One series as a digest shows it: its newest revision. `trailers` are kinds with how many people gave them."""

    message_id: str
    subject: str
    author: str
    revision: int
    patches: int
    lists: tuple[str, ...]
    days: int = 0
    quiet: int = 0
    answers: int = 0
    trailers: tuple[tuple[str, int], ...] = ()
    remarks: int = 0


@dataclass(frozen=True, slots=True)
class FindingLine:
    """The findings of one rule in a series that stand alike; `withheld` says why they were not mailed, "" if they were.

    `places` and `fingerprints` are in the order of the patches; `message` is that of the first.
    """

    standing: str
    rule: str
    severity: str
    message: str
    places: tuple[str, ...]
    fingerprints: tuple[str, ...]
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class ReviewedSeries:
    """A series that was reviewed in the period, and what was found."""

    series: SeriesLine
    findings: tuple[FindingLine, ...]


@dataclass(frozen=True, slots=True)
class SubsystemLine:
    """What the period's series did in one part of the kernel: unsafe code, and uses of bindings by drivers."""

    subsystem: str
    added: int = 0
    removed: int = 0
    moved: int = 0
    bindings: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """All that one digest says. Lists are in the order they are shown in, whole: who shows them may cut them."""

    reader: str
    period: Period
    waiting: tuple[SeriesLine, ...] = ()
    went_quiet: tuple[SeriesLine, ...] = ()
    judged: tuple[ReviewedSeries, ...] = ()
    c_changes: tuple[ReviewedSeries, ...] = ()
    subsystems: tuple[SubsystemLine, ...] = ()
    mails: tuple[tuple[str, int], ...] = ()
    withheld: tuple[tuple[str, int], ...] = ()
    trouble: FailureCounts = field(default_factory=FailureCounts)
    failures: tuple[str, ...] = ()
    rules: tuple[RuleTally, ...] = ()
    demoted: tuple[tuple[str, str], ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to say: what only goes on standing as it was is no news."""
        return not (self.waiting or self.went_quiet or self.judged or self.c_changes or self.mails or self.failures)

    def count(self, *standings: FindingStatus) -> int:
        """How many findings stand so."""
        wanted = {standing.value for standing in standings}
        return sum(
            len(line.places)
            for each in (*self.judged, *self.c_changes)
            for line in each.findings
            if line.standing in wanted
        )
