# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw mails, cursors and threads."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bot.ports.mails import ParsedMail, ReadBatch, ReadFailure, StoredMail, Thread
from bot.ports.raw_mail import Batch, Provenance, RawMail
from bot.store.blocks import (
    NOWHERE,
    BlockReader,
    Extent,
    PackedBatch,
    PackedBytes,
    driver,
    erase_bytes,
    hash_bytes,
    pack_batch,
    store_bytes,
    store_packed,
)
from bot.store.codec import up_to
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.texts import keep_texts
from bot.store.threads import CHANGED, Threads
from bot.store.times import text_of, time_of

if TYPE_CHECKING:
    from sqlmodel import Session

    from bot.store.tables import MailRow

_MAX_THREAD = 2000
"""Mails of a thread that are loaded, the newest: anybody can connect a new series with old threads of any length."""

_MAX_BATCH_BYTES: Final = 8 * 1024 * 1024
"""Bytes of the threads that are assembled together: they are in memory several times, in this and other processes."""

_PRIVATE: Final = Provenance.PRIVATE.value
_INSERT_OR_PROMOTE: Final = """
INSERT INTO mail (content_hash, source, origin, arrived, state, reason, provenance, block, start, length)
VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, ?)
ON CONFLICT (content_hash) DO UPDATE SET
  source = excluded.source, origin = excluded.origin, arrived = excluded.arrived, provenance = excluded.provenance,
  state = 'new', reason = ''
WHERE mail.state != 'deleted' AND mail.pruned IS NULL
AND (mail.provenance != 'followed' AND excluded.provenance = 'followed'
  OR mail.provenance = 'private' AND excluded.provenance = 'found')"""
"""A stored mail becomes new again if it arrives with a better provenance, unless its text was removed."""

_INSERT_UNREAD: Final = """
INSERT INTO mail (content_hash, source, origin, arrived, state, reason, provenance, block, start, length)
VALUES (?, ?, ?, ?, 'unreadable', ?, ?, ?, ?, ?)
ON CONFLICT (content_hash) DO UPDATE SET reason = excluded.reason WHERE mail.state = 'unreadable'"""
"""A mail whose bytes are not read has the hash of its source and origin."""

_READ_SINCE: Final = "UPDATE mail SET state = 'deleted', reason = 'it was read later' WHERE content_hash = ?"
"""The row stays, so that no other mail gets its number: jobs know by the numbers which mails they checked."""

_KNOWN: Final = "SELECT content_hash FROM mail WHERE content_hash IN (SELECT value FROM json_each(?))"
_WITH_HASHES: Final = "SELECT id FROM mail WHERE content_hash IN (SELECT value FROM json_each(?))"
_CURSOR: Final = """
INSERT INTO cursor (source, epoch, position) VALUES (?, ?, ?)
ON CONFLICT (source, epoch) DO UPDATE SET position = excluded.position"""
_UNPARSED: Final = """
SELECT id, origin, arrived, source, provenance, block, start, length FROM mail
WHERE state = 'new' ORDER BY id LIMIT ?"""
_SET_STATE: Final = "UPDATE mail SET state = ?, reason = ? WHERE id = ?"
_READ: Final = ("read", "")
"""The state and the reason of most mails."""
_STILL_NEW: Final = """
SELECT id, provenance FROM mail WHERE state = 'new' AND id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))"""
_LAST_READ: Final = "SELECT id FROM mail WHERE state != 'new' ORDER BY id DESC LIMIT 1"
_LET_IN: Final = f"""
FROM mail WHERE source IN (SELECT value FROM json_each(?)) AND provenance != '{_PRIVATE}' AND pruned IS NULL"""  # noqa: S608 constants
# These mails are read again, and the mails whose message-ids they had.
_READ_AGAIN: Final = f"""
UPDATE mail SET state = 'new', reason = '' WHERE pruned IS NULL
AND (state IN ('duplicate', 'conflict') OR state = 'read' AND id IN (SELECT id {_LET_IN}))"""  # noqa: S608 constants
_MAKE_PRIVATE: Final = f"UPDATE mail SET provenance = '{_PRIVATE}' WHERE id IN (SELECT id {_LET_IN})"  # noqa: S608 constants
_EXTENT: Final = "SELECT id, block, start, length FROM mail WHERE content_hash = ?"
_DELETE: Final = "UPDATE mail SET block = ?, start = ?, length = ?, state = 'deleted', reason = ? WHERE id = ?"
_MESSAGES_OF: Final = "SELECT message_id, thread_id FROM message WHERE mail_id = ?"
_RELATED: Final = "SELECT message_id, thread_id, mail_id FROM message WHERE mail_id = ? OR message_id = ?"
_UNDISPUTED: Final = "UPDATE message SET disputed = ? WHERE message_id = ?"
_WITHOUT_MAIL: Final = "UPDATE message SET mail_id = NULL, digest = '' WHERE message_id = ?"
_DUE_THREADS: Final = "FROM thread WHERE changed > assembled"
_OF_THREAD: Final = """
SELECT origin, arrived, message_id, disputed, carriers, mail.id, block, start, length FROM message
JOIN mail ON mail.id = mail_id WHERE thread_id = ? AND pruned IS NULL ORDER BY mail.id DESC LIMIT ?"""


class MailRows:
    """bot.ports.Mails over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursors(self, source: str) -> dict[str, str]:
        with self._database.rows() as connection:
            return dict(connection.execute("SELECT epoch, position FROM cursor WHERE source = ?", (source,)))

    @property
    def pack(self) -> Callable[[Sequence[bytes]], PackedBatch]:
        return pack_batch

    def ingest(self, batch: Batch) -> int:
        contents = [mail.raw for mail in batch.mails]
        with self._database.changing() as connection:
            return len(_ingest(connection, batch, [hash_bytes(content) for content in contents], contents, ()))

    def ingest_read(self, read: ReadBatch) -> int:
        hashes, packed = read.packed
        mails = [(name, mail) for name, mail in zip(hashes, read.parsed, strict=True) if mail is not None]
        removed = {hash_bytes(mail.raw) for mail in read.batch.deleted}
        with self._database.changing() as connection:
            new = _ingest(connection, read.batch, hashes, packed, {name for name, _ in mails})
            # Of two equal mails in the batch the row is that of the first one.
            parsed = {new[name]: mail for name, mail in reversed(mails) if name in new and name not in removed}
            states = _thread(connection, sorted(parsed.items()))
            connection.executemany(_SET_STATE, [state for state in states if state[:2] != _READ])
            return len(new)

    def unparsed(self, limit: int) -> Sequence[StoredMail]:
        with self._database.rows() as connection:
            rows = connection.execute(_UNPARSED, (limit,)).fetchall()
            reader = BlockReader(connection)
            mails = (
                StoredMail(
                    number, RawMail(origin, time_of(arrived), reader.bytes_at(*extent)), source, Provenance(provenance)
                )
                for number, origin, arrived, source, provenance, *extent in rows
            )
            return list(up_to(mails, lambda mail: len(mail.mail.raw)))

    def index(self, mails: Sequence[ParsedMail], unreadable: Sequence[ReadFailure]) -> None:
        with self._database.changing() as connection:
            new = _index(connection, mails, [unread.mail for unread in unreadable])
            rows = [("unreadable", unread.reason, unread.mail) for unread in unreadable if unread.mail in new]
            connection.executemany(_SET_STATE, rows)

    def keep_private(self, sources: Sequence[str]) -> int:
        names = json.dumps(sources)
        with self._database.changing(many_rows=True) as connection:
            rows = connection.execute(f"SELECT id, state, reason {_LET_IN}", (names,)).fetchall()
            keep_texts(connection, [mail for mail, *_ in rows])
            for mail, state, reason in rows:
                _withdraw(connection, mail, reason.split(" ", 1)[0] if state == "conflict" else "")
            if rows:
                connection.execute(_READ_AGAIN, (names,))
                connection.execute(_MAKE_PRIVATE, (names,))
            return len(rows)

    def unassembled(self, limit: int) -> Sequence[Thread]:
        with self._database.rows() as connection:
            query = f"SELECT id, changed {_DUE_THREADS} ORDER BY id LIMIT ?"
            rows = connection.execute(query, (limit,)).fetchall()
            reader = BlockReader(connection)
            return list(up_to((_load(connection, reader, *row) for row in rows), _thread_size, _MAX_BATCH_BYTES))

    def last_read(self) -> int:
        """Return the row of the last mail that was read, or 0."""
        with self._database.rows() as connection:
            return (connection.execute(_LAST_READ).fetchone() or (0,))[0]

    def pending(self) -> tuple[int, int]:
        with self._database.rows() as connection:
            (mails,) = connection.execute("SELECT count(*) FROM mail WHERE state = 'new'").fetchone()
            (threads,) = connection.execute(f"SELECT count(*) {_DUE_THREADS}").fetchone()
            return mails, threads


def _ingest(
    connection: Plain,
    batch: Batch,
    hashes: Sequence[str],
    contents: Sequence[bytes] | PackedBytes,
    read: Collection[str],
) -> dict[str, int]:
    """Store the mails with these contents and the cursor. Return the rows of the new mails by their hashes.

    The new mails with hashes in `read` are stored as read.
    """
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM mail").fetchone()
    extents = _store(connection, last, hashes, contents)
    provenance = batch.provenance.value
    rows = [
        (
            *(content_hash, batch.source, mail.origin, text_of(mail.arrived)),
            *("read" if content_hash in read else "new", provenance),
            *extents.get(content_hash, NOWHERE),
        )
        for content_hash, mail in zip(hashes, batch.mails, strict=True)
    ]
    connection.executemany(_INSERT_OR_PROMOTE, rows)
    new = dict(connection.execute("SELECT content_hash, id FROM mail WHERE id > ?", (last,)))
    deleted = [(hash_bytes(mail.raw), mail.origin) for mail in batch.deleted]
    named = json.dumps([content_hash for content_hash, _ in deleted])
    keep_texts(connection, [mail for (mail,) in connection.execute(_WITH_HASHES, (named,))])
    for content_hash, origin in deleted:
        _forget(connection, content_hash, origin)
    if not batch.unread:
        connection.execute(_READ_SINCE, (_name(batch.source, batch.epoch),))
    for unread in batch.unread:
        name, arrived = _name(batch.source, unread.origin), text_of(unread.arrived)
        row = name, batch.source, unread.origin, arrived, unread.reason, provenance, *NOWHERE
        connection.execute(_INSERT_UNREAD, row)
    connection.execute(_CURSOR, (batch.source, batch.epoch, batch.cursor))
    return new


def _name(source: str, origin: str) -> str:
    """Return what a mail whose bytes are not read has instead of their hash."""
    return hash_bytes(f"{source} {origin}".encode())


def _store(
    connection: Plain, last: int, hashes: Sequence[str], contents: Sequence[bytes] | PackedBytes
) -> dict[str, Extent]:
    """Store the contents that are not stored yet, and return where. `last` is the last row of a mail."""
    known = {content_hash for (content_hash,) in connection.execute(_KNOWN, (json.dumps(hashes),))}
    row = connection.execute("SELECT block FROM mail WHERE id = ?", (last,)).fetchone()
    newest = 0 if row is None else row[0]
    if isinstance(contents, PackedBytes):
        if not known and len(set(hashes)) == len(hashes):
            return dict(zip(hashes, store_packed(connection, contents), strict=True))
        contents = contents.unpacked()  # A stored mail must not be in another block too: it can be removed.
    new = {name: content for name, content in zip(hashes, contents, strict=True) if name not in known}
    return dict(zip(new, store_bytes(connection, new.values(), newest), strict=True))


def _index(connection: Plain, mails: Sequence[ParsedMail], others: Sequence[int] = ()) -> Collection[int]:
    """Add the mails that are still new to threads, and set their states. Return which of all these rows are new."""
    # A mail may have been removed since it was read, or stored with a better provenance.
    ids = [*(mail.mail for mail in mails), *others]
    new = dict(connection.execute(_STILL_NEW, (json.dumps(ids),)))
    still_new = [(mail.mail, mail) for mail in mails if new.get(mail.mail) == mail.provenance.value]
    states = _thread(connection, still_new)
    connection.executemany(_SET_STATE, states)
    return new


def _thread(connection: Plain, mails: Sequence[tuple[int, ParsedMail]]) -> list[tuple[str, str, int]]:
    """Add mails to threads. Return the states of them, and of the mails that they replace, with reasons and rows.

    Each of the given mails has its row before it.
    """
    threads = Threads(connection, [mail for _, mail in mails])
    states = [(*threads.add(mail, row), row) for row, mail in mails]
    keep_texts(connection, [mail for mail, *_ in threads.replaced])
    threads.save()
    return [*states, *((state, reason, mail) for mail, state, reason in threads.replaced)]


def _forget(connection: Plain, content_hash: str, origin: str) -> None:
    """Remove the bytes of a mail that was removed from its archive, and assemble its thread again.

    The postings have its text.
    """
    row = connection.execute(_EXTENT, (content_hash,)).fetchone()
    if row is None:
        return
    mail, *extent = row
    erase_bytes(connection, [Extent(*extent)])
    connection.execute(_DELETE, (*NOWHERE, f"removed from the archive by {origin}", mail))
    for message_id, thread in connection.execute(_MESSAGES_OF, (mail,)).fetchall():
        _detach(connection, message_id, thread)


def _withdraw(connection: Plain, mail: int, claimed: str) -> None:
    """Remove a mail from its thread, and end its dispute about the message-id of another mail.

    The postings have its text.
    """
    for message_id, thread, owner in connection.execute(_RELATED, (mail, claimed)).fetchall():
        connection.execute(_UNDISPUTED, (False, message_id))
        if owner == mail:
            _detach(connection, message_id, thread)
        else:
            connection.execute(CHANGED, (thread,))


def _detach(connection: Plain, message_id: str, thread: int) -> None:
    """Keep only the references to a message-id, and assemble its thread again."""
    connection.execute(_WITHOUT_MAIL, (message_id,))
    connection.execute(CHANGED, (thread,))


def _load(connection: Plain, reader: BlockReader, thread: int, changed: int) -> Thread:
    rows = connection.execute(_OF_THREAD, (thread, _MAX_THREAD)).fetchall()
    mails = (
        (RawMail(origin, time_of(arrived), reader.bytes_at(*extent)), message_id, is_disputed, lists, mail)
        for origin, arrived, message_id, is_disputed, lists, mail, *extent in rows
    )
    loaded = list(up_to(mails, lambda mail: len(mail[0].raw)))[::-1]
    disputed = frozenset(message_id for _, message_id, is_disputed, *_ in loaded if is_disputed)
    carriers = {message_id: tuple(lists.split()) for _, message_id, _, lists, _ in loaded if lists is not None}
    ids = {message_id: mail for _, message_id, *_, mail in loaded}
    return Thread(thread, changed, tuple(mail for mail, *_ in loaded), disputed, carriers, ids)


def _thread_size(thread: Thread) -> int:
    return sum(len(mail.raw) for mail in thread.mails)


def read_mail(reader: BlockReader, row: "MailRow") -> RawMail:
    """Return the mail of a row."""
    return RawMail(row.origin, row.arrived, reader.bytes_at(row.block, row.start, row.length))


def stored_mails(session: "Session", rows: "Iterable[MailRow]") -> Iterator[StoredMail]:
    """Yield the mails of these rows."""
    reader = BlockReader(driver(session.connection()))
    return (StoredMail(row.id, read_mail(reader, row)) for row in rows if row.id is not None)
