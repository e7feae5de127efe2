# SPDX-License-Identifier: GPL-2.0-or-later
"""What people replied to our findings, and what follows from it: mutes, dismissed findings, demoted rules."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.mail.posting import Posting
from bot.ports import Clock
from bot.review.disposition import dismissed, silence
from bot.review.policy import Policy
from bot.review.statistics import RuleTally, Threshold, demoted, tallies
from bot.settings import Settings
from bot.store.repository import Repository

_MAX_AGE: Final = timedelta(hours=1)
"""The age of the figures by which a rule is demoted: counting them reads all that was ever mailed."""


def build_threshold(settings: Settings) -> Threshold:
    """Return when a rule is demoted."""
    chosen = settings.precision
    return Threshold(chosen.max_dispute_rate, chosen.min_findings, frozenset(chosen.exempt_rules))


def count_tallies(store: Repository) -> tuple[RuleTally, ...]:
    """Return what became of all findings that were ever mailed, by rule."""
    return tallies(store.told(), store.dispositions())


def load_precision(settings: Settings) -> tuple[tuple[RuleTally, ...], Mapping[str, str]]:
    """Return the tallies of the database, and the demoted rules with the reason. Raises StoreError."""
    with Repository(settings.database) as store:
        counted = count_tallies(store)
    return counted, demoted(counted, build_threshold(settings))


class LearnedPolicy:
    """Puts into a policy what people replied about a posting, and which rules are demoted."""

    def __init__(self, settings: Settings, store: Repository, clock: Clock) -> None:
        self._threshold = build_threshold(settings)
        self._store = store
        self._clock = clock
        self._demoted: dict[str, str] = {}
        self._counted: datetime | None = None

    def __call__(self, posting: Posting, policy: Policy) -> Policy:
        now = self._clock.now()
        if self._counted is None or now - self._counted >= _MAX_AGE:
            self._demoted = dict(demoted(count_tallies(self._store), self._threshold))
            self._counted = now
        muted = self._store.mutes(posting.topic, posting.author.key, posting.lists)
        return replace(
            policy,
            dismissed=dismissed(self._store.dispositions(posting.topic)),
            demoted=self._demoted,
            muted=silence(muted),
        )
