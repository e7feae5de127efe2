# SPDX-License-Identifier: GPL-2.0-or-later
"""Remove what is old and large. Ids, hashes, states and verdicts stay: no mail is taken, reviewed or sent anew.

A thread is pruned as a whole, when nothing in it is to be read, reviewed or sent any more. What comes to it later is
assembled without the pruned mails, and the pruned postings stay what they are. Each method is one small transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, not_, or_, true
from sqlmodel import Session, col, delete, select, update

from bot.mail.posting import Defective, Posting
from bot.mail.state import FINAL
from bot.ports import Pruned, Step
from bot.review.model import Review, ReviewFinding
from bot.store.codec import decode, encode, pack
from bot.store.database import Database
from bot.store.tables import (
    PRUNED,
    AttestationRow,
    BlobRow,
    MailRow,
    MessageRow,
    OutgoingRow,
    PostingRow,
    ReviewRow,
    ThreadRow,
)

_ROWS: Final = 200
_NOTHING: Final = pack(b"")
_IN_ITS_ROW: Final = b""
_START: Final = ("", 0)


class RetentionRows:
    """bot.ports.Prunable over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prune_threads(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        with (self._database.reading if dry else self._database.writing)() as session:
            old = (
                select(MailRow.id, MailRow.arrived, MessageRow.thread_id)
                .join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id), isouter=True)
                .where(col(MailRow.pruned).is_(None), MailRow.arrived < before, MailRow.state != "new")
                .order_by(col(MailRow.arrived), col(MailRow.id))
                .limit(_ROWS)
            )
            rows = session.exec(old.where(_behind(after))).all()
            found = sorted({thread for _, _, thread in rows if thread is not None})
            if dry:  # nothing marks what an earlier step counted
                found = [thread for thread in found if not _is_counted(session, thread, after)]
            threads = [thread for thread in found if _is_quiet(session, thread, before)]
            mails = [number for number, _, thread in rows if number and thread is None]
            of_threads = select(MailRow.id).join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
            unpruned = col(MailRow.pruned).is_(None)
            of_quiet = session.exec(of_threads.where(col(MessageRow.thread_id).in_(threads), unpruned))
            mails += filter(None, of_quiet)
            pruned = _prune_mails(session, mails, now, dry=dry)
            pruned += _prune_postings(session, threads, now, dry=dry)
        last = rows[-1] if rows else None
        return Step(pruned, None if last is None else (last[1].isoformat(), last[0] or 0))

    def prune_images(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        with (self._database.reading if dry else self._database.writing)() as session:
            size = func.length(BlobRow.content)
            old = select(BlobRow.blob_id, size).where(
                col(BlobRow.used) < before, BlobRow.blob_id > (after or _START)[0]
            )
            rows = session.exec(old.order_by(BlobRow.blob_id).limit(_ROWS)).all()
            if not dry:
                session.exec(delete(BlobRow).where(col(BlobRow.blob_id).in_([name for name, _ in rows])))
        return _step(rows, images=len(rows))

    def prune_reviews(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        with (self._database.reading if dry else self._database.writing)() as session:
            old = select(ReviewRow).where(col(ReviewRow.pruned).is_(None), ReviewRow.reviewed < before)
            old = old.where(ReviewRow.posting_id > (after or _START)[0])
            sizes = []
            for row in session.exec(old.order_by(ReviewRow.posting_id).limit(_ROWS)).all():
                posting = (
                    session.get_one(PostingRow, row.posting_id).value if row.posting == _IN_ITS_ROW else row.posting
                )
                review = decode(Review, row.value, posting=decode(Posting, posting))
                value = encode(_without_quotes(review), exclude=frozenset({"posting"}))
                sizes.append((row.posting_id, len(row.value) - len(value)))
                if not dry:
                    row.value, row.pruned = value, now
                    session.add(row)
        return _step(sizes, reviews=len(sizes))

    def prune_sent(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        with (self._database.reading if dry else self._database.writing)() as session:
            size = func.length(OutgoingRow.content)
            old = select(OutgoingRow.message_id, size).where(
                col(OutgoingRow.state).in_(FINAL), OutgoingRow.changed < before, size > 0
            )
            old = old.where(OutgoingRow.message_id > (after or _START)[0])
            rows = session.exec(old.order_by(OutgoingRow.message_id).limit(_ROWS)).all()
            if not dry:
                ids = [name for name, _ in rows]
                session.exec(update(OutgoingRow).where(col(OutgoingRow.message_id).in_(ids)).values(content=b""))
        return _step(rows, sent=len(rows))

    def reclaim(self) -> int:
        return self._database.reclaim()


def _step(rows: Sequence[tuple[str, int]], **counts: int) -> Step:
    """The step that ended with the last of these rows, each a key and the bytes that were freed."""
    return Step(Pruned(bytes=sum(size for _, size in rows), **counts), (rows[-1][0], 0) if rows else None)


def _behind(after: tuple[str, int] | None) -> ColumnElement[bool]:
    """The mails behind that one, in the order of their arrival."""
    if after is None:
        return true()
    arrived, number = datetime.fromisoformat(after[0]), after[1]
    return or_(col(MailRow.arrived) > arrived, and_(col(MailRow.arrived) == arrived, col(MailRow.id) > number))


def _is_counted(session: Session, thread: int, after: tuple[str, int] | None) -> bool:
    """Whether an unpruned mail of the thread was in an earlier step."""
    if after is None:
        return False
    earlier = select(MailRow.id).join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
    earlier = earlier.where(MessageRow.thread_id == thread, col(MailRow.pruned).is_(None), not_(_behind(after)))
    return session.exec(earlier.limit(1)).first() is not None


def _is_quiet(session: Session, thread: int, before: datetime) -> bool:
    """Whether nothing came to the thread since then, and nothing in it is to be assembled, reviewed or sent."""
    row = session.get_one(ThreadRow, thread)
    if row.changed > row.assembled:
        return False
    postings = select(PostingRow.message_id).where(PostingRow.thread_id == thread)
    arrivals = select(MailRow.id).join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
    checks = (
        arrivals.where(MessageRow.thread_id == thread, MailRow.arrived >= before),
        postings.where(PostingRow.state == "complete", PostingRow.verdict == ""),
        select(OutgoingRow.message_id).where(
            col(OutgoingRow.posting_id).in_(postings), col(OutgoingRow.state).not_in(FINAL)
        ),
        # A copy of our mail from an archive proves that it was sent.
        select(OutgoingRow.message_id)
        .join(MessageRow, col(MessageRow.message_id) == col(OutgoingRow.message_id))
        .where(MessageRow.thread_id == thread, col(OutgoingRow.state).not_in(FINAL)),
    )
    return all(session.exec(found.limit(1)).first() is None for found in checks)


def _prune_mails(session: Session, ids: Sequence[int | None], now: datetime, *, dry: bool) -> Pruned:
    size = 0
    for start in range(0, len(ids), _ROWS):
        some = ids[start : start + _ROWS]
        size += session.exec(select(func.sum(func.length(MailRow.raw))).where(col(MailRow.id).in_(some))).one() or 0
        if not dry:
            session.exec(update(MailRow).where(col(MailRow.id).in_(some)).values(raw=_NOTHING, pruned=now))
            session.exec(delete(AttestationRow).where(col(AttestationRow.mail_id).in_(some)))
    return Pruned(mails=len(ids), bytes=max(0, size - len(ids) * len(_NOTHING)))


def _prune_postings(session: Session, threads: Collection[int], now: datetime, *, dry: bool) -> Pruned:
    pruned = Pruned()
    rows = select(PostingRow).where(col(PostingRow.thread_id).in_(threads), PostingRow.state != PRUNED)
    for row in session.exec(rows).all():
        value = _reduced(row.value)
        freed = len(row.value) - len(value)
        review = session.get(ReviewRow, row.message_id)
        if review is not None and review.posting != _IN_ITS_ROW:
            reviewed = _reduced(review.posting)
            freed += len(review.posting) - len(reviewed)
            if not dry:
                review.posting = reviewed
                session.add(review)
        if not dry:
            row.value, row.state, row.detail = value, PRUNED, f"removed by retention on {now:%Y-%m-%d}"
            session.add(row)
        pruned += Pruned(postings=1, bytes=freed)
    return pruned


def _reduced(value: bytes) -> bytes:
    """A stored posting without its texts and diffs; it cannot be reviewed any more."""
    posting = decode(Posting, value)
    patches = tuple(
        replace(patch, log="", notes="", changes=tuple(replace(change, hunks=()) for change in patch.changes))
        for patch in posting.series.patches
    )
    return encode(
        replace(
            posting,
            series=replace(posting.series, patches=patches, cover=""),
            parts=tuple(replace(part, body="") for part in posting.parts),
            state=Defective("its mails were removed by retention"),
        )
    )


def _without_quotes(review: Review) -> Review:
    """The review with what it found, and without what it quotes from elsewhere."""

    def bare(comment: ReviewFinding) -> ReviewFinding:
        return replace(comment, finding=replace(comment.finding, evidence=(), facts=()))

    return replace(review, comments=tuple(map(bare, review.comments)), failures=(), skipped=())
