# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings, their reviews, and the images that were verified."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import AutoString, Session, col, select, update

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Defective, Posting, Waiting
from bot.mail.refusal import RefusalKind
from bot.mail.state import WAITING, MailState
from bot.ports.mails import Thread
from bot.ports.pending import PendingUpdate
from bot.ports.postings import DuePosting
from bot.review.model import Review
from bot.review.unmailed import ANSWERED, why_unmailed
from bot.store.codec import decode, encode, pack, unpack
from bot.store.database import Database
from bot.store.outgoing import FILED, PRIVATE, change_state, store_mail
from bot.store.pending import forget_pending, update_pending
from bot.store.reviews import keep_posting, review_as_told, save_review
from bot.store.tables import (
    PRUNED,
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

QUARANTINED = "quarantined"
_MIN_ID_LENGTH = 7
_MAX_SKIPPED = 3  # places that exceeded an analysis limit and are named
_HEX = frozenset("0123456789abcdef")


class PostingRows:
    """bot.ports.Postings over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_threads(self, threads: Sequence[tuple[Thread, Sequence[Posting]]]) -> Collection[str]:
        completed: set[str] = set()
        with self._database.writing() as session:
            for thread, postings in threads:
                ids = [posting.message_id for posting in postings]
                before = select(PostingRow).where(PostingRow.thread_id == thread.id, PostingRow.state != PRUNED)
                for row in session.exec(before.where(col(PostingRow.message_id).not_in(ids))).all():
                    row.state, row.detail = "gone", "its thread was assembled in another way since"
                    session.add(row)
                    forget_pending(session, [row.message_id])
                completed.update(posting.message_id for posting in postings if _save(session, thread, posting))
                session.exec(update(ThreadRow).where(col(ThreadRow.id) == thread.id).values(assembled=thread.changed))
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
            return [DuePosting(decode(Posting, row.value), row.arrived, row.tries) for row in rows]

    def count_due_for_review(self) -> int:
        with self._database.reading() as session:
            due = select(func.count()).where(PostingRow.state == "complete", PostingRow.verdict == "")
            return session.exec(due).one()

    def supersede(self, posting: Posting, now: datetime) -> int:
        older = select(PostingRow.message_id).where(
            PostingRow.topic == posting.topic,
            PostingRow.revision < posting.series.revision,
            PostingRow.message_id != posting.message_id,
        )
        waiting = select(OutgoingRow).where(
            col(OutgoingRow.posting_id).in_(older),
            col(OutgoingRow.kind).not_in(PRIVATE),
            OutgoingRow.mode != FILED,
            col(OutgoingRow.state).in_(WAITING),
        )
        with self._database.writing() as session:
            rows = session.exec(waiting).all()
            for row in rows:
                change_state(
                    session, row, MailState.WITHDRAWN, now, f"v{posting.series.revision} of the series is here"
                )
            return len(rows)

    def previous_review(self, posting: Posting, rehearsed: bool) -> Review | None:
        with self._database.reading() as session:
            own = session.get(PostingRow, posting.message_id)
            older = col(PostingRow.revision) < posting.series.revision
            if own is not None:  # A revision can be posted again with other diffs.
                again = and_(col(PostingRow.revision) == own.revision, col(PostingRow.sent) < own.sent)
                older = or_(older, again)
            row = session.exec(
                select(ReviewRow)
                .join(PostingRow, col(PostingRow.message_id) == col(ReviewRow.posting_id))
                .where(PostingRow.topic == posting.topic, older)
                .where(PostingRow.message_id != posting.message_id)
                .order_by(col(PostingRow.revision).desc(), col(PostingRow.sent).desc())
                .limit(1)
            ).first()
            if row is None:
                return None
            return review_as_told(session, row, rehearsed)

    def replies(self, topic: str) -> Mapping[str, str]:
        """Return the first reply of a person to our mail about a posting of the topic, by the posting's message-id."""
        replies = (
            select(OutgoingRow.posting_id, MessageRow.message_id)
            .join(MessageRow, col(MessageRow.in_reply_to) == col(OutgoingRow.message_id))
            .join(MailRow, col(MailRow.id) == col(MessageRow.mail_id))
            .join(PostingRow, col(PostingRow.message_id) == col(OutgoingRow.posting_id))
            .where(PostingRow.topic == topic, MessageRow.in_reply_to != "")
            .order_by(col(MailRow.arrived).desc(), col(MailRow.id).desc())
        )
        with self._database.reading() as session:
            return dict(session.exec(replies).all())

    def save_review(
        self, review: Review, outgoing: Outgoing | None, now: datetime, pending: PendingUpdate | None = None
    ) -> bool:
        with self._database.writing() as session:
            posting = review.posting
            save_review(session, review, now)
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
        # Unlike LIKE, a range uses the index of the primary key.
        low, high = bindparam("low", type_=AutoString()), bindparam("high", type_=AutoString())
        matching = select(BlobRow.content).where(col(BlobRow.blob_id) >= low, col(BlobRow.blob_id) < high).limit(2)
        contents: dict[str, bytes] = {}
        size = 0
        with self._database.reading() as session:
            for blob_id in ids:
                if len(blob_id) < _MIN_ID_LENGTH or not set(blob_id) <= _HEX:
                    continue
                rows = session.exec(matching, params={"low": blob_id, "high": blob_id + "g"}).all()
                content = unpack(rows[0]) if len(rows) == 1 else b""
                size += len(content)
                if size > most:
                    break
                if len(rows) == 1:
                    contents[blob_id] = content
        return contents

    def save_blobs(self, blobs: Mapping[str, bytes], now: datetime) -> None:
        if not blobs:
            return
        rows = [{"blob_id": blob_id, "content": pack(content), "used": now} for blob_id, content in blobs.items()]
        with self._database.writing() as session:
            for row in rows:
                used = insert(BlobRow).values(**row)
                session.exec(used.on_conflict_do_update(index_elements=["blob_id"], set_={"used": now}))


def _save(session: Session, thread: Thread, posting: Posting) -> bool:
    """Store the posting. Return whether it is complete now and was not complete before."""
    parts, value = [part.message_id for part in posting.parts], encode(posting)
    arrivals = session.exec(
        select(func.min(MailRow.arrived), func.max(MailRow.arrived))
        .join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
        .where(col(MessageRow.message_id).in_(parts))
    ).one()
    first, last = (utc(time) for time in arrivals)
    disputed = sorted(thread.disputed.intersection(parts))
    state, detail = ("defective", f"other mails have the ids {', '.join(disputed)}") if disputed else _state(posting)
    row = session.get(PostingRow, posting.message_id)
    if row is not None and row.state == PRUNED:
        return False  # without its pruned mails the posting has no more content than before
    if row is not None and row.value != value:
        keep_posting(session, row)
    verdict, reason = ("", "") if row is None else (row.verdict, row.reason)
    if verdict == "refused" and reason.startswith(RefusalKind.UNFOLLOWED):
        verdict, reason = "", ""  # a followed archive may have it by now
    is_compared = row is not None and row.compared and (row.value == value or _parts(row) == parts)
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
    return is_new


def _parts(row: PostingRow) -> list[str]:
    return [part.message_id for part in decode(Posting, row.value).parts]


def _state(posting: Posting) -> tuple[str, str]:
    state = posting.state
    if isinstance(state, Waiting):
        return state.word, ", ".join(str(index) for index in state.missing)
    return state.word, state.reason if isinstance(state, Defective) else ""


def _set_verdict(session: Session, posting: Posting, verdict: str, reason: str) -> None:
    row = update(PostingRow).where(col(PostingRow.message_id) == posting.message_id)
    session.exec(row.values(verdict=verdict, reason=reason))
