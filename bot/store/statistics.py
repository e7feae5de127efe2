# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pages show about all reviews: figures of the rules, states, latencies, and the health of the service."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.mail.state import MailState
from bot.ports.web import Health, MonthCount, RuleFigures, Statistics
from bot.review.disposition import DispositionKind
from bot.store.operator import OperatorQueries
from bot.store.projection import RESOLVED
from bot.store.stop import stop_reason
from bot.store.times import text_of, time_of
from bot.store.web_rows import state_word

_MAX_LATENCIES: Final = 300
_MAX_MONTHS: Final = 12
_MAX_REASONS: Final = 12
_PERIOD: Final = timedelta(days=30)
_COUNTERS: Final = "SELECT name, value FROM counter WHERE (name, label) IN (VALUES ('series', 'due'), ('mail', 'new'))"


class StatisticsQueries(OperatorQueries):
    """The part of bot.ports.web.Snapshot about all reviews."""

    def figures(self) -> Mapping[str, RuleFigures]:
        return {figures.rule: figures for figures in self._figures()}

    def statistics(self, now: datetime) -> Statistics:
        since = text_of(now - _PERIOD)
        states: dict[str, int] = defaultdict(int)
        counts = self._connection.execute(
            "SELECT state, verdict, count(*) FROM posting INDEXED BY ix_posting_newest "
            "WHERE sent >= ? AND state != 'gone' GROUP BY state, verdict",
            (since,),
        )
        for state, verdict, number in counts:
            states[state_word(state, verdict)] += number
        rows = self._connection.execute(
            "SELECT arrived, reviewed FROM posting INDEXED BY ix_posting_newest "
            "WHERE sent >= ? AND state != 'gone' AND reviewed IS NOT NULL ORDER BY sent DESC LIMIT ?",
            (since, _MAX_LATENCIES),
        )
        latencies = sorted((time_of(reviewed) - time_of(arrived)).total_seconds() for arrived, reviewed in rows)
        mails = self._connection.execute("SELECT state, count(*) FROM outgoing GROUP BY state")
        figures = self._figures()
        reasons: dict[str, int] = defaultdict(int)
        for rule in figures:
            for reason, count in rule.withheld:
                reasons[reason] += count
        return Statistics(
            states=dict(states),
            mails={str(MailState(state)): count for state, count in mails},
            months=self._months(),
            rules=figures,
            withheld=_ranked(reasons)[:_MAX_REASONS],
            latency_median=latencies[len(latencies) // 2] if latencies else None,
            latency_p90=latencies[len(latencies) * 9 // 10] if latencies else None,
        )

    def health(self) -> Health:
        counters = dict(self._connection.execute(_COUNTERS).fetchall())
        newest_review = self._first(
            "SELECT reviewed FROM posting INDEXED BY ix_posting_newest WHERE reviewed IS NOT NULL "
            "ORDER BY sent DESC LIMIT 1"
        )
        return Health(
            newest_mail=self._newest_mail(),
            newest_review=None if newest_review is None else time_of(newest_review[0]),
            due=counters.get("series", 0),
            unread=counters.get("mail", 0),
            unprojected=self._first("SELECT 1 FROM posting WHERE projection = 0 LIMIT 1") is not None,
            stopped=stop_reason(self._connection),
            jobs=self.jobs(),
            oldest=self.oldest(),
        )

    def _figures(self) -> tuple[RuleFigures, ...]:
        reported: dict[str, int] = defaultdict(int)
        resolved: dict[str, int] = defaultdict(int)
        withheld: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        counts = self._connection.execute(
            "SELECT rule, state, outcome, sum(count) FROM finding_count GROUP BY rule, state, outcome"
        )
        rules: set[str] = set()
        for rule, state, outcome, number in counts:
            rules.add(rule)
            if state == RESOLVED:
                resolved[rule] += number
            elif outcome:
                withheld[rule][outcome] += number
            else:
                reported[rule] += number
        replies: dict[tuple[str, str], int] = {}
        for rule, kind, number in self._connection.execute(
            "SELECT rule, kind, count(*) FROM disposition GROUP BY rule, kind"
        ):
            replies[rule, kind] = number
            rules.add(rule)
        return tuple(
            RuleFigures(
                rule,
                reported[rule],
                resolved[rule],
                _ranked(withheld[rule]),
                replies.get((rule, DispositionKind.NOT_APPLICABLE.value), 0),
                replies.get((rule, DispositionKind.FIXED.value), 0),
            )
            for rule in sorted(rules)
        )

    def _months(self) -> tuple[MonthCount, ...]:
        rows = self._connection.execute(
            "SELECT month, sum(CASE WHEN state != ?1 AND outcome = '' THEN count ELSE 0 END), "
            "sum(CASE WHEN state != ?1 AND outcome != '' THEN count ELSE 0 END), "
            "sum(CASE WHEN state = ?1 THEN count ELSE 0 END) "
            "FROM finding_count GROUP BY month ORDER BY month DESC LIMIT ?2",
            (RESOLVED, _MAX_MONTHS),
        )
        return tuple(MonthCount(*row) for row in rows)


def _ranked(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
