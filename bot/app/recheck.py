# SPDX-License-Identifier: GPL-2.0-or-later
"""Re-checks on the command line. Postings that are not in the database are fetched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from bot.app.clock import SystemClock
from bot.app.lore import build_series_archive
from bot.app.review_context import build_analyser, build_review_context
from bot.app.sources import open_archives
from bot.inbox.assemble import assemble
from bot.inbox.error import InboxError
from bot.inbox.mailbox import Writers
from bot.mail.posting import Complete, Defective, Posting, Waiting
from bot.mail.target import target
from bot.pipeline.analyse import LIMITS
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import ClosableExecutor
from bot.ports.archive import Archive
from bot.ports.running import Progress
from bot.service.poll import PollJob
from bot.service.recheck import RecheckJob
from bot.settings.tables import Settings
from bot.store.repository import Repository


class RecheckSession:
    """Find postings and check them again, even while a service uses the same database."""

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Path],
        store: Repository,
        executor: ClosableExecutor,
        progress: Progress,
    ) -> None:
        clock = SystemClock()
        self.store = store
        context = build_review_context(settings, store, clock)
        self.job = RecheckJob(store, build_analyser(settings, store, executor), context, clock)
        self._recipients = context.recipients
        self._settings = settings
        self._writers = Writers(clock, once=True)
        self._progress = progress
        self._executor = executor
        self._paths = (*sources, *settings.archives)

    def find(self, name: str) -> Posting:
        """Return the posting of a message-id, the web address of a mail, a topic or a change-id.

        For a topic it is the last revision. A posting that is not in the database is searched in the archives of the
        settings, then fetched. Raises InboxError if it is not found or incomplete.
        """
        message_id = target(name)
        if message_id is None:
            known = self.store.of_topic(name) or self.store.of_change_id(name)
            if not known:
                raise InboxError(f"{name!r} is not a message-id, the web address of a mail, or the name of a series")
            return known[-1]
        due = self.store.find(message_id)
        if due is None or isinstance(due.posting.state, Waiting):  # further mails repair no defective series
            self._poll(open_archives(self._settings, self._paths, self._writers))
            due = self.store.find(message_id)
        if due is None or isinstance(due.posting.state, Waiting):
            self._poll([build_series_archive(self._settings, message_id)])
            due = self.store.find(message_id)
        if due is None:
            raise InboxError(f"{message_id}: found no patch or cover letter with this id")
        state = due.posting.state
        if not isinstance(state, Complete):
            reason = state.reason if isinstance(state, Defective) else f"{due.posting.missing_parts} did not arrive"
            raise InboxError(f"{message_id}: the series cannot be checked: {reason}")
        return due.posting

    def _poll(self, archives: Sequence[Archive]) -> None:
        if archives:
            book = self._recipients().book
            job = PollJob(archives, self.store, assemble, Event(), self._progress, self._executor, lambda: book)
            polled = job.run()
            if polled.problems:
                raise InboxError("; ".join(polled.problems))


@contextmanager
def open_recheck_session(settings: Settings, sources: Sequence[Path], progress: Progress) -> Iterator[RecheckSession]:
    """Open the database for re-checks. Raises StoreError if it cannot be used."""
    with Repository(settings.database, server=settings.server) as store, ProcessExecutor(1, LIMITS) as executor:
        yield RecheckSession(settings, sources, store, executor, progress)
