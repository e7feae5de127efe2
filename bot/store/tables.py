# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the database. They never leave this package. Times are UTC, large texts are compressed."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, MetaData, text
from sqlmodel import Field, SQLModel

from bot.store.sqlalchemy_dialect import partial

# Constraints have names, so that migrations can refer to them.
SQLModel.metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
metadata = SQLModel.metadata

_LISTED: Final = (
    *("state", "verdict", "severity", "author", "subject", "author_name", "topic", "revision", "patches", "expected"),
    *("arrived", "reviewed", "findings", "reported", "reason"),
)
"""The columns of a posting that lists of postings show or filter."""
_ONLY_KEYS: Final = {"sqlite_with_rowid": False}
"""Options of a table that has only keys: SQLite stores them once, and not in an index besides."""
UNCOMPARED: Final = text("compared = 0")
"""The condition of a partial index. SQLite uses such an index only for a query that has its condition literally."""


class MailRow(SQLModel, table=True):
    """A mail as it arrived, stored once for each content.

    States: new, read, unreadable, duplicate, conflict, private, deleted. `provenance` is a bot.ports.Provenance.
    `block`, `start` and `length` say where its bytes are, as a bot.store.blocks.Extent. `pruned` is the time when
    retention removed them.
    """

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_unpruned", "arrived", **partial("pruned IS NULL")),)

    id: int | None = Field(default=None, primary_key=True)
    content_hash: str = Field(unique=True)
    source: str
    origin: str
    arrived: datetime
    block: int
    start: int
    length: int
    state: str = Field(default="new", index=True)
    reason: str = ""
    provenance: str = Field(default="followed", sa_column_kwargs={"server_default": text("'followed'")})
    pruned: datetime | None = None


class BlockRow(SQLModel, table=True):
    """Bytes of several mails or images, compressed together: see bot.store.blocks. No number is used twice."""

    __tablename__ = "block"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, primary_key=True)
    content: bytes


class CursorRow(SQLModel, table=True):
    """The position up to which a source was read. It is written in the transaction of the mails before it."""

    __tablename__ = "cursor"

    source: str = Field(primary_key=True)
    epoch: str = Field(primary_key=True)
    position: str


class ThreadRow(SQLModel, table=True):
    """Mails that refer to each other.

    `changed` counts the mails that joined. The thread is due for assembling while `changed` exceeds `assembled`.
    """

    __tablename__ = "thread"
    __table_args__ = (Index("ix_thread_due", "id", **partial("changed > assembled")),)

    id: int | None = Field(default=None, primary_key=True)
    changed: int = 1
    assembled: int = 0


class MessageRow(SQLModel, table=True):
    """A message-id of a mail, or one that only the References of another mail contain (then `mail_id` is None).

    `disputed`: a later mail has the same id and other content. `followed`: a followed archive brought the mail.
    `carriers` are the lists that demonstrably brought it, separated by spaces; None if an earlier version read it.
    `in_reply_to` is the mail that a person replied to with it; "" for other mails, and if an earlier version read it.
    """

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_in_reply_to", "in_reply_to", **partial("in_reply_to != ''")),)

    message_id: str = Field(primary_key=True)
    thread_id: int = Field(foreign_key="thread.id", index=True)
    mail_id: int | None = Field(default=None, foreign_key="mail.id", index=True)
    digest: str = ""
    disputed: bool = False
    followed: bool = Field(default=True, sa_column_kwargs={"server_default": text("1")})
    carriers: str | None = None
    in_reply_to: str = Field(default="", sa_column_kwargs={"server_default": text("''")})


class PostingRow(SQLModel, table=True):
    """A posting. States: waiting, complete, defective, pruned; gone if its thread was assembled in another way since.

    `verdict` is empty until the posting was analysed; then it is "reviewed", or "refused" or "quarantined" with the
    reason. `tries` counts the reviews that exceeded their limits. `compared` says that its patches were compared with
    the commits that had landed before it was stored.

    The columns from `projection` on are a copy of what the value and the review contain, for lists of postings.
    `projection` is the version of that copy, 0 if it was not made yet. `severity` is the highest severity of the
    findings of this revision, `findings` their number, and `reported` the number of those that are not withheld.
    """

    __tablename__ = "posting"

    message_id: str = Field(primary_key=True)
    thread_id: int = Field(foreign_key="thread.id", index=True)
    topic: str = Field(index=True)
    revision: int
    sent: datetime = Field(index=True)
    arrived: datetime = Field(index=True)
    state: str
    detail: str = ""
    value: bytes
    verdict: str = ""
    reason: str = ""
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    compared: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})
    projection: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    subject: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    author: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    author_name: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    patches: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    expected: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    reviewed: datetime | None = None
    severity: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    findings: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    reported: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})

    __table_args__ = (
        Index("ix_posting_due", "state", "verdict", "tries", "arrived"),
        Index("ix_posting_uncompared", "arrived", **partial(UNCOMPARED.text)),
        Index("ix_posting_unprojected", "message_id", **partial("projection = 0")),
        # Lists of postings read only this index: the values in the rows are large.
        Index("ix_posting_newest", "sent", "message_id", *_LISTED),
        Index("ix_posting_author", "author", "sent", "message_id"),
    )


class ReviewRow(SQLModel, table=True):
    """The review of a posting.

    `posting` is the posting that was reviewed. It is empty as long as the row of the posting has the same value.
    """

    __tablename__ = "review"

    posting_id: str = Field(primary_key=True)
    reviewed: datetime = Field(index=True)
    posting: bytes
    value: bytes
    pruned: datetime | None = None


class OutgoingRow(SQLModel, table=True):
    """A frozen mail. Its state is a bot.mail.state.MailState.

    `mode` is the mode of the list when the mail was written. `due` is the earliest time of the next attempt.
    """

    __tablename__ = "outgoing"
    __table_args__ = (
        Index("ix_outgoing_deliverable", "created", "message_id", **partial("state IN ('queued', 'approved')")),
    )

    message_id: str = Field(primary_key=True)
    posting_id: str = Field(index=True)
    kind: str
    envelope_from: str
    envelope_to: str
    content: bytes
    mode: str
    lists: str
    author: str
    state: str = Field(index=True)
    reason: str = ""
    destination: str = ""
    attempts: int = 0
    due: datetime
    created: datetime = Field(index=True)
    changed: datetime = Field(index=True)


class OutgoingPartRow(SQLModel, table=True):
    """A patch or cover letter and the only mail of a kind that it ever gets."""

    __tablename__ = "outgoing_part"

    message_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    outgoing_id: str = Field(foreign_key="outgoing.message_id", index=True)


class BlobRow(SQLModel, table=True):
    """Where the bytes of a file are whose id was verified, as a bot.store.blocks.Extent."""

    __tablename__ = "blob"

    blob_id: str = Field(primary_key=True)
    block: int
    start: int
    length: int
    used: datetime | None = None


class BackfillRow(SQLModel, table=True):
    """The search for the missing parts of a posting. `outcome` is empty until the search ends."""

    __tablename__ = "backfill"

    posting_id: str = Field(primary_key=True)
    attempts: int
    due: datetime
    outcome: str = ""


class AttestationRow(SQLModel, table=True):
    """The result of verifying the signatures of a mail."""

    __tablename__ = "attestation"

    mail_id: int = Field(primary_key=True, foreign_key="mail.id")
    checked: datetime
    value: bytes


class DispositionRow(SQLModel, table=True):
    """The last reply of a person to a finding of a series; `kind` is a bot.review.disposition.DispositionKind."""

    __tablename__ = "disposition"

    topic: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    by: str = Field(primary_key=True)
    rule: str = Field(index=True)
    kind: str
    reason: str
    message_id: str
    given: datetime


class MuteRow(SQLModel, table=True):
    """A series, an author or a list that gets no mails."""

    __tablename__ = "mute"

    scope: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    by: str
    message_id: str
    given: datetime


class CommandMailRow(SQLModel, table=True):
    """A mail with commands that were executed, and the outcome. It is never processed again.

    `message_id` is the key that names it: another key if no signature covers the message-id.
    """

    __tablename__ = "command_mail"

    message_id: str = Field(primary_key=True)
    sender: str = Field(index=True)
    outcome: str
    has_reply: bool
    processed: datetime


class CommandKeyRow(SQLModel, table=True):
    """A further key of a mail with commands, which a changed copy of it has as well. See bot.mail.authority."""

    __tablename__ = "command_key"

    value: str = Field(primary_key=True)
    command_mail: str


class DeliveryEventRow(SQLModel, table=True):
    """A bounce or a copy of a mail of ours.

    `kind` is as in bot.ports.DeliveryEvent, or "repeat" for a second copy in the same place.
    """

    __tablename__ = "delivery_event"

    message_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    detail: str = ""
    noticed: datetime = Field(index=True)


class VerdictRow(SQLModel, table=True):
    """A verdict on a posting that was mailed or filed. No verdict is mailed twice."""

    __tablename__ = "verdict"

    posting_id: str = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    mailed: datetime


class InstallationRow(SQLModel, table=True):
    """This database. The table has one row.

    `generation` counts the starts of the sender; it is 0 before the first start with a ledger. `name` is random, and
    also in the ledger. `secret` is the fingerprint of the secret beside the database.
    """

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    name: str
    created: datetime
    generation: int = 0
    secret: str = ""


class UnknownMailRow(SQLModel, table=True):
    """A mail in an archive that has our address and looks like a mail of ours, but is not in the outbox.

    Its status is "" while the posting that it answers is unknown; then "ours" or "foreign", or "settled" by a person.
    """

    __tablename__ = "unknown_mail"

    message_id: str = Field(primary_key=True)
    in_reply_to: str
    arrived: datetime
    raw_mail: int
    status: str = Field(default="", index=True)


class StopRow(SQLModel, table=True):
    """The stop of all sending. The table has one row.

    `number` grows with each stop and lift. Mails may be sent while `reason` is empty. `seen` is the last number that
    the running sender saw.
    """

    __tablename__ = "stop"

    id: int = Field(default=1, primary_key=True)
    number: int = 0
    reason: str = ""
    since: datetime
    seen: int = 0


class PendingRow(SQLModel, table=True):
    """A pending posting: a bot.review.pending.PendingPosting, of the newest reviewed revision of its topic.

    This table and `pending_fact` are derived from the postings, and can be rebuilt.
    """

    __tablename__ = "pending"

    message_id: str = Field(primary_key=True)
    topic: str = Field(index=True)
    sent: datetime = Field(index=True)
    value: bytes


class PendingFactRow(SQLModel, table=True):
    """A name under which a pending posting is looked up; `kind` is a rules.bindings.pending_facts.PendingKind."""

    __tablename__ = "pending_fact"

    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    message_id: str = Field(primary_key=True, index=True)


class CollisionRow(SQLModel, table=True):
    """Two series that collide, in the order of their topics. A pair is stored once, so that it is reported once.

    `message_id` is the posting whose review found the collision, `other_id` the posting that it collides with. `kind`
    and `name` are those of the first collision.
    """

    __tablename__ = "collision"
    __table_args__ = (Index("ix_collision_name", "name"),)

    topic: str = Field(primary_key=True)
    other_topic: str = Field(primary_key=True)
    message_id: str
    other_id: str
    kind: str
    name: str
    found: datetime = Field(index=True)


class AppliedPatchRow(SQLModel, table=True):
    """A patch that a commit of a landing ref applies, by the message-id of its mail.

    `landing` is the name of the landing ref in the settings, `ref` the ref that had the commit. `decided_by` is a
    bot.mail.landed.AppliedBy.
    """

    __tablename__ = "applied_patch"

    message_id: str = Field(primary_key=True)
    landing: str = Field(primary_key=True)
    posting_id: str = Field(index=True)
    ref: str
    commit_id: str
    decided_by: str
    noted: datetime


class LandingRecheckRow(SQLModel, table=True):
    """A pending posting that is due for a re-check, because a commit of a landing ref changed what it names.

    `names` are the changed names as a JSON array.
    """

    __tablename__ = "landing_recheck"

    posting_id: str = Field(primary_key=True)
    ref: str
    commit_id: str
    names: str
    queued: datetime


class LandingFindingRow(SQLModel, table=True):
    """A finding that a posting has since a landing ref moved. It is stored once, so that it is reported once."""

    __tablename__ = "landing_finding"

    posting_id: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    ref: str
    commit_id: str
    noted: datetime = Field(index=True)


class FindingRow(SQLModel, table=True):
    """A finding of a stored review; `position` is its number in the review.

    `line` counts as in rules.finding; `path` is "" for a finding in a commit message. `state` is a
    bot.review.model.FindingState, `withheld` the reason why it is not mailed, "" if it is reported. `message` is one
    line. This table, `posting_list`, `posting_part`, `posting_subsystem` and `finding_count` are derived, and can be
    rebuilt.
    """

    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_rule", "rule", "reviewed", "posting_id", "position"),)

    posting_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    reviewed: datetime
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


class PostingListRow(SQLModel, table=True):
    """A list that a posting names."""

    __tablename__ = "posting_list"
    __table_args__ = (Index("ix_posting_list_posting_id", "posting_id"), _ONLY_KEYS)

    list: str = Field(primary_key=True)
    sent: datetime = Field(primary_key=True)
    posting_id: str = Field(primary_key=True)


class PostingPartRow(SQLModel, table=True):
    """A mail of a posting: a patch or the cover letter."""

    __tablename__ = "posting_part"
    __table_args__ = (Index("ix_posting_part_posting_id", "posting_id"), _ONLY_KEYS)

    message_id: str = Field(primary_key=True)
    posting_id: str = Field(primary_key=True)


class FindingCountRow(SQLModel, table=True):
    """The number of findings of a month and a kind. `month` is the month of the review, as "2026-03".

    `outcome` is "" for reported findings, else the reason for withholding up to its first colon.
    """

    __tablename__ = "finding_count"

    rule: str = Field(primary_key=True)
    month: str = Field(primary_key=True)
    state: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    count: int


class CounterRow(SQLModel, table=True):
    """The number of rows with a label. Triggers of the schema keep it, so that it is right for every writer.

    `mail` and `outgoing` count rows by state, `series` postings by state and verdict. `review` and `delivery` only
    grow: they count verdicts, and attempts of deliveries by their outcome.
    """

    __tablename__ = "counter"

    name: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    value: int


class JobRunRow(SQLModel, table=True):
    """The runs of a job: a bot.ports.jobs.JobRuns. `process` is the command that runs it, `started` when that began."""

    __tablename__ = "job_run"

    name: str = Field(primary_key=True)
    process: str
    started: datetime
    succeeded: datetime | None = None
    runs: int
    failures: int
    seconds: float
    last_seconds: float
    max_gap: float


class SourceReadRow(SQLModel, table=True):
    """When a source was last known to have no unread mail."""

    __tablename__ = "source_read"

    source: str = Field(primary_key=True)
    read: datetime


class PostingSubsystemRow(SQLModel, table=True):
    """An entry of MAINTAINERS that a reviewed posting concerns, the line that matches, and a file that it matches."""

    __tablename__ = "posting_subsystem"
    __table_args__ = (Index("ix_posting_subsystem_posting_id", "posting_id"),)

    subsystem: str = Field(primary_key=True)
    sent: datetime = Field(primary_key=True)
    posting_id: str = Field(primary_key=True)
    pattern: str = Field(default="", sa_column_kwargs={"server_default": ""})
    path: str = Field(default="", sa_column_kwargs={"server_default": ""})


class KernelTreeRow(SQLModel, table=True):
    """The kernel tree that `used_place` and `subsystem_person` describe. The table has at most one row."""

    __tablename__ = "kernel_tree"

    id: int = Field(default=1, primary_key=True)
    name: str
    commit_id: str
    noted: datetime


class UsedPlaceRow(SQLModel, table=True):
    """A place at which Rust uses a name of C: a rules.bindings.used_places.UsedPlace."""

    __tablename__ = "used_place"

    name: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    line: int = Field(primary_key=True)
    form: str = Field(primary_key=True)
    text: str


class SubsystemPersonRow(SQLModel, table=True):
    """A maintainer or reviewer in an entry of MAINTAINERS, by the address in lower case."""

    __tablename__ = "subsystem_person"

    address: str = Field(primary_key=True)
    subsystem: str = Field(primary_key=True)


class PatchCheckRow(SQLModel, table=True):
    """The newest check of a patch in a project of Patchwork. Its status is a bot.ports.checks.CheckStatus.

    `posted` is when a check of the patch was posted last, maybe with another verdict.
    """

    __tablename__ = "patch_check"
    __table_args__ = (
        Index("ix_patch_check_due", "status", "due"),
        Index("ix_patch_check_posted", "posted"),
    )

    message_id: str = Field(primary_key=True)
    project: str = Field(primary_key=True)
    posting_id: str
    state: str
    description: str
    target_url: str
    status: str
    reason: str
    attempts: int
    due: datetime
    posted: datetime | None = None
