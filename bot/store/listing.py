# SPDX-License-Identifier: GPL-2.0-or-later
"""What commands list, by plain statements: loading SQLAlchemy takes longer than all these queries.

`StoreReader` opens a database for reading only; a `Repository` has the same methods.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Protocol

from bot.mail.command import Scope
from bot.mail.outgoing import COMMAND_REPLY, DIGEST, Outgoing
from bot.mail.state import MailState
from bot.ports.installation import Claim, Installation
from bot.ports.mails import MailStatus
from bot.ports.outbox import StopState
from bot.ports.raw_mail import RawMail
from bot.ports.store import QuarantinedPosting
from bot.review.consent import Mode
from bot.review.disposition import ActiveMute
from bot.store.blocks import EMPTY, BlockReader
from bot.store.dialect import Plain, driver_errors, open_reading, open_writing, snapshot, transaction
from bot.store.error import explained
from bot.store.secret import secret_path
from bot.store.times import text_of

if TYPE_CHECKING:
    from bot.review.pending import PendingPosting
    from rules.bindings.pending_facts import PendingKind

MIGRATIONS: Final = Path(__file__).with_name("migrations")
FILED: Final = Mode.DRY_RUN.value
"""The mode of mails that are only written to a folder."""
PRIVATE: Final = (COMMAND_REPLY, DIGEST)
"""The kinds of mails that people requested, so that only the limit per hour applies to them."""
NOTICES: Final = ("foreign", "repeat", "bounce", "unverified")
QUARANTINED: Final = "quarantined"
PRUNED: Final = "pruned"
"""The state of a posting whose texts were removed by retention."""
POSTING_VALUE: Final = "SELECT value FROM posting WHERE message_id = ?"
_LOOK_SECONDS: Final = 5.0
_TIMES: Final = frozenset({"arrived", "changed", "created", "due", "given", "pruned", "reviewed", "sent", "since"})


class Readable(Protocol):
    """A database that plain statements can read."""

    def rows(self) -> AbstractContextManager[Plain]:
        """Open a connection that reads one snapshot of the data."""


class Changeable(Readable, Protocol):
    """A database that plain statements can read and change."""

    def changing(self) -> AbstractContextManager[Plain]:
        """Open a connection with the write lock. It commits at its end, or rolls back."""


class ListingRows:
    """The queries of commands that list what is stored."""

    def __init__(self, database: Readable) -> None:
        self._listed = database

    def mails(self, state: MailState | None = None) -> Sequence[Outgoing]:
        """Return the mails in the outbox, or those in that state, newest first."""
        where, values = ("", ()) if state is None else ("WHERE state = ?", (state.value,))
        with self._listed.rows() as connection:
            query = f"SELECT * FROM outgoing {where} ORDER BY created DESC, message_id"  # noqa: S608 constants
            return [mail_of(row) for row in named_rows(connection, query, *values)]

    def mail(self, message_id: str) -> Outgoing | None:
        """Return the mail with that message-id or unique prefix of one, or None."""
        prefix = message_id.replace("/", "//").replace("%", "/%").replace("_", "/_")
        with self._listed.rows() as connection:
            query = "SELECT * FROM outgoing WHERE message_id LIKE ? ESCAPE '/' ORDER BY message_id != ? LIMIT 2"
            matching = list(named_rows(connection, query, f"{prefix}%", message_id))
        exact = [row for row in matching if row.message_id == message_id] or matching
        return mail_of(exact[0]) if len(exact) == 1 else None

    def notices(self, since: datetime) -> Sequence[tuple[str, str, str]]:
        """Return events for the operator, newest first: message-id, kind, and detail."""
        query = (
            "SELECT * FROM delivery_event WHERE kind IN (SELECT value FROM json_each(?)) AND noticed > ? "
            "ORDER BY noticed DESC"
        )
        with self._listed.rows() as connection:
            events = named_rows(connection, query, json.dumps(NOTICES), text_of(since))
            return [(row.message_id, row.kind, row.detail or row.place) for row in events]

    def stop_state(self) -> StopState:
        """Return whether sending is stopped, and why."""
        with self._listed.rows() as connection:
            states = named_rows(connection, "SELECT number, reason, since, seen FROM stop WHERE id = 1")
            return next((StopState(row.number, row.reason, row.since, row.seen) for row in states), StopState())

    def attempts(self) -> Mapping[str, int]:
        """Return for each mail that was not only filed how often it may have left."""
        query = "SELECT message_id, attempts FROM outgoing WHERE mode != ? AND attempts > 0"
        with self._listed.rows() as connection:
            return dict(connection.execute(query, (FILED,)).fetchall())

    def claims(self, status: str, limit: int) -> Sequence[Claim]:
        """Return mails in archives that may be ours, of that status, newest first."""
        query = "SELECT * FROM unknown_mail WHERE status = ? ORDER BY raw_mail DESC LIMIT ?"
        with self._listed.rows() as connection:
            rows = named_rows(connection, query, status, limit)
            return [Claim(row.message_id, row.in_reply_to, row.arrived, row.raw_mail) for row in rows]

    def mutes(self) -> Sequence[ActiveMute]:
        """Return all mutes, the oldest first."""
        with self._listed.rows() as connection:
            rows = named_rows(connection, "SELECT * FROM mute ORDER BY given")
            return [ActiveMute(Scope(row.scope), row.subject, row.by, row.message_id, row.given) for row in rows]

    def quarantined(self, limit: int) -> Sequence[MailStatus]:
        """Return the newest mails that cannot be read."""
        query = "SELECT * FROM mail WHERE state = 'unreadable' AND pruned IS NULL ORDER BY id DESC LIMIT ?"
        with self._listed.rows() as connection:
            reader = BlockReader(connection)
            return [mail_status(reader, row, "") for row in named_rows(connection, query, limit)]

    def quarantined_postings(self, limit: int) -> Sequence[QuarantinedPosting]:
        """Return the newest postings that could not be checked."""
        from bot.store.codec import posting_of

        query = (
            "SELECT value, arrived, reason FROM posting WHERE verdict = ? AND state NOT IN ('gone', ?) "
            "ORDER BY arrived DESC, message_id LIMIT ?"
        )
        with self._listed.rows() as connection:
            rows = named_rows(connection, query, QUARANTINED, PRUNED, limit)
            mails = BlockReader(connection).mails
            return [QuarantinedPosting(posting_of(row.value, mails), row.arrived, row.reason) for row in rows]

    def pending_postings(self) -> "Sequence[PendingPosting]":
        """Return all pending postings, oldest first."""
        return self._pending("ORDER BY sent, message_id")

    def find_pending(self, message_id: str) -> "PendingPosting | None":
        """Return the pending posting that contains this mail."""
        of_thread = (
            "JOIN posting USING (message_id) WHERE thread_id = (SELECT thread_id FROM message WHERE message_id = ?)"
        )
        postings = self._pending("WHERE message_id = ?", message_id) or self._pending(of_thread, message_id)
        return next((posting for posting in postings if message_id in posting.ids), None)

    def pending_with(self, keys: "Iterable[tuple[PendingKind, str]]") -> "Sequence[PendingPosting]":
        """Return the pending postings that have any of these facts, newest first, up to a limit."""
        from bot.ports.pending import MAX_CANDIDATES

        wanted = json.dumps(sorted((kind.value, name) for kind, name in keys))
        of_keys = (
            "WHERE message_id IN (SELECT message_id FROM json_each(?) AS key CROSS JOIN pending_fact "
            "ON kind = key.value ->> 0 AND name = key.value ->> 1) "
            "ORDER BY sent DESC, message_id DESC LIMIT ?"
        )
        return self._pending(of_keys, wanted, MAX_CANDIDATES)

    def topics_of(self, message_ids: Collection[str]) -> frozenset[str]:
        """Return the topics of the postings in the threads of these mails."""
        query = (
            "SELECT topic FROM posting WHERE thread_id IN "
            "(SELECT thread_id FROM message WHERE message_id IN (SELECT value FROM json_each(?)))"
        )
        with self._listed.rows() as connection:
            return frozenset(topic for (topic,) in connection.execute(query, (json.dumps(sorted(message_ids)),)))

    def _pending(self, rest: str, *values: object) -> "list[PendingPosting]":
        # Imported here because facts of Rust and C need their readers, and other lists do not.
        from bot.review.pending import PendingPosting
        from bot.store.codec import decode

        with self._listed.rows() as connection:
            rows = connection.execute(f"SELECT pending.value FROM pending {rest}", values)  # noqa: S608 constants
            return [decode(PendingPosting, value) for (value,) in rows]


class StoreReader(ListingRows):
    """The stored data, for reading only. Each query has its own connection.

    `server` is the URL of a PostgreSQL database; without it `path` is a SQLite file.
    """

    def __init__(self, path: Path, server: str = "") -> None:
        super().__init__(self)
        self._path = path
        self._server = server

    @contextmanager
    def rows(self) -> Iterator[Plain]:
        with (
            explained(self._path, self._server),
            closing(open_reading(self._path, self._server)) as connection,
            snapshot(connection),
        ):
            yield connection

    def installation(self, now: datetime) -> Installation:
        """Return the identity of the database. Without one it has no name: the first process that writes gives it."""
        has_secret = secret_path(self._path).exists()
        with self.rows() as connection:
            for row in named_rows(connection, "SELECT name, created, generation, secret FROM installation"):
                return Installation(row.name, row.created, row.generation, bool(row.secret) or not has_secret)
        return Installation("", now, 0, not has_secret)

    def is_current(self) -> bool:
        """Return whether the database has the schema of this version."""
        try:
            with closing(open_reading(self._path, self._server, _LOOK_SECONDS)) as connection:
                return is_current(connection)
        except driver_errors():
            return False


class StoreWriter(StoreReader):
    """The stored data, for the few changes that plain statements make. Each change has its own connection."""

    @contextmanager
    def changing(self) -> Iterator[Plain]:
        with (
            explained(self._path, self._server),
            closing(open_writing(self._path, self._server)) as connection,
            transaction(connection),
        ):
            yield connection


def is_current(connection: Plain) -> bool:
    """Return whether the database has the schema of this version."""
    try:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_schema(),)]
    except driver_errors():
        return False


def newest_schema() -> str:
    """Return the revision of the newest migration."""
    return max(file.name for file in (MIGRATIONS / "versions").glob("*.py")).partition("_")[0]


def mail_of(row: Any) -> Outgoing:
    """Return the mail of a row."""
    return Outgoing(
        message_id=row.message_id,
        posting_id=row.posting_id,
        kind=row.kind,
        envelope_from=row.envelope_from,
        envelope_to=tuple(row.envelope_to.split()),
        content=row.content,
        due=row.due,
        mode=row.mode,
        lists=tuple(row.lists.split()),
        author=row.author,
        state=MailState(row.state),
        reason=row.reason,
        destination=row.destination,
        attempts=row.attempts,
        changed=row.changed,
        created=row.created,
    )


def mail_status(reader: BlockReader, row: Any, message_id: str) -> MailStatus:
    """Return the mail of a row."""
    mail = RawMail(row.origin, row.arrived, reader.bytes_at(row.block, row.start, row.length))
    removed = f"removed by retention on {row.pruned:%Y-%m-%d}" if row.pruned else ""
    reason = "; ".join(filter(None, (row.reason, removed)))
    is_unread = row.state == "unreadable" and not row.length and row.content_hash != EMPTY and row.pruned is None
    return MailStatus(row.id, message_id, row.source, mail, row.state, reason, is_unread)


def named_rows(connection: Plain, query: str, *values: object) -> Iterator[Any]:
    """Yield the rows as objects with the names of the columns."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    for row in cursor:
        item = dict(zip(names, row, strict=True))
        for name in _TIMES.intersection(item):
            if item[name] is not None:
                item[name] = datetime.fromisoformat(item[name]).replace(tzinfo=UTC)
        yield SimpleNamespace(**item)
