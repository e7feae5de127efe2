# SPDX-License-Identifier: GPL-2.0-or-later
"""Threading: assign a batch of mails to threads, join threads that a mail connects, and write them at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select, update

from bot.ports.archive import Provenance
from bot.ports.mails import ParsedMail
from bot.store.codec import chunks
from bot.store.tables import MailRow, MessageRow, PostingRow, ThreadRow
from rules.lazy import dataclass


@dataclass(slots=True)
class _Known:
    """A message-id of this batch. `thread` may have been joined to another thread since."""

    thread: int
    mail: int | None = None
    digest: str = ""
    disputed: bool = False
    followed: bool = True
    carriers: str | None = None
    in_reply_to: str = ""


class Threads:
    """The threads of a batch of mails, in memory between `add` and `save`, within a writing session."""

    def __init__(self, session: Session, mails: Sequence[ParsedMail]) -> None:
        self._session = session
        self._known: dict[str, _Known] = {}
        self._joined: dict[int, int] = {}
        self._touched: set[int] = set()
        self.replaced: list[tuple[int, str, str]] = []
        """The mails that lost their message-id to an earlier mail, each with its new state and the reason."""

        self._first_new = (session.exec(select(func.max(ThreadRow.id))).one() or 0) + 1
        self._next = self._first_new
        ids = dict.fromkeys(chain.from_iterable((mail.message_id, *mail.related) for mail in mails))
        for chunk in chunks(ids):
            for row in session.exec(select(MessageRow).where(col(MessageRow.message_id).in_(chunk))):
                self._known[row.message_id] = _Known(
                    row.thread_id,
                    row.mail_id,
                    row.digest,
                    row.disputed,
                    row.followed,
                    row.carriers,
                    row.in_reply_to,
                )

    def add(self, mail: ParsedMail) -> tuple[str, str]:
        """Add the mail to the thread of the mails that it refers to. Return its new state and the reason.

        If several mails have the same message-id, the mail that arrived first in an archive keeps it, in whatever order
        they are read. So a later mail with the same id cannot replace the mail of another person.
        """
        if mail.provenance is Provenance.PRIVATE:
            return "private", f"{mail.message_id} came only to our own mailbox"
        known = self._known.get(mail.message_id)
        if known is not None and known.mail is not None:
            if mail.mail == known.mail or mail.digest == known.digest:
                self._confirm(known, mail)
                return ("read" if mail.mail == known.mail else "duplicate"), ""
            earlier = self._arrived(known.mail) - self._arrived(mail.mail)
            if earlier <= timedelta():
                known.disputed = known.disputed or not earlier
                self._touched.add(self._root(known.thread))
                return "conflict", f"{mail.message_id} is the id of a mail with other content that arrived earlier"
            self.replaced.append(
                (
                    known.mail,
                    "conflict",
                    f"{mail.message_id} is the id of a mail with other content that arrived earlier",
                )
            )
        ids = dict.fromkeys((mail.message_id, *mail.related))
        threads = {self._root(self._known[message_id].thread) for message_id in ids if message_id in self._known}
        thread = min(threads, default=self._next)
        self._next += thread == self._next
        for other in threads - {thread}:
            self._joined[other] = thread
        for message_id in ids:
            self._known.setdefault(message_id, _Known(thread))
        entry = self._known[mail.message_id]
        entry.mail, entry.digest, entry.in_reply_to = mail.mail, mail.digest, mail.in_reply_to
        entry.followed, entry.carriers = mail.provenance is Provenance.FOLLOWED, " ".join(mail.carriers)
        self._touched.add(thread)
        return "read", ""

    def _arrived(self, mail: int) -> datetime:
        return self._session.exec(select(MailRow.arrived).where(MailRow.id == mail)).one()

    def _confirm(self, known: _Known, mail: ParsedMail) -> None:
        """Add the lists of another copy of a mail. Its thread is assembled again if a list is new.

        The lists of a mail that an earlier version read stay unknown.
        """
        followed = known.followed or mail.provenance is Provenance.FOLLOWED
        carriers = known.carriers
        if carriers is not None:
            carriers = " ".join(sorted({*carriers.split(), *mail.carriers}))
        if (followed, carriers) != (known.followed, known.carriers):
            known.followed, known.carriers = followed, carriers
            self._touched.add(self._root(known.thread))

    def save(self) -> None:
        """Write the threads and message-ids."""
        roots = {self._root(thread) for thread in self._touched}
        new = [{"id": thread, "changed": 1, "assembled": 0} for thread in roots if thread >= self._first_new]
        self._many(insert(ThreadRow), new)
        for other in (thread for thread in self._joined if thread < self._first_new):
            for table in (MessageRow, PostingRow):
                moved = update(table).where(col(table.thread_id) == other)
                self._session.exec(moved.values(thread_id=self._root(other)))
            # The empty row stays, so that no other thread gets its number.
            done = update(ThreadRow).where(col(ThreadRow.id) == other)
            self._session.exec(done.values(assembled=ThreadRow.changed))
        for chunk in chunks(thread for thread in roots if thread < self._first_new):
            changed = update(ThreadRow).where(col(ThreadRow.id).in_(chunk))
            self._session.exec(changed.values(changed=ThreadRow.changed + 1))
        upsert = insert(MessageRow)
        names = ("thread_id", "mail_id", "digest", "disputed", "followed", "carriers", "in_reply_to")
        upsert = upsert.on_conflict_do_update(
            index_elements=["message_id"], set_={name: upsert.excluded[name] for name in names}
        )
        rows = (
            (
                message_id,
                self._root(known.thread),
                known.mail,
                known.digest,
                known.disputed,
                known.followed,
                known.carriers,
                known.in_reply_to,
            )
            for message_id, known in self._known.items()
        )
        self._many(upsert, [dict(zip(("message_id", *names), row, strict=True)) for row in rows])

    def _root(self, thread: int) -> int:
        while thread in self._joined:
            thread = self._joined[thread]
        return thread

    def _many(self, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            self._session.connection().execute(statement, rows)
