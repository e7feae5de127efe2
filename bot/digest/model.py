# SPDX-License-Identifier: GPL-2.0-or-later
"""The content of a digest: series, findings, unsafe code, mails and withheld findings.

The names of the fields are the keys of `patchwarden digest --format json`.
"""

from bot.digest.period import Period
from bot.review.model import FindingState
from bot.review.record import FailureCounts
from bot.review.statistics import RuleTally
from rules.lazy import dataclass, field


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A series in a digest, by its newest revision.

    `inactive_days` are the days since the last mail of its thread. `trailers` has each kind of trailer with the number
    of people who gave it. `reported` counts the findings that were reported.
    """

    message_id: str
    subject: str
    author: str
    revision: int
    patches: int
    lists: tuple[str, ...]
    age_days: int = 0
    inactive_days: int = 0
    replies: int = 0
    trailers: tuple[tuple[str, int], ...] = ()
    reported: int = 0


@dataclass(frozen=True, slots=True)
class FindingLine:
    """The findings of one rule in a series that have the same state.

    `state` is that state, a FindingState. `withheld` says why they were not mailed, "" if they were mailed.
    `places` and `fingerprints` are in the order of the patches. `message` is the message of the first finding.
    """

    state: str
    rule: str
    severity: str
    message: str
    places: tuple[str, ...]
    fingerprints: tuple[str, ...]
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class ReviewedSeries:
    """A series that was reviewed in the period, and its findings."""

    series: SeriesLine
    findings: tuple[FindingLine, ...]


@dataclass(frozen=True, slots=True)
class CollisionLine:
    """Two pending series that collide; `kind` and `name` are what they collide at first."""

    series: SeriesLine
    other: SeriesLine
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class LandingSeries:
    """A series that was checked before the period and has new findings because the landing ref `ref` moved."""

    series: SeriesLine
    ref: str
    findings: tuple[FindingLine, ...]


@dataclass(frozen=True, slots=True)
class SubsystemLine:
    """How the series of the period change unsafe code and the use of bindings in one part of the kernel.

    `added`, `removed` and `moved` count unsafe sites, `bindings` counts uses of bindings by drivers.
    """

    subsystem: str
    added: int = 0
    removed: int = 0
    moved: int = 0
    bindings: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """The content of one digest. The lists are complete and in order; a renderer may cut them.

    `reviewed` are series with their findings in Rust; `c_changes` are the same series with their findings in C.
    `collisions` are pairs of pending series that were found in the period for the first time.
    `landing` are series of any age with findings that are new because a landing ref moved.
    `inactive` are series whose last mail became too old in the period. `not_checked` counts what could not be read or
    reviewed. `failed_rules` are the rules that crashed.
    """

    reader: str
    period: Period
    waiting: tuple[SeriesLine, ...] = ()
    inactive: tuple[SeriesLine, ...] = ()
    reviewed: tuple[ReviewedSeries, ...] = ()
    c_changes: tuple[ReviewedSeries, ...] = ()
    collisions: tuple[CollisionLine, ...] = ()
    landing: tuple[LandingSeries, ...] = ()
    subsystems: tuple[SubsystemLine, ...] = ()
    mails: tuple[tuple[str, int], ...] = ()
    withheld: tuple[tuple[str, int], ...] = ()
    not_checked: FailureCounts = field(default_factory=FailureCounts)
    failed_rules: tuple[str, ...] = ()
    rules: tuple[RuleTally, ...] = ()
    demoted: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing happened. Figures that did not change in the period are not news."""
        lists = (self.waiting, self.inactive, self.reviewed, self.c_changes, self.collisions, self.landing)
        return not any((*lists, self.mails, self.failed_rules))

    def count(self, *states: FindingState) -> int:
        """Return the number of findings in one of these states."""
        values = {state.value for state in states}
        return sum(
            len(line.places)
            for reviewed in (*self.reviewed, *self.c_changes)
            for line in reviewed.findings
            if line.state in values
        )
