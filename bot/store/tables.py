# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows, which never leave this folder. Times are UTC; big texts are compressed; a state is a word."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, MetaData, text
from sqlmodel import Field, SQLModel

# Constraints with names, so that a migration can speak of them on every database.
SQLModel.metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
metadata = SQLModel.metadata

PRUNED: Final = "pruned"
"""The state of a posting whose texts retention removed."""


class MailRow(SQLModel, table=True):
    """One mail as it came, each content once. States: new, read, unreadable, duplicate, conflict, private, deleted.

    `provenance` is a word of bot.ports.Provenance. `pruned` is when retention removed its bytes.
    """

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_unpruned", "arrived", sqlite_where=text("pruned IS NULL")),)

    id: int | None = Field(default=None, primary_key=True)
    content_hash: str = Field(unique=True)
    source: str
    origin: str
    arrived: datetime
    raw: bytes
    state: str = Field(default="new", index=True)
    reason: str = ""
    provenance: str = Field(default="followed", sa_column_kwargs={"server_default": text("'followed'")})
    pruned: datetime | None = None


class CursorRow(SQLModel, table=True):
    """How far a source was ingested; written in one transaction with the mails before it."""

    __tablename__ = "cursor"

    source: str = Field(primary_key=True)
    epoch: str = Field(primary_key=True)
    position: str


class ThreadRow(SQLModel, table=True):
    """Mails that refer to each other: due for assembling while `changed`, which counts what joined, is ahead."""

    __tablename__ = "thread"
    __table_args__ = (Index("ix_thread_due", "id", sqlite_where=text("changed > assembled")),)

    id: int | None = Field(default=None, primary_key=True)
    changed: int = 1
    assembled: int = 0


class MessageRow(SQLModel, table=True):
    """A message-id that was seen: in a mail, or only in another's References (then without a mail).

    `disputed` says that a later mail claimed the same id with other content; `followed` that a followed archive brought
    it. `carriers` are the lists that demonstrably did, apart by spaces; None where an earlier version read it.
    """

    __tablename__ = "message"

    message_id: str = Field(primary_key=True)
    thread_id: int = Field(foreign_key="thread.id", index=True)
    mail_id: int | None = Field(default=None, foreign_key="mail.id", index=True)
    digest: str = ""
    disputed: bool = False
    followed: bool = Field(default=True, sa_column_kwargs={"server_default": text("1")})
    carriers: str | None = None


class PostingRow(SQLModel, table=True):
    """One posting. States: waiting, complete, defective, gone (its thread is read otherwise now), pruned.

    `verdict` is empty until the posting was judged: then "reviewed", or "refused" or "quarantined" with the reason.
    `tries` counts the reviews that exceeded their limits.
    """

    __tablename__ = "posting"

    message_id: str = Field(primary_key=True)
    thread_id: int = Field(foreign_key="thread.id", index=True)
    topic: str = Field(index=True)
    revision: int
    sent: datetime
    arrived: datetime
    state: str
    detail: str = ""
    value: bytes
    verdict: str = ""
    reason: str = ""
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})

    __table_args__ = (Index("ix_posting_due", "state", "verdict", "tries", "arrived"),)


class ReviewRow(SQLModel, table=True):
    """What was said of a posting.

    `posting` is the posting as it stood then, kept here once its own row says something else; until then it is empty.
    """

    __tablename__ = "review"

    posting_id: str = Field(primary_key=True)
    reviewed: datetime
    posting: bytes
    value: bytes
    pruned: datetime | None = None


class OutgoingRow(SQLModel, table=True):
    """A frozen mail. Its state is a bot.mail.state.MailState.

    `mode` is the list's agreement when the mail was written; `due` is the earliest time of the next attempt.
    """

    __tablename__ = "outgoing"

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
    created: datetime
    changed: datetime


class AnsweredRow(SQLModel, table=True):
    """A patch or cover letter that has its one reply of a kind, for ever."""

    __tablename__ = "answered"

    message_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    outgoing_id: str = Field(foreign_key="outgoing.message_id", index=True)


class BlobRow(SQLModel, table=True):
    """A file's bytes that hash to its id: an image that was verified."""

    __tablename__ = "blob"

    blob_id: str = Field(primary_key=True)
    content: bytes
    used: datetime | None = None


class CompletionRow(SQLModel, table=True):
    """The search for the missing parts of a posting: `outcome` is empty while it goes on, then what came of it."""

    __tablename__ = "completion"

    posting_id: str = Field(primary_key=True)
    attempts: int
    due: datetime
    outcome: str = ""


class AttestationRow(SQLModel, table=True):
    """What a mail's signatures were worth when it came."""

    __tablename__ = "attestation"

    mail_id: int = Field(primary_key=True, foreign_key="mail.id")
    checked: datetime
    value: bytes


class DispositionRow(SQLModel, table=True):
    """What somebody answered to a finding of a series, the last word of each person; see bot.review.disposition."""

    __tablename__ = "disposition"

    topic: str = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)
    by: str = Field(primary_key=True)
    rule: str = Field(index=True)
    answer: str
    reason: str
    message_id: str
    given: datetime


class MuteRow(SQLModel, table=True):
    """A series, an author or a list that is silent."""

    __tablename__ = "mute"

    scope: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    by: str
    message_id: str
    given: datetime


class HeardRow(SQLModel, table=True):
    """A mail to us that was looked at once and for ever, and what came of it."""

    __tablename__ = "heard"

    message_id: str = Field(primary_key=True)
    sender: str = Field(index=True)
    outcome: str
    answered: bool
    heard: datetime


class ReturnedRow(SQLModel, table=True):
    """What came back of a mail of ours; `kind` as in bot.ports.Returned, or "repeat" for a second copy at a place."""

    __tablename__ = "returned"

    message_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    detail: str = ""
    noticed: datetime = Field(index=True)


class VerdictRow(SQLModel, table=True):
    """A verdict that was mailed, or kept as a mail, on a posting: none is mailed twice."""

    __tablename__ = "verdict"

    posting_id: str = Field(primary_key=True)
    verdict: str = Field(primary_key=True)
    said: datetime


class InstallationRow(SQLModel, table=True):
    """This database, one row. `generation` counts the starts of its sender, 0 before the first one with a ledger.

    `name` is random; the ledger bears it too. `secret` is the fingerprint of the secret beside the database.
    """

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    name: str
    created: datetime
    generation: int = 0
    secret: str = ""


class ClaimRow(SQLModel, table=True):
    """A mail in an archive that is from our address and looks like one of ours, but is not in the outbox.

    Judgements: "" while the posting that it answers is unknown; "ours", "foreign", and "settled" by a person.
    """

    __tablename__ = "claim"

    message_id: str = Field(primary_key=True)
    in_reply_to: str
    arrived: datetime
    raw_mail: int
    judgement: str = Field(default="", index=True)


class StopRow(SQLModel, table=True):
    """The stop of all sending, one row: `number` grows with each stop and lift; without `reason` mails may leave.

    `seen` is the number that the running sender saw last.
    """

    __tablename__ = "stop"

    id: int = Field(default=1, primary_key=True)
    number: int = 0
    reason: str = ""
    since: datetime
    seen: int = 0
