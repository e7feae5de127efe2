# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow the landing refs: note which postings their new commits apply, and check those again that they affect."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event
from typing import Final, Protocol

from bot.digest.selection import MAX_WAITING
from bot.log import LogEvent, event
from bot.mail.landed import PendingPatch, pending_patches
from bot.mail.posting import Posting
from bot.pipeline.landing import LandingInput, LandingReader
from bot.pool.guard import StoppedError
from bot.ports import Clock, LandingMove
from bot.service.landing_recheck import LandingRecheckJob, LandingRecheckStore

_MAX_CLOCK_ERROR: Final = timedelta(days=1)
"""How much earlier than its mail a commit may be that applies the mail."""


MAX_RECHECKS: Final = 50
"""Postings that are checked again in one run. The others are due in the next run."""


class LandingStore(LandingRecheckStore, Protocol):
    """The part of the store that knows the landing refs."""

    def landing_commits(self) -> Mapping[str, str]:
        """Return the commit up to which each landing ref was read, by the name of the ref."""

    def recent_postings(self, since: datetime) -> Sequence[Posting]:
        """Return the complete postings that arrived since then, oldest first."""

    def uncompared_postings(self, since: datetime) -> Sequence[Posting]:
        """Return those of `recent_postings` that were never compared with commits that had landed before."""

    def save_landing(self, moves: Sequence[LandingMove], compared: Collection[str], now: datetime) -> Collection[str]:
        """Store in one transaction how landing refs moved, what they apply, and which postings were compared.

        Applied postings are not pending any more. Pending postings with affected facts are due for a re-check. Return
        the ids of the postings all of whose patches are applied now and were not before.
        """


class LandingJob:
    """Read the new commits of the landing refs. What was read and what it applies is stored in one transaction."""

    def __init__(
        self, store: LandingStore, reader: LandingReader, recheck: LandingRecheckJob, clock: Clock, stop: Event
    ) -> None:
        self._store = store
        self._reader = reader
        self._recheck = recheck
        self._clock = clock
        self._stop = stop

    def run(self) -> tuple[LandingMove, ...]:
        """Return the moves that were stored; nothing without a new commit or posting. Raises KernelError."""
        moves: tuple[LandingMove, ...] = ()
        with suppress(StoppedError):
            moves = self._follow(self._clock.now())
            for recheck in self._store.landing_rechecks(MAX_RECHECKS):
                if self._stop.is_set():
                    break
                self._recheck.run(recheck)
        return moves

    def _follow(self, now: datetime) -> tuple[LandingMove, ...]:
        since = now - MAX_WAITING
        known, tips = self._store.landing_commits(), self._reader.tips()
        late = self._store.uncompared_postings(since)
        has_moved = any(known.get(name) != commit for name, commit in tips.items())
        if not tips or not (has_moved or late):
            return ()
        postings = self._store.recent_postings(since) if has_moved else late
        landing_input = LandingInput(
            known=known,
            tips=tips,
            patches=_patches(postings),
            late=_patches(late),
            since=int(since.timestamp()),
            late_since=int((_first_sent(late, since) - _MAX_CLOCK_ERROR).timestamp()),
        )
        moves = self._reader.moves(landing_input)
        applied = self._store.save_landing(moves, [posting.message_id for posting in late], now)
        self._log(moves, applied)
        return moves

    def _log(self, moves: Sequence[LandingMove], applied: Collection[str]) -> None:
        for move in moves:
            if move.before != move.commit:
                event(
                    LogEvent.LANDING_MOVED,
                    ref=move.ref,
                    before=move.before[:12],
                    commit=move.commit[:12],
                    commits=move.commits,
                    applied=len(move.applied),
                    cut=move.is_cut or None,
                )
        for posting_id in sorted(applied):
            event(LogEvent.SERIES_APPLIED, message_id=posting_id)


def _patches(postings: Sequence[Posting]) -> tuple[PendingPatch, ...]:
    return tuple(patch for posting in postings for patch in pending_patches(posting))


def _first_sent(postings: Sequence[Posting], since: datetime) -> datetime:
    """Return when the first of the postings was sent, but not before `since`."""
    dates = [posting.date for posting in postings if posting.date is not None]
    return max(since, min(dates, default=since))
