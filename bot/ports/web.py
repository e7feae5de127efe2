# SPDX-License-Identifier: GPL-2.0-or-later
"""What the web pages read: snapshots of the database, without recipients and envelopes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from bot.debt.report import DebtReport
from bot.mail.posting import Posting
from bot.mail.refusal import repeated_posting
from bot.ports.operator import JobState, OperatorSnapshot
from bot.review.model import Review
from rules.analysis.maintainers import SubsystemMatch
from rules.bindings.used_places import UsedPlace
from rules.finding import Severity
from rules.lazy import dataclass, field


class WebStoreError(Exception):
    """The database cannot be read now. The message is for the log, not for a page."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What pages show beside the database.

    `running` returns the id of the process that reviews series, "" if none runs. A series is pending for `pending_days`
    days. `can_send` tells whether the settings allow sending any mail: otherwise this is a dry run.
    """

    running: Callable[[], str] = lambda: ""
    pending_days: int = 60
    can_send: bool = True


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Which postings a list shows. An empty field does not restrict it.

    `text` is part of the subject, `state` a word of SeriesSummary.state, `severity` the lowest highest severity.
    `author` is an address, or part of a name.
    """

    text: str = ""
    list: str = ""
    state: str = ""
    severity: Severity | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which pending series a queue shows. At most one field is set.

    `subsystem` is the name of an entry of MAINTAINERS. `person` is an address: of an author, or of a maintainer or
    reviewer in MAINTAINERS.
    """

    list: str = ""
    subsystem: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list of postings, which is sorted by time and message-id."""

    sent: datetime
    message_id: str


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """A posting in a list.

    `state` is reviewed, due, waiting, defective, refused, quarantined or pruned. `reason` says why there is no mail or
    no review, "" if unknown. `severity` is the highest severity of the findings of this revision, "" without findings.
    """

    message_id: str
    subject: str
    author: str
    revision: int
    patches: int
    expected: int
    sent: datetime
    arrived: datetime
    reviewed: datetime | None
    state: str
    reason: str
    severity: str
    findings: int
    reported: int

    @property
    def position(self) -> Position:
        return Position(self.sent, self.message_id)

    @property
    def repeats(self) -> str:
        """The message-id of the earlier posting of the same patches, "" if there is none."""
        return repeated_posting(self.reason)


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """A part of a list. `following` is where the list continues, None at its end.

    `searched` is the number of postings that were looked at, if the search ended before the page was full.
    """

    series: tuple[SeriesSummary, ...] = ()
    following: Position | None = None
    searched: int = 0


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A stored finding; `state` is a bot.review.model.FindingState, `withheld` "" if it is reported.

    `before` is the fingerprint that a moved finding had in the previous revision, "" if it is not known.
    """

    posting_id: str
    rule: str
    severity: str
    confidence: str
    patch: int
    path: str
    line: int
    state: str
    withheld: str
    fingerprint: str
    message: str
    reviewed: datetime
    subject: str = ""
    before: str = ""

    @property
    def place(self) -> str:
        if self.path:
            return f"{self.path}:{self.line}"
        return f"commit message of patch {self.patch}"


@dataclass(frozen=True, slots=True)
class OurMail:
    """A mail of ours, without its recipients. `content` is empty if retention removed it."""

    message_id: str
    kind: str
    state: str
    reason: str
    content: bytes
    created: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class DispositionRecord:
    """What a person replied to a finding."""

    fingerprint: str
    rule: str
    kind: str
    reason: str
    given: datetime


@dataclass(frozen=True, slots=True)
class CollisionSummary:
    """Two postings that collide, and where they do first. `other` is the one that was reviewed before."""

    message_id: str
    subject: str
    other_id: str
    other_subject: str
    kind: str
    name: str
    found: datetime


@dataclass(frozen=True, slots=True)
class AppliedPatch:
    """A patch that a commit of a landing ref applies."""

    message_id: str
    ref: str
    commit_id: str
    decided_by: str
    noted: datetime


@dataclass(frozen=True, slots=True)
class SeriesDetail:
    """All that is known about a posting. `revisions` are the postings of its series, oldest first, with this one.

    `findings` are those of these revisions, by message-id, with `before`. `names` are C names that a pending series
    changes or begins to use, each with its rules.bindings.pending_facts.PendingKind.
    """

    summary: SeriesSummary
    posting: Posting
    review: Review | None
    lists: tuple[str, ...]
    revisions: tuple[SeriesSummary, ...]
    findings: Mapping[str, Sequence[FindingRecord]]
    mails: tuple[OurMail, ...]
    dispositions: tuple[DispositionRecord, ...]
    collisions: tuple[CollisionSummary, ...]
    applied: tuple[AppliedPatch, ...]
    subsystems: tuple[SubsystemMatch, ...] = ()
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Counts of the findings of a rule. A finding counts once for each revision that has it.

    `resolved` findings were gone in the next revision. `withheld` has the reasons with their counts, the most frequent
    first. `disputed` and `confirmed` count people's last replies: not applicable, and fixed.
    """

    rule: str
    reported: int = 0
    resolved: int = 0
    withheld: tuple[tuple[str, int], ...] = ()
    disputed: int = 0
    confirmed: int = 0

    @property
    def all_withheld(self) -> int:
        return sum(count for _, count in self.withheld)


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A pending series; `last_mail` is when the last mail of its thread arrived, `replies` counts the others' mails."""

    series: SeriesSummary
    last_mail: datetime
    replies: int
    subsystems: tuple[SubsystemMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundaryName:
    """A C name: how many places use it in Rust, and how many pending series change it and begin to use it."""

    name: str
    places: int
    changing: int
    using: int


@dataclass(frozen=True, slots=True)
class BoundaryPlaces:
    """The places of the newest kernel tree at which Rust uses a name; `number` also counts those left out."""

    number: int
    places: tuple[UsedPlace, ...]


@dataclass(frozen=True, slots=True)
class KernelTreeSummary:
    """The kernel tree whose places are known: its ref and commit, and when it was read."""

    name: str
    commit: str
    noted: datetime


@dataclass(frozen=True, slots=True)
class BoundaryUse:
    """A pending series that has a fact about a name; `kind` is a rules.bindings.pending_facts.PendingKind."""

    kind: str
    series: SeriesSummary


@dataclass(frozen=True, slots=True)
class MonthCount:
    """The findings of the reviews of one month."""

    month: str
    reported: int
    withheld: int
    resolved: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures about the whole database. Latencies are from the arrival of the last part to the review, in seconds."""

    states: Mapping[str, int]
    mails: Mapping[str, int]
    months: tuple[MonthCount, ...]
    rules: tuple[RuleFigures, ...]
    withheld: tuple[tuple[str, int], ...]
    latency_median: float | None = None
    latency_p90: float | None = None
    days: int = 30


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service works: the newest mail and review, what waits, and why sending is stopped, if it is.

    `oldest` is when the oldest entry of a queue was added, `jobs` what the processes of the service recorded.
    """

    newest_mail: datetime | None
    newest_review: datetime | None
    due: int
    unread: int
    unprojected: bool
    stopped: str = ""
    jobs: tuple[JobState, ...] = ()
    oldest: Mapping[str, datetime] = field(default_factory=dict)


class Snapshot(OperatorSnapshot, Protocol):
    """One state of the database. All methods look at a limited number of rows."""

    def series_page(self, wanted: SeriesFilter, after: Position | None, limit: int) -> SeriesPage:
        """Return postings, newest first, after that position."""

    def reviewed_page(self, wanted: SeriesFilter, rule: str, person: str, limit: int) -> Sequence[SeriesSummary]:
        """Return the newest reviewed postings with findings.

        With a rule they have findings of the rule. With the address of a person they are by that author, or concern a
        subsystem of that person.
        """

    def lists(self) -> Sequence[str]:
        """Return the lists that stored postings name, sorted, up to a limit."""

    def find(self, message_id: str) -> str | None:
        """Return the newest posting that has this mail as a part, or that this mail of ours is about."""

    def find_thread(self, message_id: str) -> str | None:
        """Return the newest posting in the thread of a mail that was sent before it arrived, else the newest one."""

    def detail(self, posting_id: str) -> SeriesDetail | None:
        """Return all about a posting."""

    def findings_of(self, posting_ids: Sequence[str]) -> Mapping[str, Sequence[FindingRecord]]:
        """Return the findings of postings, by message-id, in the order of the reviews."""

    def findings_of_rule(self, rule: str, limit: int) -> Sequence[FindingRecord]:
        """Return the newest findings of a rule with the subjects of their series, those of a posting in its order."""

    def figures(self) -> Mapping[str, RuleFigures]:
        """Return the figures of each rule that has findings."""

    def queue(
        self, wanted: QueueFilter, after: Position | None, limit: int
    ) -> tuple[Sequence[QueueEntry], Position | None]:
        """Return the pending series, newest first, after that position, and where the list continues."""

    def subsystems(self) -> Sequence[str]:
        """Return the entries of MAINTAINERS that reviewed postings concern, sorted, up to a limit."""

    def count_pending(self, subsystems: Sequence[str]) -> Mapping[str, int]:
        """Return the number of pending series that concern each subsystem."""

    def subsystems_of_person(self, address: str) -> Sequence[str]:
        """Return the entries that name the address as a maintainer or reviewer, sorted, up to a limit."""

    def subsystems_of_series(self, posting_id: str) -> Sequence[SubsystemMatch]:
        """Return the entries that a reviewed posting concerns, sorted, each with its reason."""

    def kernel_tree(self) -> KernelTreeSummary | None:
        """Return the kernel tree whose places are known."""

    def boundary_names(self, prefix: str, after: str, limit: int) -> tuple[Sequence[BoundaryName], str]:
        """Return C names, sorted, and where the list continues.

        They are the names that Rust uses, and those that pending series change or begin to use.
        """

    def most_used_names(self, limit: int) -> Sequence[BoundaryName]:
        """Return the C names that Rust uses at most places, in this order."""

    def changing_names(self, limit: int) -> Sequence[BoundaryName]:
        """Return the C names that Rust uses and pending series change, those with most changes first."""

    def boundary_places(self, name: str, limit: int) -> BoundaryPlaces:
        """Return where Rust uses a name."""

    def boundary_uses(self, name: str, limit: int) -> Sequence[BoundaryUse]:
        """Return the pending series that change, use or add a name."""

    def collisions(self, limit: int, name: str = "") -> Sequence[CollisionSummary]:
        """Return collisions of pending series, those that were found last first, on demand only those at a name."""

    def statistics(self, now: datetime) -> Statistics:
        """Return figures about the database."""

    def debt(self) -> DebtReport | None:
        """Return the counts of unsafe code that `patchwarden debt --publish` stored, None if there are none."""

    def health(self) -> Health:
        """Return the state of the service as far as the database shows it."""


class WebStore(Protocol):
    """Read-only access to the database."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Open one state of the database. Raises WebStoreError if it cannot be read, or a query takes too long."""
