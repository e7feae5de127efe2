# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetch the parts of a series that no followed list brought, by message-id; each series is tried a few times only."""

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
from bot.ports.archive import Lookup
from bot.ports.mails import Mails
from bot.ports.postings import BackfillRequests, Incomplete
from bot.ports.raw_mail import Batch, Provenance, RawMail
from bot.ports.running import Clock, Progress
from bot.review.render.text import count
from bot.service.outage import Outages
from rules.lazy import dataclass

SETTLED: Final = timedelta(minutes=10)
"""How long to wait after the last part of a series: the lists usually bring the rest themselves."""

_POSTINGS: Final = 5
_ATTEMPTS: Final = 5
_FIRST_WAIT: Final = timedelta(minutes=10)
_MAX_WAIT: Final = timedelta(hours=1)


class BackfillStore(Mails, BackfillRequests, Protocol):
    """The part of the store that the backfill needs."""


@dataclass(frozen=True, slots=True)
class BackfillResult:
    """The result of one round: the number of postings tried, the number of new mails, and a line for each failure."""

    postings: int
    mails: int
    problems: tuple[str, ...] = ()


class BackfillJob:
    """Fetch missing parts of incomplete series. The next poll assembles the series again."""

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
        """Fetch what is due now.

        The first failure ends the round, so that a failing archive is not asked again at once.
        """
        now = self._clock.now()
        due = self._store.incomplete(now, now - SETTLED, now - self._age, _POSTINGS)
        if due:
            self._progress.start("looking for missing parts", len(due))
        new = done = 0
        for request in due:
            if self._stop.is_set():
                break
            try:
                new += self._complete(request)
            except StoppedError:
                break
            except InboxError as error:
                self._outages.failed(self._lookup.base, str(error))
                self._failed(request, error)
                return BackfillResult(done, new, (str(error),))
            self._outages.worked(self._lookup.base)
            done += 1
            self._progress.advance()
        return BackfillResult(done, new)

    def _complete(self, request: Incomplete) -> int:
        posting = request.posting
        assert isinstance(posting.state, Waiting)
        known = {part.index: part.message_id for part in posting.parts}
        mails = self._lookup.missing(known, posting.state.missing)
        wanted = self._executor.map(partial(is_wanted, posting.author.key, frozenset(known.values())), mails)
        parts = tuple(mail for mail, is_part in zip(mails, wanted, strict=True) if is_part is True)
        new = self._store.ingest(self._batch(posting, parts)) if parts else 0
        missing = ", ".join(map(str, posting.state.missing))
        self._store.conclude(
            posting, f"asked for {posting.missing_parts}, found {count(len(parts), 'mail')}", self._clock.now()
        )
        event(LogEvent.PARTS_SEARCHED, **series_fields(posting), missing=missing, found=len(parts), new=new)
        return new

    def _batch(self, posting: Posting, mails: tuple[RawMail, ...]) -> Batch:
        return Batch(self._lookup.base, "found", posting.message_id, mails, provenance=Provenance.FOUND)

    def _failed(self, request: Incomplete, error: InboxError) -> None:
        now = self._clock.now()
        if request.attempts + 1 >= _ATTEMPTS:
            self._store.conclude(request.posting, f"gave up: {error}", now)
        else:
            wait = min(_MAX_WAIT, _FIRST_WAIT * (1 << request.attempts))
            self._store.postpone(request.posting, now + wait)


def is_wanted(author: str, known: frozenset[str], mail: RawMail) -> bool:
    """Return whether the mail may be a missing part of the author's posting: it is theirs and no reply."""
    message = parse(mail.raw)
    if not isinstance(message, Message) or message.message_id in known:
        return False
    sender = original_author(message, AddressBook())
    return sender is not None and sender.key == author and not is_reply(message.subject)
