# SPDX-License-Identifier: GPL-2.0-or-later
"""Remove data older than the settings allow, in small transactions so that other writers can proceed."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from threading import Event

from bot.log import LogEvent, event
from bot.ports.retention import Prunable, PruneCounts, Step
from bot.ports.running import Clock
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """How long received mails and our own texts are kept. None means for ever."""

    mails: timedelta | None = None
    reviews: timedelta | None = None


class PruneJob:
    """Remove old data. May be killed between any two steps; other processes may use the database meanwhile."""

    def __init__(self, store: Prunable, retention: Retention, clock: Clock, stop: Event) -> None:
        self._store = store
        self._retention = retention
        self._clock = clock
        self._stop = stop

    def run(self, *, dry: bool = False) -> PruneCounts:
        """Remove old data and free its space. Return what was removed, or with `dry` what would be removed."""
        now, store = self._clock.now(), self._store
        pruned = PruneCounts()
        if self._retention.mails is not None:
            before = now - self._retention.mails
            pruned += self._all(lambda after: store.prune_threads(before, now, after, dry=dry))
            pruned += self._all(lambda after: store.prune_images(before, after, dry=dry))
        if self._retention.reviews is not None:
            old = now - self._retention.reviews
            pruned += self._all(lambda after: store.prune_reviews(old, now, after, dry=dry))
            pruned += self._all(lambda after: store.prune_sent(old, after, dry=dry))
        if not dry:
            while not self._stop.is_set() and store.reclaim():
                pass
            if pruned != PruneCounts():
                event(LogEvent.PRUNED, **asdict(pruned))
        return pruned

    def _all(self, prune: Callable[[tuple[str, int] | None], Step]) -> PruneCounts:
        pruned, after = PruneCounts(), None
        while not self._stop.is_set():
            step = prune(after)
            pruned += step.pruned
            after = step.after
            if after is None:
                break
        return pruned


def summary(pruned: PruneCounts) -> str:
    """Return a sentence about what was removed."""
    return (
        f"{pruned.mails:,} mails, {pruned.postings:,} series, {pruned.images:,} file images, "
        f"{pruned.reviews:,} reviews, {pruned.sent:,} sent mails, {pruned.bytes:,} bytes"
    )
