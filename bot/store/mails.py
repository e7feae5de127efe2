# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw mails, cursors and threads."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select, update

from bot.ports import Batch, Indexed, RawMail, StoredMail, Thread, Unread
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.tables import CursorRow, MailRow, MessageRow, PostingRow, ThreadRow

_MOST_IN_A_THREAD = 2000  # of a longer one the oldest; only an attack or a broken mailer makes such


class MailRows:
    """bot.ports.Mails over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursors(self, source: str) -> dict[str, str]:
        with self._database.reading() as session:
            rows = session.exec(select(CursorRow).where(CursorRow.source == source))
            return {row.epoch: row.position for row in rows}

    def ingest(self, batch: Batch) -> int:
        values = [
            {
                "content_hash": _hash(mail.raw),
                "source": batch.source,
                "origin": mail.origin,
                "arrived": mail.arrived,
                "raw": pack(mail.raw),
                "state": "new",
                "reason": "",
            }
            for mail in batch.mails
        ]
        with self._database.writing() as session:
            new = 0
            for value in values:
                new += session.exec(insert(MailRow).values(**value).on_conflict_do_nothing()).rowcount
            for gone in batch.deleted:
                _forget(session, _hash(gone.raw), gone.origin)
            cursor = {"source": batch.source, "epoch": batch.epoch, "position": batch.cursor}
            session.exec(
                insert(CursorRow)
                .values(**cursor)
                .on_conflict_do_update(index_elements=["source", "epoch"], set_={"position": batch.cursor})
            )
            return new

    def unparsed(self, limit: int) -> Sequence[StoredMail]:
        with self._database.reading() as session:
            rows = session.exec(select(MailRow).where(MailRow.state == "new").order_by(col(MailRow.id)).limit(limit))
            return [StoredMail(row.id, _mail(row)) for row in rows if row.id is not None]

    def index(self, mails: Sequence[Indexed], unreadable: Sequence[Unread]) -> None:
        with self._database.writing() as session:
            for mail in mails:
                _set_state(session, mail.mail, *_thread(session, mail))
            for unread in unreadable:
                _set_state(session, unread.mail, "unreadable", unread.reason)

    def unassembled(self, limit: int) -> Sequence[Thread]:
        with self._database.reading() as session:
            due = select(ThreadRow).where(col(ThreadRow.changed) > col(ThreadRow.assembled))
            rows = session.exec(due.order_by(col(ThreadRow.id)).limit(limit)).all()
            return [_load(session, row) for row in rows]

    def pending(self) -> tuple[int, int]:
        with self._database.reading() as session:
            mails = session.exec(select(func.count()).where(MailRow.state == "new")).one()
            due = col(ThreadRow.changed) > col(ThreadRow.assembled)
            return mails, session.exec(select(func.count()).where(due)).one()


def _thread(session: Session, mail: Indexed) -> tuple[str, str]:
    """Put the mail into the thread of its relatives, joining their threads into the oldest; its new state and why."""
    known = session.get(MessageRow, mail.message_id)
    if known is not None and known.mail_id is not None:
        if known.digest == mail.digest:
            return "duplicate", ""
        known.disputed = True
        session.add(known)
        _touch(session, known.thread_id)
        return "conflict", f"{mail.message_id} was there before with other content"
    ids = dict.fromkeys((mail.message_id, *mail.related))
    found = session.exec(select(MessageRow).where(col(MessageRow.message_id).in_(ids))).all()
    threads = sorted({row.thread_id for row in found})
    thread = threads[0] if threads else _new_thread(session)
    for other in threads[1:]:
        _join(session, other, thread)
    if threads:
        _touch(session, thread)
    absent = [{"message_id": one, "thread_id": thread, "digest": "", "disputed": False} for one in ids]
    session.exec(insert(MessageRow).values(absent).on_conflict_do_nothing())
    session.exec(
        update(MessageRow)
        .where(col(MessageRow.message_id) == mail.message_id)
        .values(mail_id=mail.mail, digest=mail.digest)
    )
    return "read", ""


def _new_thread(session: Session) -> int:
    row = ThreadRow()
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def _join(session: Session, other: int, thread: int) -> None:
    for table in (MessageRow, PostingRow):
        session.exec(update(table).where(col(table.thread_id) == other).values(thread_id=thread))
    # The row stays, empty and done: its number is never given to another thread.
    session.exec(update(ThreadRow).where(col(ThreadRow.id) == other).values(assembled=ThreadRow.changed))


def _touch(session: Session, thread: int) -> None:
    session.exec(update(ThreadRow).where(col(ThreadRow.id) == thread).values(changed=ThreadRow.changed + 1))


def _forget(session: Session, content_hash: str, why: str) -> None:
    """Drop the bytes of a mail that the archive's keeper removed, and read its thread again without it."""
    row = session.exec(select(MailRow).where(MailRow.content_hash == content_hash)).first()
    if row is None or row.id is None:
        return
    row.raw, row.state, row.reason = pack(b""), "deleted", f"removed from the archive by {why}"
    session.add(row)
    for message in session.exec(select(MessageRow).where(MessageRow.mail_id == row.id)).all():
        message.mail_id, message.digest = None, ""
        session.add(message)
        _touch(session, message.thread_id)


def _load(session: Session, row: ThreadRow) -> Thread:
    assert row.id is not None
    found = session.exec(
        select(MessageRow, MailRow)
        .join(MailRow, col(MessageRow.mail_id) == col(MailRow.id))
        .where(MessageRow.thread_id == row.id)
        .order_by(col(MailRow.id))
        .limit(_MOST_IN_A_THREAD)
    ).all()
    disputed = frozenset(message.message_id for message, _ in found if message.disputed)
    return Thread(row.id, row.changed, tuple(_mail(mail) for _, mail in found), disputed)


def _mail(row: MailRow) -> RawMail:
    return RawMail(row.origin, row.arrived, unpack(row.raw))


def _set_state(session: Session, mail: int, state: str, reason: str) -> None:
    session.exec(update(MailRow).where(col(MailRow.id) == mail).values(state=state, reason=reason))


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
