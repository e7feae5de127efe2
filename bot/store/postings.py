# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings, their reviews, and the images that were verified."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, NamedTuple

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Defective, Posting, Waiting
from bot.mail.posting_codec import EncodedPosting, PostingBytes, encode_posting, mail_rows
from bot.mail.refusal import RefusalContext, RefusalKind
from bot.mail.state import WAITING, MailState
from bot.ports.mails import Thread
from bot.ports.pending import PendingUpdate
from bot.ports.postings import DuePosting
from bot.review.model import Review
from bot.review.unmailed import ANSWERED, why_unmailed
from bot.store.blocks import BlockReader, PackedMails
from bot.store.codec import in_current_format, is_same_posting, posting_of
from bot.store.context import context_of, series_topics
from bot.store.database import Database
from bot.store.dialect import LISTED, Plain
from bot.store.images import PackedImages, StoredImages, find_images, save_images
from bot.store.listing import FILED, POSTING_VALUE, PRIVATE, PRUNED, QUARANTINED, mail_of, named_rows
from bot.store.outgoing import change_state, store_mail
from bot.store.pending import forget_pending, update_pending
from bot.store.projection import project_posting
from bot.store.reviews import keep_posting, review_as_mailed, save_review
from bot.store.times import text_of, time_of, utc

_MAX_UNCHECKED: Final = 3  # places that were not checked and are named
_ASSEMBLED: Final = "UPDATE thread SET assembled = ? WHERE id = ?"
_STORED: Final = "SELECT message_id, thread_id, state, verdict, reason, tries, compared FROM posting"
_OF_THREADS: Final = f"{_STORED} WHERE thread_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?))"  # noqa: S608 constants
_WITH_IDS: Final = f"{_STORED} WHERE message_id IN {LISTED}"
_GONE: Final = "UPDATE posting SET state = 'gone', detail = ? WHERE message_id = ?"
_ARRIVALS: Final = f"""
SELECT message_id, arrived, mail.id FROM message JOIN mail ON mail.id = mail_id WHERE message_id IN {LISTED}"""  # noqa: S608
_INSERT_OR_REPLACE: Final = """
INSERT INTO posting
  (message_id, thread_id, topic, revision, sent, arrived, state, detail, value, verdict, reason, tries, compared)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (message_id) DO UPDATE SET
  thread_id = excluded.thread_id, topic = excluded.topic, revision = excluded.revision, sent = excluded.sent,
  arrived = excluded.arrived, state = excluded.state, detail = excluded.detail, value = excluded.value,
  verdict = excluded.verdict, reason = excluded.reason, tries = excluded.tries, compared = excluded.compared"""
_SET_VERDICT: Final = "UPDATE posting SET verdict = ?, reason = ? WHERE message_id = ?"
_DUE: Final = "FROM posting WHERE state = 'complete' AND verdict = ''"
_SUPERSEDED: Final = f"""
SELECT * FROM outgoing WHERE posting_id IN (
  SELECT message_id FROM posting WHERE topic = ? AND revision < ? AND message_id != ?)
AND kind NOT IN {LISTED} AND mode != '{FILED}' AND state IN {LISTED}"""  # noqa: S608 constants
_WAITING_MAIL: Final = f"""
SELECT 1 FROM posting JOIN outgoing ON posting_id = posting.message_id
WHERE topic = ? AND revision < ? AND posting.message_id != ? AND mode != '{FILED}'
AND +outgoing.state IN ({", ".join(f"'{state}'" for state in WAITING)}) LIMIT 1"""  # noqa: S608 constants
# A revision can be posted again with other diffs, or by a list that gives the same mail another message-id.
_PREVIOUS_REVIEW: Final = """
SELECT posting_id, posting, value FROM review WHERE posting_id = (
  SELECT earlier.message_id FROM posting AS earlier
  JOIN review ON posting_id = earlier.message_id LEFT JOIN posting AS own ON own.message_id = ?1
  WHERE earlier.topic = ?2 AND earlier.message_id != ?1
  AND (earlier.revision < ?3 OR (earlier.revision = own.revision
    AND (earlier.sent, earlier.arrived, earlier.message_id) < (own.sent, own.arrived, own.message_id)))
  ORDER BY earlier.revision DESC, earlier.sent DESC, earlier.arrived DESC, earlier.message_id DESC LIMIT 1)"""
_REPLIES: Final = """
SELECT posting_id, message.message_id FROM posting
JOIN outgoing ON posting_id = posting.message_id
JOIN message ON in_reply_to = outgoing.message_id AND in_reply_to != ''
JOIN mail ON mail.id = message.mail_id
WHERE topic = ? ORDER BY mail.arrived DESC, mail.id DESC"""


class _StoredPosting(NamedTuple):
    """The columns of a stored posting that decide how it is replaced."""

    message_id: str
    thread: int
    state: str
    verdict: str
    reason: str
    tries: int
    compared: bool


class PostingRows:
    """bot.ports.Postings over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_threads(self, threads: Sequence[tuple[Thread, Sequence[EncodedPosting]]]) -> Collection[str]:
        completed: set[str] = set()
        assembled = [encoded.posting for _, postings in threads for encoded in postings]
        with self._database.changing() as connection:
            stored = _stored_before(connection, [thread.id for thread, _ in threads], assembled)
            arrivals, mails = _arrivals(
                connection, (part.message_id for posting in assembled for part in posting.parts)
            )
            for thread, postings in threads:
                ids = {encoded.posting.message_id for encoded in postings}
                left_out = [
                    before.message_id
                    for before in stored.values()
                    if before.thread == thread.id and before.state != PRUNED and before.message_id not in ids
                ]
                # A posting whose mail was not loaded, because the thread is too long, stays as it is.
                unloaded = _arrivals(connection, left_out)[0].keys() - thread.rows.keys() if left_out else ()
                for message_id in left_out:
                    if message_id not in unloaded:
                        connection.execute(_GONE, ("its thread was assembled in another way since", message_id))
                        forget_pending(connection, [message_id])
                for encoded in postings:
                    if not mails.issuperset(mail_rows(encoded.value)):
                        continue  # the thread has changed since, so it is assembled again
                    if _save(connection, thread, encoded, stored.get(encoded.posting.message_id), arrivals):
                        completed.add(encoded.posting.message_id)
            connection.executemany(_ASSEMBLED, [(thread.changed, thread.id) for thread, _ in threads])
        return completed

    def due_for_review(
        self, limit: int, *, tries: int | None = None, besides: Collection[str] = ()
    ) -> Sequence[DuePosting]:
        condition, values = ("", ()) if tries is None else ("AND tries = ?", (tries,))
        query = (
            f"SELECT value, arrived, tries {_DUE} {condition} AND message_id NOT IN {LISTED} "
            "ORDER BY tries, arrived, sent, message_id LIMIT ?"
        )
        with self._database.rows() as connection:
            rows = connection.execute(query, (*values, json.dumps(list(besides)), limit)).fetchall()
            return due_postings(connection, rows)

    def count_due_for_review(self) -> int:
        with self._database.rows() as connection:
            (number,) = connection.execute(f"SELECT count(*) {_DUE}").fetchone()
            return int(number)

    def supersede(self, posting: Posting, now: datetime) -> int:
        revision = posting.series.revision
        with self._database.rows() as connection:  # Few postings replace a mail: do not wait for the write lock.
            wanted = [(topic, revision, posting.message_id) for topic in series_topics(connection, posting)]
            if not any(connection.execute(_WAITING_MAIL, values).fetchone() for values in wanted):
                return 0
        with self._database.changing() as connection:
            states = json.dumps(PRIVATE), json.dumps(WAITING)
            rows = (row for values in wanted for row in named_rows(connection, _SUPERSEDED, *values, *states))
            mails = [mail_of(row) for row in rows if _is_replaced(connection, row.posting_id, posting)]
            reason = f"v{revision} of the series is here"
            changes = [change_state(connection, mail, MailState.WITHDRAWN, now, reason) for mail in mails]
            self._database.note(*changes)
            return len(changes)

    def previous_review(self, posting: Posting, is_dry_run: bool) -> Review | None:
        with self._database.rows() as connection:
            rows = (_previous_review(connection, posting, topic) for topic in series_topics(connection, posting))
            row = next(filter(None, rows), None)
            return None if row is None else review_as_mailed(connection, *row, is_dry_run=is_dry_run)

    def series_topics(self, posting: Posting) -> tuple[str, ...]:
        """Return the topic of the posting, and that of the series which it continues under another title, if any."""
        with self._database.rows() as connection:
            return tuple(series_topics(connection, posting))

    def context(self, posting: Posting) -> RefusalContext:
        with self._database.rows() as connection:
            return context_of(connection, posting)

    def replies(self, topic: str) -> Mapping[str, str]:
        """Return the first reply of a person to our mail about a posting of the topic, by the posting's message-id."""
        with self._database.rows() as connection:
            return dict(connection.execute(_REPLIES, (topic,)))

    def batch(self) -> AbstractContextManager[list[Callable[[], None]]]:
        return self._database.batch()

    def save_review(
        self,
        review: Review,
        outgoing: Outgoing | None,
        now: datetime,
        pending: PendingUpdate | None = None,
        encoded: PostingBytes | None = None,
        blobs: Mapping[str, bytes] | PackedImages | None = None,
    ) -> bool:
        with self._database.changing() as connection:
            posting = review.posting
            save_images(connection, blobs or {}, now)
            save_review(connection, review, now, encoded or PostingBytes(encode_posting(posting)))
            if pending is not None:
                update_pending(connection, pending, now)
            is_kept = outgoing is not None and store_mail(connection, posting, outgoing, now)
            reason = ANSWERED if outgoing is not None else why_unmailed(review) or review.recipients.reason
            reasons = filter(None, ("" if is_kept else reason, *review.incomplete[:_MAX_UNCHECKED]))
            connection.execute(_SET_VERDICT, ("reviewed", "; ".join(reasons), posting.message_id))
            return is_kept

    def refuse(self, posting: Posting, reason: str) -> None:
        with self._database.changing() as connection:
            connection.execute(_SET_VERDICT, ("refused", reason, posting.message_id))

    def quarantine(self, posting: Posting, reason: str) -> None:
        with self._database.changing() as connection:
            connection.execute(_SET_VERDICT, (QUARANTINED, reason, posting.message_id))

    def defer(self, posting: Posting) -> None:
        with self._database.changing() as connection:
            connection.execute("UPDATE posting SET tries = tries + 1 WHERE message_id = ?", (posting.message_id,))

    def blobs(self, ids: Iterable[str], max_bytes: int, also: Iterable[str] = ()) -> StoredImages:
        with self._database.rows() as connection:
            return find_images(connection, ids, max_bytes, also)

    def save_blobs(self, blobs: Mapping[str, bytes] | PackedImages, now: datetime) -> None:
        if blobs:
            with self._database.changing() as connection:
                save_images(connection, blobs, now)


def due_postings(connection: Plain, rows: Iterable[tuple[bytes, str, int]]) -> list[DuePosting]:
    """Return the postings of rows that are due. They have no texts."""
    due = [(in_current_format(value), time_of(arrived), tries) for value, arrived, tries in rows]
    of_values = [mail_rows(value) for value, *_ in due]
    mails = PackedMails.of(connection, frozenset().union(*of_values))
    return [
        DuePosting(posting_of(value), arrived, tries, PostingBytes(value, mails.only(mail_ids)))
        for (value, arrived, tries), mail_ids in zip(due, of_values, strict=True)
    ]


def _is_replaced(connection: Plain, posting_id: str, posting: Posting) -> bool:
    """Return whether a later posting of the series replaces that one.

    Under another topic it may be a single patch of the series, or of a stranger who uses the name of the author.
    """
    (value,) = connection.execute(POSTING_VALUE, (posting_id,)).fetchone()
    earlier = posting_of(value)
    is_whole = earlier.author.key == posting.author.key and earlier.paths <= posting.paths
    return earlier.topic == posting.topic or is_whole


def _previous_review(connection: Plain, posting: Posting, topic: str) -> tuple[str, bytes, bytes] | None:
    """Return the newest stored review of that topic that is of an earlier revision."""
    values = (posting.message_id, topic, posting.series.revision)
    row: tuple[str, bytes, bytes] | None = connection.execute(_PREVIOUS_REVIEW, values).fetchone()
    return row


def _stored_before(connection: Plain, threads: Sequence[int], postings: Iterable[Posting]) -> dict[str, _StoredPosting]:
    """Return what is stored of the postings and those in the threads, by message-id, in a fixed order."""
    ids = [posting.message_id for posting in postings]
    rows = [
        *connection.execute(_OF_THREADS, (json.dumps(threads),)),
        *connection.execute(_WITH_IDS, (json.dumps(ids),)),
    ]
    return {row[0]: _StoredPosting(*row) for row in sorted(rows)}


def _arrivals(connection: Plain, message_ids: Iterable[str]) -> tuple[dict[str, datetime], set[int]]:
    """Return when the mails with these ids arrived, and their rows."""
    rows = connection.execute(_ARRIVALS, (json.dumps(list(message_ids)),)).fetchall()
    return {message_id: time_of(arrived) for message_id, arrived, _ in rows}, {row for *_, row in rows}


def _save(
    connection: Plain,
    thread: Thread,
    encoded: EncodedPosting,
    before: _StoredPosting | None,
    arrivals: Mapping[str, datetime],
) -> bool:
    """Store the posting, and replace its stored row if there is one. Return whether it became complete."""
    posting, value = encoded.posting, encoded.value
    parts = [part.message_id for part in posting.parts]
    times = [arrivals[part] for part in parts if part in arrivals] or [utc(None)]
    first, last = min(times), max(times)
    disputed = sorted(thread.disputed.intersection(parts))
    state, detail = ("defective", f"other mails have the ids {', '.join(disputed)}") if disputed else _state(posting)
    verdict, reason, tries, is_compared = "", "", 0, False
    if before is not None:
        if before.state == PRUNED:
            return False  # without its pruned mails the posting has no more content than before
        verdict, reason, tries = before.verdict, before.reason, before.tries
        (stored,) = connection.execute(POSTING_VALUE, (posting.message_id,)).fetchone()
        is_changed = not is_same_posting(stored, value, BlockReader(connection).mails)
        if is_changed:
            keep_posting(connection, posting.message_id, stored)
        is_compared = bool(before.compared) and (not is_changed or _parts(stored) == parts)
    if verdict == "refused" and reason.startswith(RefusalKind.UNFOLLOWED):
        verdict, reason = "", ""  # a followed archive may have it by now
    sent = first if posting.date is None else min(posting.date, first)
    key = (posting.message_id, thread.id, posting.topic, posting.series.revision, text_of(sent), text_of(last))
    connection.execute(_INSERT_OR_REPLACE, (*key, state, detail, value, verdict, reason, tries, is_compared))
    project_posting(connection, posting)
    return state == "complete" and (before is None or before.state != state)


def _parts(value: bytes) -> list[str]:
    return [part.message_id for part in posting_of(value).parts]


def _state(posting: Posting) -> tuple[str, str]:
    state = posting.state
    if isinstance(state, Waiting):
        return state.word, ", ".join(str(index) for index in state.missing)
    return state.word, state.reason if isinstance(state, Defective) else ""
