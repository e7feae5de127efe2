# SPDX-License-Identifier: GPL-2.0-or-later
"""The consequences of replies to our findings: mutes, dismissed findings, demoted rules."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.mail.posting import Posting
from bot.ports.running import Clock
from bot.review.disposition import disputes, mute_reason
from bot.review.policy import Policy
from bot.review.statistics import RuleTally, Threshold, demoted, tallies
from rules.lazy import replace

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from bot.store.digest import DigestRows
    from bot.store.repository import Repository

_MAX_AGE: Final = timedelta(hours=1)
"""The maximum age of the counts that demote a rule: counting reads all reviews that were mailed."""


def build_threshold(settings: "Settings") -> Threshold:
    """Return the threshold for demoting a rule."""
    chosen = settings.precision
    return Threshold(chosen.max_dispute_rate, chosen.min_findings, frozenset(chosen.exempt_rules))


def count_tallies(store: "DigestRows") -> tuple[RuleTally, ...]:
    """Return the counts of all mailed findings, by rule."""
    return tallies(store.mailed_reviews(), store.dispositions())


class LearnedPolicy:
    """Add to a policy the replies about a posting, and the demoted rules."""

    def __init__(self, settings: "Settings", store: "Repository", clock: Clock) -> None:
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
        store, topics = self._store, self._store.series_topics(posting)
        muted = [mute for topic in topics for mute in store.mutes_about(topic, posting.author.key, posting.lists)]
        return replace(
            policy,
            dismissed=disputes(disposition for topic in topics for disposition in store.dispositions(topic)),
            demoted=self._demoted,
            muted=mute_reason(muted),
            replies={posting_id: reply for topic in topics for posting_id, reply in store.replies(topic).items()},
        )
