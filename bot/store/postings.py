# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings, their reviews, and the images that were verified."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BindParameter, and_, bindparam, func, or_
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import aliased
from sqlmodel import AutoString, Session, col, select, update

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Defective, Posting, Waiting
from bot.mail.posting_codec import EncodedPosting, encode_posting
from bot.mail.refusal import RefusalKind
from bot.mail.state import WAITING, MailState
from bot.ports.mails import Thread
from bot.ports.pending import PendingUpdate
from bot.ports.postings import DuePosting
from bot.review.model import Review
from bot.review.unmailed import ANSWERED, why_unmailed
from bot.store.blocks import BlockReader, driver, store_bytes
from bot.store.codec import chunks, in_current_format, is_same_posting, posting_of
from bot.store.database import Database
from bot.store.listing import PRUNED, QUARANTINED
from bot.store.outgoing import FILED, PRIVATE, change_state, store_mail
from bot.store.pending import forget_pending, update_pending
from bot.store.projection import project_posting
from bot.store.reviews import keep_posting, review_as_told, save_review
from bot.store.tables import (
    BlobRow,
    MailRow,
    MessageRow,
    OutgoingRow,
    PostingRow,
    ReviewRow,
    ThreadRow,
)
from bot.store.times import utc
from rules.finding import skipped_lines

_MIN_ID_LENGTH = 7
_MAX_SKIPPED = 3  # places that exceeded an analysis limit and are named
_HEX = frozenset("0123456789abcdef")
_WANTED = func.json_each(bindparam("ids", type_=AutoString())).table_valued("value")
_MATCHING_BLOBS = select(_WANTED.c.value, BlobRow.blob_id).where(
    # Unlike LIKE, a range uses the index of the primary key.
    col(BlobRow.blob_id) >= _WANTED.c.value,
    col(BlobRow.blob_id) < _WANTED.c.value.concat("g"),
)
_FULL_ID = bindparam("full_id", type_=AutoString())
_BLOB = select(BlobRow.block, BlobRow.start, BlobRow.length).where(BlobRow.blob_id == _FULL_ID)
_USED_BLOB = update(BlobRow).where(col(BlobRow.blob_id) == _FULL_ID).values(used=bindparam("now"))
_ASSEMBLED = update(ThreadRow).where(col(ThreadRow.id) == bindparam("thread")).values(assembled=bindparam("changes"))


_TOPIC: Final[BindParameter[Any]] = bindparam("topic_of_row")
_REVISION: Final[BindParameter[Any]] = bindparam("revision_of_row")
_MESSAGE_ID: Final[BindParameter[Any]] = bindparam("message_id_of_row")
_SUPERSEDED = select(OutgoingRow).where(
    col(OutgoingRow.posting_id).in_(
        select(PostingRow.message_id).where(
            col(PostingRow.topic) == _TOPIC,
            col(PostingRow.revision) < _REVISION,
            col(PostingRow.message_id) != _MESSAGE_ID,
        )
    ),
    col(OutgoingRow.kind).not_in(PRIVATE),
    OutgoingRow.mode != FILED,
    col(OutgoingRow.state).in_(WAITING),
)
_OWN = aliased(PostingRow)
_PREVIOUS_REVIEW = (
    select(ReviewRow)
    .join(PostingRow, col(PostingRow.message_id) == col(ReviewRow.posting_id))
    .join(_OWN, col(_OWN.message_id) == _MESSAGE_ID, isouter=True)
    .where(col(PostingRow.topic) == _TOPIC, col(PostingRow.message_id) != _MESSAGE_ID)
    .where(
        or_(
            col(PostingRow.revision) < _REVISION,
            # A revision can be posted again with other diffs.
            and_(col(PostingRow.revision) == _OWN.revision, col(PostingRow.sent) < _OWN.sent),
        )
    )
    .order_by(col(PostingRow.revision).desc(), col(PostingRow.sent).desc())
    .limit(1)
)
_REPLIES = (
    select(OutgoingRow.posting_id, MessageRow.message_id)
    .join(MessageRow, col(MessageRow.in_reply_to) == col(OutgoingRow.message_id))
    .join(MailRow, col(MailRow.id) == col(MessageRow.mail_id))
    .join(PostingRow, col(PostingRow.message_id) == col(OutgoingRow.posting_id))
    .where(col(PostingRow.topic) == _TOPIC, MessageRow.in_reply_to != "")
    .order_by(col(MailRow.arrived).desc(), col(MailRow.id).desc())
)


class PostingRows:
    """bot.ports.Postings over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_threads(self, threads: Sequence[tuple[Thread, Sequence[EncodedPosting]]]) -> Collection[str]:
        completed: set[str] = set()
        assembled = [encoded.posting for _, postings in threads for encoded in postings]
        with self._database.writing() as session:
            rows = _rows_before(session, [thread.id for thread, _ in threads], assembled)
            arrivals = _arrivals(session, (part.message_id for posting in assembled for part in posting.parts))
            for thread, postings in threads:
                ids = {encoded.posting.message_id for encoded in postings}
                for row in rows.values():
                    if row.thread_id == thread.id and row.state != PRUNED and row.message_id not in ids:
                        row.state, row.detail = "gone", "its thread was assembled in another way since"
                        forget_pending(session, [row.message_id])
                for encoded in postings:
                    before = rows.get(encoded.posting.message_id)
                    if _save(session, thread, encoded, before, arrivals):
                        completed.add(encoded.posting.message_id)
            if threads:
                done = [{"thread": thread.id, "changes": thread.changed} for thread, _ in threads]
                session.connection().execute(_ASSEMBLED, done)
        return completed

    def due_for_review(
        self, limit: int, *, tries: int | None = None, besides: Collection[str] = ()
    ) -> Sequence[DuePosting]:
        due = select(PostingRow).where(PostingRow.state == "complete", PostingRow.verdict == "")
        due = due if tries is None else due.where(PostingRow.tries == tries)
        due = due.where(col(PostingRow.message_id).not_in(besides)) if besides else due
        order = (col(PostingRow.tries), col(PostingRow.arrived), col(PostingRow.sent), col(PostingRow.message_id))
        with self._database.reading() as session:
            rows = session.exec(due.order_by(*order).limit(limit))
            return [_due(row) for row in rows]

    def count_due_for_review(self) -> int:
        with self._database.reading() as session:
            due = select(func.count()).where(PostingRow.state == "complete", PostingRow.verdict == "")
            return session.exec(due).one()

    def supersede(self, posting: Posting, now: datetime) -> int:
        parameters = {
            "topic_of_row": posting.topic,
            "revision_of_row": posting.series.revision,
            "message_id_of_row": posting.message_id,
        }
        with self._database.reading() as session:  # Few postings replace a mail: do not wait for the write lock.
            if session.connection().execute(_SUPERSEDED, parameters).first() is None:
                return 0
        with self._database.writing() as session:
            rows = session.exec(_SUPERSEDED, params=parameters).all()
            for row in rows:
                change_state(
                    session, row, MailState.WITHDRAWN, now, f"v{posting.series.revision} of the series is here"
                )
            return len(rows)

    def previous_review(self, posting: Posting, rehearsed: bool) -> Review | None:
        with self._database.reading() as session:
            parameters = {
                "topic_of_row": posting.topic,
                "revision_of_row": posting.series.revision,
                "message_id_of_row": posting.message_id,
            }
            row = session.exec(_PREVIOUS_REVIEW, params=parameters).first()
            return None if row is None else review_as_told(session, row, rehearsed)

    def replies(self, topic: str) -> Mapping[str, str]:
        """Return the first reply of a person to our mail about a posting of the topic, by the posting's message-id."""
        with self._database.reading() as session:
            return dict(session.connection().execute(_REPLIES, {"topic_of_row": topic}).tuples().all())

    def save_review(
        self,
        review: Review,
        outgoing: Outgoing | None,
        now: datetime,
        pending: PendingUpdate | None = None,
        encoded: bytes = b"",
        blobs: Mapping[str, bytes] | None = None,
    ) -> bool:
        with self._database.writing() as session:
            posting = review.posting
            save_blobs(session, blobs or {}, now)
            save_review(session, review, now, encoded or encode_posting(posting))
            if pending is not None:
                update_pending(session, pending, now)
            is_kept = outgoing is not None and store_mail(session, posting, outgoing, now)
            reason = ANSWERED if outgoing is not None else why_unmailed(review) or review.recipients.reason
            reasons = filter(None, ("" if is_kept else reason, *skipped_lines(review.skipped)[:_MAX_SKIPPED]))
            _set_verdict(session, posting, "reviewed", "; ".join(reasons))
            return is_kept

    def refuse(self, posting: Posting, reason: str) -> None:
        with self._database.writing() as session:
            _set_verdict(session, posting, "refused", reason)

    def quarantine(self, posting: Posting, reason: str) -> None:
        with self._database.writing() as session:
            _set_verdict(session, posting, QUARANTINED, reason)

    def defer(self, posting: Posting) -> None:
        row = update(PostingRow).where(col(PostingRow.message_id) == posting.message_id)
        with self._database.writing() as session:
            session.exec(row.values(tries=PostingRow.tries + 1))

    def blobs(self, ids: Iterable[str], most: int) -> Mapping[str, bytes]:
        wanted = [blob_id for blob_id in ids if len(blob_id) >= _MIN_ID_LENGTH and set(blob_id) <= _HEX]
        if not wanted:
            return {}
        contents: dict[str, bytes] = {}
        size = 0
        with self._database.reading() as session:
            full_ids: dict[str, list[str]] = defaultdict(list)
            for blob_id, full_id in session.connection().execute(_MATCHING_BLOBS, {"ids": json.dumps(wanted)}):
                full_ids[blob_id].append(full_id)
            reader = BlockReader(driver(session.connection()))
            for blob_id in wanted:
                if len(full_ids[blob_id]) == 1:
                    extent = session.exec(_BLOB, params={"full_id": full_ids[blob_id][0]}).one()
                    content = reader.bytes_at(*extent)
                    size += len(content)
                    if size > most:
                        break
                    contents[blob_id] = content
        return contents

    def save_blobs(self, blobs: Mapping[str, bytes], now: datetime) -> None:
        if not blobs:
            return
        with self._database.writing() as session:
            save_blobs(session, blobs, now)


def save_blobs(session: Session, blobs: Mapping[str, bytes], now: datetime) -> None:
    """Store verified bytes by their full ids. Only those that are not stored yet are compressed."""
    known: set[str] = set()
    for ids in chunks(blobs):
        known.update(session.exec(select(BlobRow.blob_id).where(col(BlobRow.blob_id).in_(ids))))
    if known:
        rows = [{"full_id": blob_id, "now": now} for blob_id in sorted(known)]
        session.connection().execute(_USED_BLOB, rows)
    new = [blob_id for blob_id in blobs if blob_id not in known]
    if new:
        # The images of a series resemble each other, so they have a block of their own.
        extents = store_bytes(driver(session.connection()), map(blobs.__getitem__, new))
        rows = [
            {"blob_id": blob_id, "used": now, **extent._asdict()} for blob_id, extent in zip(new, extents, strict=True)
        ]
        session.connection().execute(insert(BlobRow), rows)


def _due(row: PostingRow) -> DuePosting:
    encoded = in_current_format(row.value)
    return DuePosting(posting_of(encoded, with_texts=False), row.arrived, row.tries, encoded)


def _rows_before(session: Session, threads: Iterable[int], postings: Iterable[Posting]) -> dict[str, PostingRow]:
    """Return the rows of the postings and those in the threads, by message-id, in a fixed order."""
    rows: list[PostingRow] = []
    for chunk in chunks(threads):
        rows += session.exec(select(PostingRow).where(col(PostingRow.thread_id).in_(chunk)))
    for ids in chunks(posting.message_id for posting in postings):
        rows += session.exec(select(PostingRow).where(col(PostingRow.message_id).in_(ids)))
    return {row.message_id: row for row in sorted(rows, key=lambda row: row.message_id)}


def _arrivals(session: Session, message_ids: Iterable[str]) -> dict[str, datetime]:
    """Return when the mails with these ids arrived."""
    arrivals: dict[str, datetime] = {}
    for ids in chunks(message_ids):
        arrived = (
            select(MessageRow.message_id, MailRow.arrived)
            .join(MailRow, col(MessageRow.mail_id) == col(MailRow.id))
            .where(col(MessageRow.message_id).in_(ids))
        )
        arrivals.update((message_id, utc(time)) for message_id, time in session.exec(arrived))
    return arrivals


def _save(
    session: Session, thread: Thread, encoded: EncodedPosting, row: PostingRow | None, arrivals: Mapping[str, datetime]
) -> bool:
    """Store the posting in the place of its row, if any. Return whether it became complete."""
    posting, value = encoded.posting, encoded.value
    parts = [part.message_id for part in posting.parts]
    times = [arrivals[part] for part in parts if part in arrivals] or [utc(None)]
    first, last = min(times), max(times)
    disputed = sorted(thread.disputed.intersection(parts))
    state, detail = ("defective", f"other mails have the ids {', '.join(disputed)}") if disputed else _state(posting)
    if row is not None and row.state == PRUNED:
        return False  # without its pruned mails the posting has no more content than before
    is_changed = row is not None and not is_same_posting(row.value, value)
    if row is not None and is_changed:
        keep_posting(session, row)
    verdict, reason = ("", "") if row is None else (row.verdict, row.reason)
    if verdict == "refused" and reason.startswith(RefusalKind.UNFOLLOWED):
        verdict, reason = "", ""  # a followed archive may have it by now
    is_compared = row is not None and row.compared and (not is_changed or _parts(row) == parts)
    is_new = state == "complete" and (row is None or row.state != state)
    session.merge(
        PostingRow(
            message_id=posting.message_id,
            thread_id=thread.id,
            topic=posting.topic,
            revision=posting.series.revision,
            sent=first if posting.date is None else min(posting.date, first),
            arrived=last,
            state=state,
            detail=detail,
            value=value,
            verdict=verdict,
            reason=reason,
            tries=0 if row is None else row.tries,
            compared=is_compared,
        )
    )
    project_posting(session, posting)
    return is_new


def _parts(row: PostingRow) -> list[str]:
    return [part.message_id for part in posting_of(row.value, with_texts=False).parts]


def _state(posting: Posting) -> tuple[str, str]:
    state = posting.state
    if isinstance(state, Waiting):
        return state.word, ", ".join(str(index) for index in state.missing)
    return state.word, state.reason if isinstance(state, Defective) else ""


def _set_verdict(session: Session, posting: Posting, verdict: str, reason: str) -> None:
    row = update(PostingRow).where(col(PostingRow.message_id) == posting.message_id)
    session.connection().execute(row.values(verdict=verdict, reason=reason))
