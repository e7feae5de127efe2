# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers in JSON as pydantic models: one schema for the API, `--format json` and `--format jsonl` of findings.

A command that checks patches does not load this module: `bot.review.formats` writes the same fields without it, and a
test compares them with `Finding`.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from bot.review.formats.row import clean
from bot.web.text import iso

Text = Annotated[str, BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)]
Time = Annotated[
    datetime, PlainSerializer(iso, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]
Severity = Literal["note", "nit", "warning", "bug"]
Confidence = Literal["low", "medium", "high"]
RuleStatus = Literal["preview", "stable", "retired"]
SeriesState = Literal["reviewed", "due", "waiting", "defective", "refused", "quarantined", "pruned"]
STATES: Final[tuple[str, ...]] = get_args(SeriesState)
FindingState = Literal["new", "repeated", "moved", "resolved"]
Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """A JSON object with exactly these fields. It can be made from a value whose attributes have the same names."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class Error(Record):
    """An answer without a result. `error` says what is wrong and what to do."""

    error: str


class JobHealth(Record):
    """A job of the service. It is late if its last success is too long ago."""

    last_success: Time | None
    last_seconds: float
    failures: Count
    late: bool


class HealthReport(Record):
    """Whether the service works: `ok` is false if a job is late. The status of the answer is then 503.

    `due` are series that wait for their review, `unread` mails that wait to be read. `rebuilding` is true while an
    update fills rows for stored series. `oldest_seconds` is how long the oldest entry of a queue has waited.
    """

    ok: bool
    stopped: bool
    jobs: dict[str, JobHealth]
    due: Count
    unread: Count
    rebuilding: bool
    oldest_seconds: dict[str, int]
    newest_mail: Time | None
    newest_review: Time | None


class FindingCore(Record):
    """What every form of a finding has. `path` is null for a finding in a commit message."""

    rule: str
    severity: Severity
    confidence: Confidence
    status: RuleStatus
    patch: int
    path: Text | None
    line: int
    message: Text
    fingerprint: str


class Finding(FindingCore):
    """A finding as `patchwarden check --format json` and `--format jsonl` print it.

    Lines and columns count from 1. They are in the file after the patch, unless `side` is "pre" or "log".
    `fixed_by_patch` is the later patch of the series that fixes it: such a finding does not change the exit status.
    """

    message_id: Text | None
    side: Literal["pre", "post", "log"]
    column: int
    text: Text
    fixed_by_patch: int | None
    base: Text | None


class ReviewedFinding(Finding):
    """A finding of a stored review. `withheld` is empty if it is reported; `address` is its path in these pages."""

    state: FindingState
    withheld: Text
    address: str


class ListedFinding(FindingCore):
    """A finding in a list of findings of several series; `posting` is the message-id of its series."""

    posting: Text
    subject: Text
    reviewed: Time
    state: FindingState
    withheld: Text
    address: str


class Series(Record):
    """A revision of a series. `severity` is the highest severity of its findings, "" without findings."""

    message_id: Text
    subject: Text
    author: Text
    revision: int
    patches: Count
    expected: Count
    sent: Time
    arrived: Time
    reviewed: Time | None
    state: SeriesState
    reason: Text
    severity: Literal["", Severity]
    findings: Count
    reported: Count
    path: str


class SeriesList(Record):
    """Series, newest first. Append `next` to the address for the next page; "" is the end.

    `searched` is not 0 if the search ended early after that number of series.
    """

    series: list[Series]
    searched: Count
    next: str


class Mail(Record):
    """A mail of ours, without its recipients."""

    message_id: Text
    kind: str
    state: str
    reason: Text
    created: Time
    text: Text


class Disposition(Record):
    """What a person replied to a finding."""

    fingerprint: str
    rule: str
    kind: str
    reason: Text
    given: Time


class Collision(Record):
    """Two series that collide; `name` is what they collide at first."""

    message_id: Text
    subject: Text
    other_id: Text
    other_subject: Text
    kind: str
    name: Text
    found: Time


class Applied(Record):
    """A patch that a commit of a landing tree applies, by the message-id of its mail."""

    message_id: Text
    ref: Text
    commit_id: str
    decided_by: str
    noted: Time


class UnsafePlace(Record):
    """Unsafe code that the series adds, removes or moves."""

    change: Literal["added", "removed", "moved"]
    kind: str
    place: Text


class ComparedFinding(Record):
    """A finding in the revisions of a series: a state and the place for each of `revisions`, "" where it is not.

    `fingerprint` and `place` are those in this revision, else in the newest that has it.
    """

    fingerprint: str
    rule: str
    severity: Severity
    place: Text
    states: list[str]
    places: list[Text]


class TimelineEvent(Record):
    """Something that happened to the series."""

    time: Time
    event: Text


class Subsystem(Record):
    """An entry of MAINTAINERS that a series concerns: the line that matches, such as "F: rust/", and a changed file.

    Both are empty if a version that did not note them reviewed the series.
    """

    name: Text
    pattern: Text
    path: Text


class SeriesDetails(Record):
    """All that is known about a revision of a series."""

    series: Series
    lists: list[Text]
    subsystems: list[Subsystem]
    revisions: list[Series]
    findings: list[ReviewedFinding]
    compared: list[ComparedFinding]
    base: Text
    unsafe_delta: Text
    unsafe_places: list[UnsafePlace]
    not_checked: list[Text]
    mails: list[Mail]
    dispositions: list[Disposition]
    collisions: list[Collision]
    applied: list[Applied]
    timeline: list[TimelineEvent]


class Figures(Record):
    """Counts of the findings of a rule; a finding counts once for each revision that has it."""

    rule: str
    reported: Count
    resolved: Count
    withheld: dict[str, Count]
    disputed: Count
    confirmed: Count


class RuleSummary(Record):
    """A rule, and its figures if it found anything."""

    id: str
    summary: str
    severity: Severity
    status: RuleStatus
    evidence: list[str]
    figures: Figures | None


class RuleList(Record):
    """All rules."""

    rules: list[RuleSummary]


class RuleDetails(RuleSummary):
    """A rule with its newest findings."""

    findings: list[ListedFinding]


class QueuedSeries(Series):
    """A pending series. `replies` counts the other mails of its thread, `last_mail` is the time of the last one."""

    group: Literal["new", "waiting", "inactive"]
    last_mail: Time
    replies: Count
    subsystems: list[Subsystem]


class Queue(Record):
    """Pending series, newest first. Append `next` to the address for the next page; "" is the end."""

    queue: list[QueuedSeries]
    next: str


class CName(Record):
    """A C name: how many places use it in Rust, and how many pending series change it and begin to use it."""

    name: Text
    places: Count
    changing: Count
    using: Count


class KernelTree(Record):
    """The kernel tree in which the uses were found."""

    name: Text
    commit: str
    noted: Time


class CNameList(Record):
    """C names in order. `changing` has those that Rust uses and pending series change."""

    names: list[CName]
    changing: list[CName]
    collisions: list[Collision]
    tree: KernelTree | None
    next: str


class Place(Record):
    """A place at which Rust uses a C name; `form` is bindings, macro, export, assembly, field or helper."""

    path: Text
    line: int
    form: str
    text: Text


class ConcernedSeries(Series):
    """A pending series; `kind` says what it does with the name."""

    kind: Literal["c-change", "c-use", "added", "item-change", "item-use", "rewrite"]


class CNameDetails(Record):
    """A C name, its uses in Rust, and the pending series that change or use it. `uses` counts all places."""

    name: Text
    uses: Count
    places: list[Place]
    tree: KernelTree | None
    series: list[ConcernedSeries]
    collisions: list[Collision]


class Month(Record):
    """The findings of the reviews of one month."""

    month: str
    reported: Count
    withheld: Count
    resolved: Count


class StatisticsFigures(Record):
    """Figures about the whole database. Latencies are in seconds, from the last part to the review."""

    days: Count
    states: dict[str, Count]
    mails: dict[str, Count]
    months: list[Month]
    rules: list[Figures]
    withheld: dict[str, Count]
    latency_median: float | None
    latency_p90: float | None


class DebtRef(Record):
    """A commit of a kernel tree, by the name of its ref."""

    name: Text
    commit: str


class DebtChange(Record):
    """Counts of unsafe code. A change from the first to the last ref can be negative."""

    files: int
    blocks: int
    functions: int
    impls: int
    traits: int
    undocumented: int
    placeholders: int
    bindings: int
    requirements: int
    addressed: int


class DebtCounts(DebtChange):
    """Counts of unsafe code at one ref. `coverage` is the share of addressed requirements, null without any."""

    coverage: float | None


class DebtTotal(Record):
    """Counts for each of `refs`, and the change from the first to the last of several."""

    counts: list[DebtCounts]
    change: DebtChange | None = None


class SubsystemDebt(DebtTotal):
    """Counts of a subsystem of MAINTAINERS."""

    name: Text


class Debt(Record):
    """Unsafe code by subsystem and ref, as `patchwarden debt --format json` prints it."""

    repository: Text
    refs: list[DebtRef]
    subsystems: list[SubsystemDebt]
    total: DebtTotal


class PatchsetPatch(Record):
    """A patch in the shape that b4 reads."""

    id: int
    message_id: Text


class PatchsetReview(Record):
    """The findings in a patch; `output` is a JSON text, as b4 expects it."""

    id: int
    patch_id: int
    status: Literal["Reviewed"]
    output: str


class Patchset(Record):
    """A series in the shape that b4 reads with `b4.sashiko-url`."""

    id: Text
    message_id: Text
    subject: Text
    url: str
    status: Literal["Reviewed", "In Review", "Incomplete", "Failed"]
    patches: list[PatchsetPatch]
    reviews: list[PatchsetReview]
