# SPDX-License-Identifier: GPL-2.0-or-later
"""Missing parts of a series are asked for by message-id where no followed list brought them; once, then silence."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Final, Protocol

from bot.inbox.error import InboxError
from bot.log import LogEvent, event
from bot.mail.address_book import AddressBook
from bot.mail.bots import is_reply
from bot.mail.message import Message
from bot.mail.origin import original_author
from bot.mail.parse import parse
from bot.mail.posting import Posting, Waiting
from bot.pipeline.outcome import series_fields
from bot.pool.guard import Executor, InlineExecutor, StoppedError
from bot.ports import BackfillRequests, Batch, Clock, Incomplete, Lookup, Mails, Progress, Provenance, RawMail
from bot.service.outage import Outages

SETTLED: Final = timedelta(minutes=10)
"""So long after its last part a series is left to the lists."""

_POSTINGS: Final = 5
_ATTEMPTS: Final = 5
_FIRST_WAIT: Final = timedelta(minutes=10)
_LONGEST_WAIT: Final = timedelta(hours=1)


class BackfillStore(Mails, BackfillRequests, Protocol):
    """The part of the store that completing needs."""


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """What one round brought: postings that were looked at, mails that were new, and a line for each failure."""

    postings: int
    mails: int
    problems: tuple[str, ...] = ()


class BackfillJob:
    """One round after another over the series that wait; the next round of polling puts together what was found."""

    def __init__(
        self,
        store: BackfillStore,
        lookup: Lookup,
        age: timedelta,
        clock: Clock,
        stop: Event,
        progress: Progress,
        executor: Executor | None = None,
    ) -> None:
        self._store = store
        self._lookup = lookup
        self._age = age
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._executor = executor or InlineExecutor()
        self._outages = Outages(LogEvent.ARCHIVE_UNREACHABLE, LogEvent.ARCHIVE_RECOVERED, "list")

    def run(self) -> BackfillResult:
        """Look for what is due now. The first failure ends the round: the archive wants rest."""
        now = self._clock.now()
        due = self._store.incomplete(now, now - SETTLED, now - self._age, _POSTINGS)
        if due:
            self._progress.start("looking for missing parts", len(due))
        new = done = 0
        for one in due:
            if self._stop.is_set():
                break
            try:
                new += self._complete(one)
            except StoppedError:
                break
            except InboxError as error:
                self._outages.failed(self._lookup.base, str(error))
                self._failed(one, error)
                return BackfillResult(done, new, (str(error),))
            self._outages.worked(self._lookup.base)
            done += 1
            self._progress.advance()
        return BackfillResult(done, new)

    def _complete(self, one: Incomplete) -> int:
        posting = one.posting
        assert isinstance(posting.state, Waiting)
        known = {part.index: part.message_id for part in posting.parts}
        mails = self._lookup.missing(known, posting.state.missing)
        wanted = self._executor.map(partial(is_wanted, posting.author.key, frozenset(known.values())), mails)
        found = tuple(mail for mail, is_part in zip(mails, wanted, strict=True) if is_part is True)
        new = self._store.ingest(self._batch(posting, found)) if found else 0
        missing = ", ".join(map(str, posting.state.missing))
        self._store.conclude(posting, f"asked for {missing}, found {len(found)} mails", self._clock.now())
        event(LogEvent.PARTS_SEARCHED, **series_fields(posting), missing=missing, found=len(found), new=new)
        return new

    def _batch(self, posting: Posting, mails: tuple[RawMail, ...]) -> Batch:
        return Batch(self._lookup.base, "found", posting.message_id, mails, provenance=Provenance.FOUND)

    def _failed(self, one: Incomplete, error: InboxError) -> None:
        now = self._clock.now()
        if one.attempts + 1 >= _ATTEMPTS:
            self._store.conclude(one.posting, f"gave up: {error}", now)
        else:
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << one.attempts))
            self._store.postpone(one.posting, now + wait)


def is_wanted(author: str, known: frozenset[str], mail: RawMail) -> bool:
    """Whether the mail may be a missing part of a posting: a new mail of its author, and no answer."""
    message = parse(mail.raw)
    if not isinstance(message, Message) or message.message_id in known:
        return False
    found = original_author(message, AddressBook())
    return found is not None and found.key == author and not is_reply(message.subject)
