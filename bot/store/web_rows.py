# SPDX-License-Identifier: GPL-2.0-or-later
"""What the queries for the pages share: their base class, and the row of a series."""

from typing import Any, Final

from bot.mail.refusal import repeated_posting
from bot.ports.web import SeriesSummary
from bot.review.disposition import without_addresses
from bot.store.dialect import Plain
from bot.store.times import time_of

SELECT_SERIES: Final = (
    "SELECT p.message_id, p.subject, p.author_name, p.revision, p.patches, p.expected, p.sent, p.arrived, p.reviewed, "
    "p.state, p.verdict, p.reason, p.severity, p.findings, p.reported, p.author"
)


class Queries:
    """Queries over a read-only connection."""

    def __init__(self, connection: Plain) -> None:
        self._connection = connection

    def _first(self, query: str, *values: object) -> Any:
        return self._connection.execute(query, values).fetchone()

    def _one(self, query: str, *values: object) -> Any:
        row = self._first(query, *values)
        assert row is not None
        return row


def series_summary(row: Any) -> SeriesSummary:
    message_id, subject, author, revision, patches, expected, sent, arrived, reviewed, state, verdict, reason = row[:12]
    return SeriesSummary(
        message_id,
        subject,
        author,
        revision,
        patches,
        expected,
        time_of(sent),
        time_of(arrived),
        None if reviewed is None else time_of(reviewed),
        state_word(state, verdict),
        reason if repeated_posting(reason) else without_addresses(reason),
        *row[12:15],
    )


def state_word(state: str, verdict: str) -> str:
    if state == "complete":
        return verdict or "due"
    return state


def with_times(row: Any, *columns: int) -> Any:
    """Return the row with times in these columns."""
    values = list(row)
    for column in columns:
        values[column] = time_of(values[column])
    return values
