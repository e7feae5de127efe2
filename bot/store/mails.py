# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw mails, cursors and threads."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Executable, bindparam, func
from sqlalchemy import select as core_select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select, update

from bot.ports.archive import Batch, Provenance, RawMail
from bot.ports.mails import ParsedMail, ReadFailure, StoredMail, Thread
from bot.store.blocks import NOWHERE, BlockReader, Extent, driver, erase_bytes, store_bytes
from bot.store.codec import chunks, up_to
from bot.store.database import Database
from bot.store.tables import CursorRow, MailRow, MessageRow, ThreadRow
from bot.store.threads import Threads

_MAX_THREAD = 2000  # mails of a thread that are loaded, the oldest; only attacks and broken mailers send more

_FOLLOWED, _FOUND, _PRIVATE = Provenance.FOLLOWED.value, Provenance.FOUND.value, Provenance.PRIVATE.value
_INSERT = insert(MailRow)
_INSERT_OR_PROMOTE = _INSERT.on_conflict_do_update(
    index_elements=["content_hash"],
    set_={name: _INSERT.excluded[name] for name in ("source", "origin", "arrived", "provenance", "state", "reason")},
    where=(col(MailRow.state) != "deleted")
    & col(MailRow.pruned).is_(None)
    & (
        (col(MailRow.provenance) != _FOLLOWED) & (_INSERT.excluded.provenance == _FOLLOWED)
        | (col(MailRow.provenance) == _PRIVATE) & (_INSERT.excluded.provenance == _FOUND)
    ),
)
"""A stored mail becomes new again if it arrives with a better provenance, unless its text was removed."""

_UNPARSED: Final[Executable] = (
    core_select(
        *map(col, (MailRow.id, MailRow.origin, MailRow.arrived, MailRow.source, MailRow.provenance)),
        *map(col, (MailRow.block, MailRow.start, MailRow.length)),
    )
    .where(col(MailRow.state) == "new")
    .order_by(col(MailRow.id))
    .limit(bindparam("most"))
)
_OF_THREAD: Final[Executable] = (
    core_select(
        *map(col, (MailRow.origin, MailRow.arrived)),
        *map(col, (MessageRow.message_id, MessageRow.disputed, MessageRow.carriers)),
        *map(col, (MailRow.block, MailRow.start, MailRow.length)),
    )
    .join(MailRow, col(MessageRow.mail_id) == col(MailRow.id))
    .where(col(MessageRow.thread_id) == bindparam("thread"), col(MailRow.pruned).is_(None))
    .order_by(col(MailRow.id))
    .limit(_MAX_THREAD)
)


class MailRows:
    """bot.ports.Mails over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursors(self, source: str) -> dict[str, str]:
        with self._database.reading() as session:
            rows = session.exec(select(CursorRow).where(CursorRow.source == source))
            return {row.epoch: row.position for row in rows}

    def ingest(self, batch: Batch) -> int:
        hashes = [_hash(mail.raw) for mail in batch.mails]
        with self._database.writing() as session:
            last = session.exec(select(func.max(MailRow.id))).one() or 0
            extents = _store(session, last, dict(zip(hashes, batch.mails, strict=True)))
            values = [
                {
                    "content_hash": content_hash,
                    "source": batch.source,
                    "origin": mail.origin,
                    "arrived": mail.arrived,
                    "state": "new",
                    "reason": "",
                    "provenance": batch.provenance.value,
                    **extents.get(content_hash, NOWHERE)._asdict(),
                }
                for content_hash, mail in zip(hashes, batch.mails, strict=True)
            ]
            if values:
                session.connection().execute(_INSERT_OR_PROMOTE, values)
            new = session.exec(select(func.count()).where(col(MailRow.id) > last)).one()
            for deleted in batch.deleted:
                _forget(session, _hash(deleted.raw), deleted.origin)
            cursor = {"source": batch.source, "epoch": batch.epoch, "position": batch.cursor}
            session.exec(
                insert(CursorRow)
                .values(**cursor)
                .on_conflict_do_update(index_elements=["source", "epoch"], set_={"position": batch.cursor})
            )
            return new

    def unparsed(self, limit: int) -> Sequence[StoredMail]:
        with self._database.reading() as session:
            rows = session.connection().execute(_UNPARSED, {"most": limit}).all()
            reader = BlockReader(driver(session.connection()))
            mails = (
                StoredMail(number, RawMail(origin, arrived, reader.bytes_at(*extent)), source, Provenance(provenance))
                for number, origin, arrived, source, provenance, *extent in rows
            )
            return list(up_to(mails, lambda mail: len(mail.mail.raw)))

    def index(self, mails: Sequence[ParsedMail], unreadable: Sequence[ReadFailure]) -> None:
        with self._database.writing() as session:
            threads = Threads(session, mails)
            states = [(mail.mail, *threads.add(mail)) for mail in mails]
            threads.save()
            states += threads.replaced
            states += [(unread.mail, "unreadable", unread.reason) for unread in unreadable]
            _set_states(session, states)

    def keep_private(self, sources: Sequence[str]) -> int:
        with self._database.writing() as session:
            here = col(MailRow.pruned).is_(None)
            let_in = col(MailRow.source).in_(sources), col(MailRow.provenance) != _PRIVATE, here
            rows = session.exec(select(MailRow.id, MailRow.state, MailRow.reason).where(*let_in)).all()
            for mail, state, reason in rows:
                _withdraw(session, mail, reason.split(" ", 1)[0] if state == "conflict" else "")
            if rows:
                # These mails are read again, and the mails whose message-ids they had.
                read_again = col(MailRow.state).in_(("duplicate", "conflict")) | (
                    (col(MailRow.state) == "read") & let_in[0]
                )
                session.exec(update(MailRow).where(read_again, here).values(state="new", reason=""))
                session.exec(update(MailRow).where(*let_in).values(provenance=_PRIVATE))
            return len(rows)

    def unassembled(self, limit: int) -> Sequence[Thread]:
        with self._database.reading() as session:
            due = select(ThreadRow).where(col(ThreadRow.changed) > col(ThreadRow.assembled))
            rows = session.exec(due.order_by(col(ThreadRow.id)).limit(limit)).all()
            reader = BlockReader(driver(session.connection()))
            return list(up_to((_load(session, row, reader) for row in rows), _thread_size))

    def pending(self) -> tuple[int, int]:
        with self._database.reading() as session:
            mails = session.exec(select(func.count()).where(MailRow.state == "new")).one()
            due = col(ThreadRow.changed) > col(ThreadRow.assembled)
            return mails, session.exec(select(func.count()).where(due)).one()


def _store(session: Session, last: int, mails: dict[str, RawMail]) -> dict[str, Extent]:
    """Store the bytes of the mails that are not stored yet, and return where. `last` is the last row of a mail."""
    known: set[str] = set()
    for hashes in chunks(mails):
        known.update(session.exec(select(MailRow.content_hash).where(col(MailRow.content_hash).in_(hashes))))
    new = {content_hash: mail.raw for content_hash, mail in mails.items() if content_hash not in known}
    newest = session.exec(select(MailRow.block).where(MailRow.id == last)).first()
    return dict(zip(new, store_bytes(driver(session.connection()), new.values(), newest or 0), strict=True))


def _forget(session: Session, content_hash: str, origin: str) -> None:
    """Remove the bytes of a mail that was removed from its archive, and assemble its thread again."""
    row = session.exec(select(MailRow).where(MailRow.content_hash == content_hash)).first()
    if row is None or row.id is None:
        return
    erase_bytes(driver(session.connection()), [Extent(row.block, row.start, row.length)])
    row.block, row.start, row.length = NOWHERE
    row.state, row.reason = "deleted", f"removed from the archive by {origin}"
    session.add(row)
    for message in session.exec(select(MessageRow).where(MessageRow.mail_id == row.id)).all():
        _detach(session, message)


def _withdraw(session: Session, mail: int | None, claimed: str) -> None:
    """Remove a mail from its thread, and end its dispute about the message-id of another mail."""
    related = (col(MessageRow.mail_id) == mail) | (col(MessageRow.message_id) == claimed)
    for message in session.exec(select(MessageRow).where(related)).all():
        message.disputed = False
        if message.mail_id == mail:
            _detach(session, message)
        else:
            _touch(session, message)


def _detach(session: Session, message: MessageRow) -> None:
    """Keep only the references to a message-id, and assemble its thread again."""
    message.mail_id, message.digest = None, ""
    _touch(session, message)


def _touch(session: Session, message: MessageRow) -> None:
    session.add(message)
    thread = update(ThreadRow).where(col(ThreadRow.id) == message.thread_id)
    session.exec(thread.values(changed=ThreadRow.changed + 1))


def _load(session: Session, row: ThreadRow, reader: BlockReader) -> Thread:
    assert row.id is not None
    rows = session.connection().execute(_OF_THREAD, {"thread": row.id}).all()
    mails = (
        (RawMail(origin, arrived, reader.bytes_at(*extent)), message_id, is_disputed, lists)
        for origin, arrived, message_id, is_disputed, lists, *extent in rows
    )
    loaded = list(up_to(mails, lambda mail: len(mail[0].raw)))
    disputed = frozenset(message_id for _, message_id, is_disputed, _ in loaded if is_disputed)
    carriers = {message_id: tuple(lists.split()) for _, message_id, _, lists in loaded if lists is not None}
    return Thread(row.id, row.changed, tuple(mail for mail, *_ in loaded), disputed, carriers)


def _thread_size(thread: Thread) -> int:
    return sum(len(mail.raw) for mail in thread.mails)


def _set_states(session: Session, states: Sequence[tuple[int, str, str]]) -> None:
    if states:
        row = update(MailRow).where(col(MailRow.id) == bindparam("mail"))
        values = row.values(state=bindparam("new_state"), reason=bindparam("why"))
        rows = [{"mail": mail, "new_state": state, "why": reason} for mail, state, reason in states]
        session.connection().execute(values, rows)


def read_mail(reader: BlockReader, row: MailRow) -> RawMail:
    """Return the mail of a row."""
    return RawMail(row.origin, row.arrived, reader.bytes_at(row.block, row.start, row.length))


def stored_mails(session: Session, rows: Iterable[MailRow]) -> Iterator[StoredMail]:
    """Yield the mails of these rows."""
    reader = BlockReader(driver(session.connection()))
    return (StoredMail(row.id, read_mail(reader, row)) for row in rows if row.id is not None)


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
