# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow the landing refs: note which postings their new commits apply, and check the affected ones again."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final, Protocol

from bot.digest.selection import MAX_WAITING
from bot.log import LogEvent, event
from bot.mail.landed import PendingPatch, pending_patches
from bot.mail.posting import Posting
from bot.pipeline.landing import LandingInput, LandingReader
from bot.pool.guard import StoppedError
from bot.ports.landing import LandingMove
from bot.ports.running import Clock
from bot.service.landing_recheck import LandingRecheckJob, LandingRecheckStore
from rules.lazy import dataclass

_MAX_CLOCK_ERROR: Final = timedelta(days=1)
"""How much earlier than its mail a commit may be that applies the mail."""


MAX_RECHECKS: Final = 50
"""Postings that are checked again in one run. The others are due in the next run."""


class LandingStore(LandingRecheckStore, Protocol):
    """The part of the store that knows the landing refs."""

    def landing_commits(self) -> Mapping[str, str]:
        """Return the commit up to which each landing ref was read, by the name of the ref."""

    def recent_postings(self, since: datetime, *, uncompared: bool = False) -> Iterator[Posting]:
        """Yield the complete postings that arrived since then, oldest first.

        With `uncompared`, yield only those that were never compared with commits that had landed before.
        """

    def save_landing(self, moves: Sequence[LandingMove], compared: Collection[str], now: datetime) -> Collection[str]:
        """Store in one transaction how landing refs moved, what they apply, and which postings were compared.

        Applied postings are not pending any more. Pending postings with affected facts are due for a re-check. Return
        the ids of the postings all of whose patches are applied now and were not before.
        """


class LandingJob:
    """Read the new commits of the landing refs. What was read and what it applies is stored in one transaction.

    Without `recheck` other processes check the affected postings again.
    """

    def __init__(
        self, store: LandingStore, reader: LandingReader, recheck: LandingRecheckJob | None, clock: Clock, stop: Event
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
            if self._recheck is None:
                return moves
            for recheck in self._store.landing_rechecks(MAX_RECHECKS):
                if self._stop.is_set():
                    break
                self._recheck.run(recheck)
        return moves

    def _follow(self, now: datetime) -> tuple[LandingMove, ...]:
        since = now - MAX_WAITING
        known, tips = self._store.landing_commits(), self._reader.tips()
        late = _read(self._store.recent_postings(since, uncompared=True))
        has_moved = any(known.get(name) != commit for name, commit in tips.items())
        if not tips or not (has_moved or late.posting_ids):
            return ()
        recent = _read(self._store.recent_postings(since)) if has_moved else late
        landing_input = LandingInput(
            known=known,
            tips=tips,
            patches=recent.patches,
            late=late.patches,
            since=int(since.timestamp()),
            late_since=int((max(since, late.first_sent) - _MAX_CLOCK_ERROR).timestamp()),
        )
        moves = self._reader.moves(landing_input)
        # A ref that was fetched meanwhile is read in the next run, and so are its earlier commits.
        compared = late.posting_ids if len(moves) == len(tips) else ()
        applied = self._store.save_landing(moves, compared, now)
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
                    truncated=move.is_truncated or None,
                )
        for posting_id in sorted(applied):
            event(LogEvent.SERIES_APPLIED, message_id=posting_id)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Postings that may be applied: their ids, their patches, and when the first of them was sent."""

    posting_ids: tuple[str, ...]
    patches: tuple[PendingPatch, ...]
    first_sent: datetime


def _read(postings: Iterable[Posting]) -> _Candidates:
    """Read the postings one after the other: all their texts together are large."""
    posting_ids: list[str] = []
    patches: list[PendingPatch] = []
    first_sent = datetime.max.replace(tzinfo=UTC)
    for posting in postings:
        posting_ids.append(posting.message_id)
        patches += pending_patches(posting)
        first_sent = min(first_sent, posting.date or datetime.min.replace(tzinfo=UTC))
    return _Candidates(tuple(posting_ids), tuple(patches), first_sent)
