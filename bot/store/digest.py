# SPDX-License-Identifier: GPL-2.0-or-later
"""What digests read, by plain statements (see bot.store.listing)."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bot.mail.state import MAY_HAVE_LEFT
from bot.review.disposition import Disposition, DispositionKind
from bot.review.model import Review
from bot.review.record import (
    CollisionRecord,
    FailureCounts,
    LandingRecord,
    MailRecord,
    ReviewRecord,
    SeriesRecord,
)
from bot.store.applied import without_applied
from bot.store.blocks import BlockReader
from bot.store.codec import posting_of
from bot.store.dialect import Plain
from bot.store.listing import FILED, PRIVATE, QUARANTINED, ListingRows, StoreReader, named_rows
from bot.store.reviews import review_as_mailed, stored_review
from bot.store.times import text_of

_MAX_REASONS: Final = 5
DIGESTS: Final = "digests"
"""The source of the cursors of recipients of digests."""
_SERIES: Final = """
SELECT message_id, thread_id, topic, value, arrived, sent FROM posting
WHERE +state = 'complete' AND arrived >= ? AND arrived < ? ORDER BY revision, sent"""
_ACTIVITY: Final = """
SELECT thread_id, MAX(arrived) AS arrived, COUNT(*) AS number FROM message JOIN mail ON mail_id = mail.id
WHERE thread_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) AND arrived < ? GROUP BY thread_id"""
_REVIEWS: Final = """
SELECT posting_id, posting, value, reviewed FROM review WHERE reviewed >= ? AND reviewed < ?
ORDER BY reviewed, posting_id"""
_REVIEW: Final = "SELECT posting_id, posting, value, reviewed FROM review WHERE posting_id = ?"
_LANDING: Final = """
SELECT posting_id, ref, fingerprint FROM landing_finding WHERE noted >= ? AND noted < ? ORDER BY noted, posting_id"""
_COLLISIONS: Final = """
SELECT posting.value, other.value, kind, name FROM collision
JOIN posting ON posting.message_id = collision.message_id JOIN posting AS other ON other.message_id = other_id
WHERE found >= ? AND found < ? ORDER BY found, collision.topic, other_topic"""
_MAILS: Final = "SELECT posting_id, kind, state FROM outgoing WHERE created >= ? AND created < ? ORDER BY created"
_UNREADABLE: Final = "SELECT COUNT(*) FROM mail WHERE state = 'unreadable' AND arrived >= ? AND arrived < ?"
_DEFECTIVE: Final = "SELECT COUNT(*) FROM posting WHERE +state = 'defective' AND arrived >= ? AND arrived < ?"
_REFUSED: Final = f"""
SELECT reason, COUNT(*) FROM posting WHERE arrived >= ? AND arrived < ? AND verdict IN ('refused', '{QUARANTINED}')
GROUP BY reason"""  # noqa: S608 constants
_MAILED: Final = f"""
SELECT DISTINCT topic FROM posting JOIN outgoing ON posting_id = posting.message_id
WHERE kind NOT IN ({", ".join(f"'{kind}'" for kind in PRIVATE)}) AND mode != '{FILED}'
AND outgoing.state IN ({", ".join(f"'{state}'" for state in MAY_HAVE_LEFT)}) ORDER BY topic"""  # noqa: S608 constants
_OF_TOPIC: Final = """
SELECT posting_id, review.posting, review.value FROM review JOIN posting ON message_id = posting_id
WHERE topic = ? ORDER BY revision, sent"""


class DigestRows(ListingRows):
    """bot.service.digest.DigestSource over a database."""

    def reviews_between(self, since: datetime, until: datetime) -> Sequence[ReviewRecord]:
        """Return the reviews from `since` until before `until`, oldest first."""
        with self._listed.rows() as connection:
            return [_reviewed(connection, row) for row in _in_period(connection, _REVIEWS, since, until)]

    def review_of(self, posting_id: str) -> ReviewRecord | None:
        """Return the stored review of a posting."""
        with self._listed.rows() as connection:
            return next((_reviewed(connection, row) for row in named_rows(connection, _REVIEW, posting_id)), None)

    def mailed_reviews(self) -> Iterator[tuple[Review, ...]]:
        """Yield the reviews, sorted by revision, of each series that a mail was sent about.

        A review whose mail was not sent has no recipients. Files of a dry run do not count.
        """
        with self._listed.rows() as connection:
            for (topic,) in connection.execute(_MAILED).fetchall():
                rows = connection.execute(_OF_TOPIC, (topic,)).fetchall()
                yield tuple(review_as_mailed(connection, *row, is_dry_run=False) for row in rows)

    def series_records(self, since: datetime, until: datetime) -> Sequence[SeriesRecord]:
        """Return the newest revision, at that time, of each series that arrived from `since` until before `until`.

        Series of which that revision was applied at that time are left out.
        """
        with self._listed.rows() as connection:
            newest = {row.topic: row for row in _in_period(connection, _SERIES, since, until)}
            activity = _activity(connection, {row.thread_id for row in newest.values()}, until)
            by_id = {row.message_id: row for row in sorted(newest.values(), key=lambda row: (row.sent, row.message_id))}
            mails = BlockReader(connection).mails
            postings = without_applied(connection, (posting_of(row.value, mails) for row in by_id.values()), until)
        series = [(posting, by_id[posting.message_id]) for posting in postings]
        return [
            SeriesRecord(posting, row.arrived, *activity.get(row.thread_id, (row.arrived, 0)))
            for posting, row in series
        ]

    def landing_records(self, since: datetime, until: datetime) -> Sequence[LandingRecord]:
        """Return the reviews with findings that were new after a landing ref moved, from `since` until before `until`.

        A review that does not have them any more is left out.
        """
        news: dict[tuple[str, str], set[str]] = defaultdict(set)
        with self._listed.rows() as connection:
            for row in _in_period(connection, _LANDING, since, until):
                news[row.posting_id, row.ref].add(row.fingerprint)
            return [
                LandingRecord(_reviewed(connection, row).review, ref, frozenset(fingerprints))
                for (posting_id, ref), fingerprints in news.items()
                for row in named_rows(connection, _REVIEW, posting_id)
            ]

    def posted_between(self, since: datetime, until: datetime) -> Sequence[MailRecord]:
        """Return the mails written from `since` until before `until`, oldest first, in any state."""
        with self._listed.rows() as connection:
            rows = _in_period(connection, _MAILS, since, until)
            return [MailRecord(row.posting_id, row.kind, row.state) for row in rows]

    def new_collisions(self, since: datetime, until: datetime) -> Sequence[CollisionRecord]:
        """Return the collisions that were found from `since` until before `until`, in the order of their discovery."""
        with self._listed.rows() as connection:
            rows = connection.execute(_COLLISIONS, (text_of(since), text_of(until)))
            mails = BlockReader(connection).mails
            return [
                CollisionRecord(posting_of(posting, mails), posting_of(other, mails), kind, name)
                for posting, other, kind, name in rows
            ]

    def not_checked_between(self, since: datetime, until: datetime) -> FailureCounts:
        """Count the mails and postings from `since` until before `until` that could not be read or checked."""
        period = text_of(since), text_of(until)
        counts: dict[str, int] = defaultdict(int)
        with self._listed.rows() as connection:
            for reason, number in connection.execute(_REFUSED, period):
                counts[reason.partition(":")[0]] += number
            unreadable, defective = (
                connection.execute(query, period).fetchone()[0] for query in (_UNREADABLE, _DEFECTIVE)
            )
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        reasons = tuple(f"{reason}: {number}" for reason, number in ranked[:_MAX_REASONS])
        return FailureCounts(unreadable, defective, sum(counts.values()), reasons)

    def digest_done_until(self, reader: str, now: datetime) -> datetime | None:
        """Return the end of the last period until now for which the recipient's digest is done."""
        query = "SELECT position FROM cursor WHERE source = ? AND epoch = ?"
        with self._listed.rows() as connection:
            row = connection.execute(query, (DIGESTS, reader)).fetchone()
        return max((end for end in period_ends(row[0] if row else "") if end <= now), default=None)

    def dispositions(self, topic: str | None = None) -> Sequence[Disposition]:
        """Return what people replied to the findings of a series, or of all series."""
        where, values = ("", ()) if topic is None else ("WHERE topic = ?", (topic,))
        query = f"SELECT * FROM disposition {where} ORDER BY given"  # noqa: S608 constants
        with self._listed.rows() as connection:
            return [_disposition(row) for row in named_rows(connection, query, *values)]


def period_ends(position: str) -> list[datetime]:
    """Return the ends of the last periods for which a digest is done, from the position of its cursor."""
    return [datetime.fromisoformat(end) for end in position.split()]


class DigestReader(DigestRows, StoreReader):
    """What digests read, for reading only."""


def _in_period(connection: Plain, query: str, since: datetime, until: datetime) -> Sequence[Any]:
    return list(named_rows(connection, query, text_of(since), text_of(until)))


def _reviewed(connection: Plain, row: Any) -> ReviewRecord:
    return ReviewRecord(stored_review(connection, row.posting_id, row.posting, row.value), row.reviewed)


def _activity(connection: Plain, threads: Collection[int], until: datetime) -> dict[int, tuple[datetime, int]]:
    """Return for each thread when its last mail before `until` arrived, and how many mails it had."""
    rows = named_rows(connection, _ACTIVITY, json.dumps(sorted(threads)), text_of(until))
    return {row.thread_id: (row.arrived, row.number) for row in rows}


def _disposition(row: Any) -> Disposition:
    kind = DispositionKind(row.kind)
    return Disposition(row.topic, row.fingerprint, row.rule, kind, row.reason, row.by, row.message_id, row.given)
