# SPDX-License-Identifier: GPL-2.0-or-later
"""What operators see: bot.ports.operator over a read-only connection."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.mail.state import MailState
from bot.ports.operator import Bounce, JobState, OutboxEntry, QuarantineEntry, ServiceState
from bot.review.disposition import without_addresses
from bot.store.dialect import sizes
from bot.store.projection import RESOLVED
from bot.store.stop import stop_reason
from bot.store.times import text_of, time_of
from bot.store.web_rows import Queries

_MAX_JOBS: Final = 100
_MAX_SOURCES: Final = 1_000
_MAX_TRIES: Final = 4  # of a posting; the index of due postings has them before the time
_DAYS: Final = 30
_OPEN: Final = (MailState.QUEUED, MailState.APPROVED, MailState.HELD, MailState.SENDING, MailState.UNCONFIRMED)
_FAILED: Final = (MailState.REFUSED, MailState.EXPIRED, MailState.WITHDRAWN)
_OUTBOX: Final = """
SELECT o.message_id, o.posting_id, coalesce(p.subject, ''), coalesce(p.author_name, ''), o.kind, o.mode, o.state,
  o.reason, o.attempts, o.created, o.changed, o.due
FROM outgoing AS o {index} LEFT JOIN posting AS p ON p.message_id = o.posting_id """
_BY_STATE: Final = _OUTBOX.format(index="") + "WHERE o.state = ? ORDER BY {order} LIMIT ?"
_BY_CHANGE: Final = (
    _OUTBOX.format(index="INDEXED BY ix_outgoing_changed")
    + "WHERE o.changed > ? AND o.state IN ({states}) ORDER BY o.changed DESC LIMIT ?"
)


class OperatorQueries(Queries):
    """bot.ports.operator.OperatorSnapshot in a transaction."""

    def service_state(self) -> ServiceState:
        counters: dict[str, dict[str, int]] = defaultdict(dict)
        for name, label, value in self._connection.execute("SELECT name, label, value FROM counter"):
            counters[name][label] = value
        read = self._connection.execute("SELECT source, read FROM source_read LIMIT ?", (_MAX_SOURCES,))
        size, free = sizes(self._connection)
        return ServiceState(
            counters=counters,
            jobs=self.jobs(),
            read={source: time_of(time) for source, time in read},
            oldest=self.oldest(),
            findings=self._findings(),
            newest_mail=self._newest_mail(),
            is_stopped=bool(stop_reason(self._connection)),
            bytes=size,
            free_bytes=free,
        )

    def jobs(self) -> tuple[JobState, ...]:
        """Return the jobs that processes recorded, by name."""
        rows = self._connection.execute(
            "SELECT name, started, succeeded, runs, failures, seconds, last_seconds, max_gap FROM job_run "
            "ORDER BY name LIMIT ?",
            (_MAX_JOBS,),
        )
        return tuple(
            JobState(name, time_of(started), None if succeeded is None else time_of(succeeded), *numbers)
            for name, started, succeeded, *numbers in rows
        )

    def oldest(self) -> Mapping[str, datetime]:
        """Return when the oldest entry of each queue was added; empty queues are left out."""
        due = (
            "SELECT arrived FROM posting WHERE state = 'complete' AND verdict = '' AND tries = ? "
            "ORDER BY arrived LIMIT 1"
        )
        arrivals = [row[0] for tries in range(_MAX_TRIES) for row in self._connection.execute(due, (tries,))]
        mails = self._connection.execute(
            "SELECT created FROM outgoing INDEXED BY ix_outgoing_deliverable "
            "WHERE state IN ('queued', 'approved') ORDER BY created LIMIT 1"
        ).fetchone()
        oldest = {"review": min(arrivals, default=None), "deliver": None if mails is None else mails[0]}
        return {queue: time_of(time) for queue, time in oldest.items() if time is not None}

    def outbox(self, limit: int) -> Sequence[OutboxEntry]:
        entries: list[OutboxEntry] = []
        for state in _OPEN:
            query = _BY_STATE.format(order="o.created, o.message_id")
            entries += map(_entry, self._connection.execute(query, (state.value, limit)))
        return sorted(entries, key=lambda entry: (entry.created, entry.message_id))[:limit]

    def failed(self, limit: int) -> Sequence[OutboxEntry]:
        return self._changed_to(_FAILED, limit)

    def filed(self, limit: int) -> Sequence[OutboxEntry]:
        return self._changed_to((MailState.FILED,), limit)

    def bounces(self, limit: int) -> Sequence[Bounce]:
        rows = self._connection.execute(
            "SELECT event.message_id, coalesce(outgoing.posting_id, ''), event.noticed FROM delivery_event AS event "
            "LEFT JOIN outgoing ON outgoing.message_id = event.message_id WHERE event.kind = 'bounce' "
            "ORDER BY event.noticed DESC LIMIT ?",
            (limit,),
        )
        return [Bounce(message_id, posting_id, time_of(noticed)) for message_id, posting_id, noticed in rows]

    def quarantine(self, limit: int) -> Sequence[QuarantineEntry]:
        series = self._connection.execute(
            "SELECT message_id, message_id, subject, '', reason, arrived FROM posting "
            "WHERE state = 'complete' AND verdict = 'quarantined' ORDER BY arrived DESC LIMIT ?",
            (limit,),
        ).fetchall()
        mails = self._connection.execute(
            "SELECT id, '', '', source, reason, arrived FROM mail WHERE state = 'unreadable' ORDER BY id DESC LIMIT ?",
            (limit - len(series),),
        )
        return [
            QuarantineEntry(str(name), posting_id, subject, source, without_addresses(reason), time_of(arrived))
            for name, posting_id, subject, source, reason, arrived in (*series, *mails)
        ]

    def _changed_to(self, states: Sequence[MailState], limit: int) -> Sequence[OutboxEntry]:
        """Return the mails that reached one of these states in the last 30 days, newest first."""
        since = text_of(datetime.now(UTC) - timedelta(days=_DAYS))
        query = _BY_CHANGE.format(states=", ".join("?" * len(states)))
        rows = self._connection.execute(query, (since, *(state.value for state in states), limit))
        return [_entry(row) for row in rows]

    def _newest_mail(self) -> datetime | None:
        row = self._first("SELECT arrived FROM mail ORDER BY id DESC LIMIT 1")
        return None if row is None else time_of(row[0])

    def _findings(self) -> Mapping[tuple[str, str], int]:
        rows = self._connection.execute(
            "SELECT rule, CASE WHEN state = ? THEN 'resolved' WHEN outcome = '' THEN 'reported' "
            "ELSE 'withheld' END, sum(count) FROM finding_count GROUP BY 1, 2",
            (RESOLVED,),
        )
        return {(rule, outcome): count for rule, outcome, count in rows}


def _entry(row: Any) -> OutboxEntry:
    values = list(row)
    values[7] = without_addresses(values[7])
    return OutboxEntry(*values[:9], *map(time_of, values[9:]))
