# SPDX-License-Identifier: GPL-2.0-or-later
"""Threading: assign a batch of mails to threads, join threads that a mail connects, and write them at once."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from bot.ports.mails import ParsedMail
from bot.ports.raw_mail import Provenance
from bot.store.dialect import Plain
from bot.store.times import time_of
from rules.lazy import dataclass

_MESSAGES: Final = """
SELECT message_id, thread_id, mail_id, digest, disputed, followed, carriers, in_reply_to FROM message
WHERE message_id IN (SELECT value FROM json_each(?))"""
_INSERT_OR_REPLACE: Final = """
INSERT INTO message (message_id, thread_id, mail_id, digest, disputed, followed, carriers, in_reply_to)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (message_id) DO UPDATE SET
  thread_id = excluded.thread_id, mail_id = excluded.mail_id, digest = excluded.digest, disputed = excluded.disputed,
  followed = excluded.followed, carriers = excluded.carriers, in_reply_to = excluded.in_reply_to"""
_MOVE: Final = (
    "UPDATE message SET thread_id = ? WHERE thread_id = ?",
    "UPDATE posting SET thread_id = ? WHERE thread_id = ?",
)
CHANGED: Final = "UPDATE thread SET changed = changed + 1 WHERE id = ?"
"""Let a thread be assembled again."""


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

    def __init__(self, connection: Plain, mails: Sequence[ParsedMail]) -> None:
        self._connection = connection
        self._known: dict[str, _Known] = {}
        self._joined: dict[int, int] = {}
        self._touched: set[int] = set()
        self.replaced: list[tuple[int, str, str]] = []
        """The mails that lost their message-id to an earlier mail, each with its new state and the reason."""

        (last,) = connection.execute("SELECT max(id) FROM thread").fetchone()
        self._first_new = (last or 0) + 1
        self._next = self._first_new
        ids = dict.fromkeys(chain.from_iterable((mail.message_id, *mail.related) for mail in mails))
        rows = connection.execute(_MESSAGES, (json.dumps(list(ids)),))
        for message_id, thread, mail_id, digest, disputed, followed, *rest in rows:
            self._known[message_id] = _Known(thread, mail_id, digest, bool(disputed), bool(followed), *rest)

    def add(self, mail: ParsedMail, row: int) -> tuple[str, str]:
        """Add the mail of that row to the thread of the mails that it refers to. Return its new state and the reason.

        If several mails have the same message-id, the mail that arrived first in an archive keeps it, in whatever order
        they are read. So a later mail with the same id cannot replace the mail of another person.
        """
        if mail.provenance is Provenance.PRIVATE:
            return "private", f"{mail.message_id} came only to our own mailbox"
        known = self._known.get(mail.message_id)
        if known is not None and known.mail is not None:
            if row == known.mail or known.digest in (mail.digest, mail.earlier_digest):
                self._confirm(known, mail)
                return ("read" if row == known.mail else "duplicate"), ""
            earlier = self._arrived(known.mail) - self._arrived(row)
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
        entry.mail, entry.digest, entry.in_reply_to = row, mail.digest, mail.in_reply_to
        entry.followed, entry.carriers = mail.provenance is Provenance.FOLLOWED, " ".join(mail.carriers)
        if mail.changes_postings or known is not None or len(threads) != 1:
            self._touched.add(thread)  # else no mail refers to this one yet
        return "read", ""

    def _arrived(self, mail: int) -> datetime:
        (arrived,) = self._connection.execute("SELECT arrived FROM mail WHERE id = ?", (mail,)).fetchone()
        return time_of(arrived)

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
        new = [(thread,) for thread in roots if thread >= self._first_new]
        self._connection.executemany("INSERT INTO thread (id, changed, assembled) VALUES (?, 1, 0)", new)
        for other in (thread for thread in self._joined if thread < self._first_new):
            for move in _MOVE:
                self._connection.execute(move, (self._root(other), other))
            # The empty row stays, so that no other thread gets its number.
            self._connection.execute("UPDATE thread SET assembled = changed WHERE id = ?", (other,))
        self._connection.executemany(CHANGED, [(thread,) for thread in roots if thread < self._first_new])
        rows = [
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
        ]
        self._connection.executemany(_INSERT_OR_REPLACE, rows)

    def _root(self, thread: int) -> int:
        while thread in self._joined:
            thread = self._joined[thread]
        return thread
