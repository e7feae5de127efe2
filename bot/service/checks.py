# SPDX-License-Identifier: GPL-2.0-or-later
"""Post the verdict about each patch to Patchwork, under the brakes and the stop of mails.

A check is posted at most once for each verdict: the newest check at the server is compared first, so that an answer
that was lost, or a process that was killed, leads to no second one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Final, Protocol

from bot.log import LogEvent, event
from bot.mail.links import Links
from bot.mail.posting import Posting
from bot.mail.refusal import RefusalContext, RefusalTerms, refuse_posting
from bot.outbox.brakes import HOUR, MINUTE, quiet
from bot.outbox.error import OutboxError, RefusedError
from bot.ports.checks import CheckServer, CheckStatus, CheckStore, QueuedCheck
from bot.ports.outbox import Stop
from bot.ports.postings import DuePosting
from bot.ports.running import Clock
from bot.review.consent import Mode
from bot.review.disposition import ActiveMute, mute_reason
from bot.review.patch_check import patch_checks
from bot.review.recipients import RecipientContext
from rules.lazy import dataclass, replace

_REVIEWS: Final = 50
_CHECKS: Final = 50
_MAX_AGE: Final = timedelta(days=3)
"""How old a review may be that gets checks when the process starts. Its checks are compared with the stored ones."""


class CheckJobStore(CheckStore, Protocol):
    """The part of the store that checks need."""

    def find(self, message_id: str) -> DuePosting | None:
        """Return the posting that contains this mail."""

    def mutes_about(self, topic: str, author: str, lists: Collection[str]) -> Sequence[ActiveMute]:
        """Return the mutes of that series, author or any of these lists."""

    def context(self, posting: Posting) -> RefusalContext:
        """Return what is known about a posting beside its mails."""


@dataclass(frozen=True, slots=True)
class CheckRules:
    """The settings for checks: the project of each list, the addresses of the pages, and the limits.

    `recipients` gives the consent of lists as it is now.
    """

    projects: Mapping[str, str]
    links: Links
    recipients: Callable[[], RecipientContext]
    terms: RefusalTerms
    max_per_hour: int
    max_attempts: int


class CheckJob:
    """Queue the checks of new reviews, and post those that are due."""

    def __init__(
        self, store: CheckJobStore, server: CheckServer, rules: CheckRules, stop_switch: Stop, clock: Clock, stop: Event
    ) -> None:
        self._store = store
        self._server = server
        self._rules = rules
        self._stop_switch = stop_switch
        self._clock = clock
        self._stop = stop
        self._seen: tuple[datetime, str] | None = None

    def run(self) -> int:
        """Return the number of posted checks."""
        self._queue()
        posted = 0
        while not self._stop.is_set() and (due := self._store.due_checks(self._clock.now(), _CHECKS)):
            for check in due:
                if self._stop.is_set() or self._stop_switch.reason():
                    return posted
                posted += self._settle(check)
        return posted

    def _queue(self) -> None:
        """Queue what the reviews since the last run say."""
        seen = self._seen or (self._clock.now() - _MAX_AGE, "")
        while not self._stop.is_set() and (reviews := self._store.reviews_after(*seen, _REVIEWS)):
            for stored in reviews:
                posting = stored.review.posting
                for project in self._projects_of(posting):
                    checks = tuple(patch_checks(stored.review, self._rules.links))
                    self._store.queue_checks(posting.message_id, project, checks, self._clock.now())
                seen = (stored.reviewed, posting.message_id)
        self._seen = seen

    def _settle(self, queued: QueuedCheck) -> int:
        """Post a check, or decide that it waits or is not posted. Return how many were posted."""
        now = self._clock.now()
        due = self._store.find(queued.posting_id)
        if objection := self._objection(due, queued, now):
            self._store.settle_check(queued, CheckStatus.WITHDRAWN, now, reason=objection)
            return 0
        assert due is not None
        if (wait := self._wait(due, now)) is not None:
            self._store.postpone_check(queued, wait)
            return 0
        try:
            patch = self._server.find_patch(queued.check.message_id, queued.project)
            if patch is None:
                raise OutboxError(f"Patchwork has no patch {queued.check.message_id} in {queued.project}")
            is_known = self._server.has_check(patch, queued.check)
            if not is_known:
                self._server.post(patch, queued.check)
        except OutboxError as error:
            self._fail(queued, error, now)
            return 0
        self._store.settle_check(queued, CheckStatus.POSTED, now)
        if not is_known:
            event(LogEvent.CHECK_POSTED, mail=queued.check.message_id, state=queued.check.state.value, patch=patch)
        return not is_known

    def _objection(self, due: DuePosting | None, queued: QueuedCheck, now: datetime) -> str:
        """Return why a check is not posted any more, or "". The objections are those to a mail."""
        if due is None or due.posting.message_id != queued.posting_id:
            return "its series is no longer stored"
        posting = due.posting
        if queued.project not in self._projects_of(posting):
            return "no list of its series has checks in that project now"
        terms = replace(self._rules.terms, stale=None)
        if refusal := refuse_posting(posting, self._store.context(posting), now, terms):
            return f"the series is refused now: {refusal}"
        lists = self._rules.recipients().lists_of(posting)
        return mute_reason(self._store.mutes_about(posting.topic, posting.author.key, lists))

    def _wait(self, due: DuePosting, now: datetime) -> datetime | None:
        """Return until when a check waits: the embargo, the quiet hours, or the limit of an hour; None if it may go."""
        consent = self._rules.recipients().consent_of(due.posting)
        if (end := consent.embargo_end(due.arrived, now)) > now:
            return end
        for hours in consent.quiet:
            if (brake := quiet(hours, now)) is not None:
                return brake.until
        is_full = self._store.count_posted_checks(now - HOUR) >= self._rules.max_per_hour
        return now + HOUR / 6 if is_full else None

    def _fail(self, queued: QueuedCheck, error: OutboxError, now: datetime) -> None:
        attempts = queued.attempts + 1
        is_final = isinstance(error, RefusedError) or attempts >= self._rules.max_attempts
        due = None if is_final else now + min(MINUTE * 2**queued.attempts, HOUR)
        status = CheckStatus.REFUSED if is_final else CheckStatus.QUEUED
        self._store.settle_check(queued, status, now, reason=str(error), due=due)
        event(
            LogEvent.CHECK_FAILED,
            "warning" if is_final or not queued.attempts else "debug",
            mail=queued.check.message_id,
            reason=str(error),
            attempts=attempts,
            due=due,
        )

    def _projects_of(self, posting: Posting) -> tuple[str, ...]:
        """Return the projects whose lists the posting was sent to, unless a list is switched off."""
        context = self._rules.recipients()
        if context.consent_of(posting).mode is Mode.OFF:
            return ()
        projects = (self._rules.projects.get(name.lower(), "") for name in context.lists_of(posting))
        return tuple(dict.fromkeys(project for project in projects if project))
