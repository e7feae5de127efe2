# SPDX-License-Identifier: GPL-2.0-or-later
"""Remove old texts. Ids, hashes, states and verdicts stay, so that no mail is stored, reviewed or sent again.

A thread is pruned as a whole, when nothing in it remains to be read, reviewed or sent. Later mails of the thread are
assembled without the pruned mails, and the pruned postings do not change. Each method is one small transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, not_, or_, true
from sqlmodel import Session, col, delete, select, update

from bot.mail.posting import Defective
from bot.mail.posting_codec import encode_posting
from bot.mail.state import FINAL
from bot.ports.retention import PruneCounts, Step
from bot.review.model import Review, ReviewFinding
from bot.store.blocks import NOWHERE, Extent, driver, erase_bytes
from bot.store.codec import IN_ITS_ROW, decode, encode, posting_of
from bot.store.database import Database
from bot.store.listing import PRUNED
from bot.store.pending import forget_pending
from bot.store.tables import (
    AttestationRow,
    BlobRow,
    MailRow,
    MessageRow,
    OutgoingRow,
    PostingRow,
    ReviewRow,
    ThreadRow,
)
from bot.store.texts import keep_texts
from rules.lazy import replace

_MAX_ROWS: Final = 200
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
                .limit(_MAX_ROWS)
            )
            rows = session.exec(old.where(_is_after(after))).all()
            candidates = sorted({thread for _, _, thread in rows if thread is not None})
            if dry:  # a dry run marks nothing, so skip what an earlier step counted
                candidates = [thread for thread in candidates if not _is_counted(session, thread, after)]
            threads = [thread for thread in candidates if _is_inactive(session, thread, before)]
            mails = [number for number, _, thread in rows if number and thread is None]
            of_threads = select(MailRow.id).join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
            unpruned = col(MailRow.pruned).is_(None)
            of_inactive = session.exec(of_threads.where(col(MessageRow.thread_id).in_(threads), unpruned))
            mails += filter(None, of_inactive)
            pruned = _prune_postings(session, threads, now, dry=dry)
            pruned += _prune_mails(session, mails, now, dry=dry)
        last = rows[-1] if rows else None
        return Step(pruned, None if last is None else (last[1].isoformat(), last[0] or 0))

    def prune_images(self, before: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        with (self._database.reading if dry else self._database.writing)() as session:
            old = select(BlobRow).where(col(BlobRow.used) < before, BlobRow.blob_id > (after or _START)[0])
            rows = session.exec(old.order_by(BlobRow.blob_id).limit(_MAX_ROWS)).all()
            extents = [Extent(row.block, row.start, row.length) for row in rows]
            if not dry:
                erase_bytes(driver(session.connection()), extents)
                session.exec(delete(BlobRow).where(col(BlobRow.blob_id).in_([row.blob_id for row in rows])))
        return _step([(row.blob_id, row.length) for row in rows], images=len(rows))

    def prune_reviews(self, before: datetime, now: datetime, after: tuple[str, int] | None, *, dry: bool) -> Step:
        with (self._database.reading if dry else self._database.writing)() as session:
            old = select(ReviewRow).where(col(ReviewRow.pruned).is_(None), ReviewRow.reviewed < before)
            old = old.where(ReviewRow.posting_id > (after or _START)[0])
            sizes = []
            for row in session.exec(old.order_by(ReviewRow.posting_id).limit(_MAX_ROWS)).all():
                posting = (
                    session.get_one(PostingRow, row.posting_id).value if row.posting == IN_ITS_ROW else row.posting
                )
                review = decode(Review, row.value, posting=posting_of(posting))
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
            rows = session.exec(old.order_by(OutgoingRow.message_id).limit(_MAX_ROWS)).all()
            if not dry:
                ids = [name for name, _ in rows]
                session.exec(update(OutgoingRow).where(col(OutgoingRow.message_id).in_(ids)).values(content=b""))
        return _step(rows, sent=len(rows))

    def reclaim(self) -> int:
        return self._database.reclaim()


def _step(rows: Sequence[tuple[str, int]], **counts: int) -> Step:
    """Return the step of these rows. Each is a key and the number of bytes freed."""
    return Step(PruneCounts(bytes=sum(size for _, size in rows), **counts), (rows[-1][0], 0) if rows else None)


def _is_after(after: tuple[str, int] | None) -> ColumnElement[bool]:
    """Return the condition for mails after that mail, in the order of arrival."""
    if after is None:
        return true()
    arrived, number = datetime.fromisoformat(after[0]), after[1]
    return or_(col(MailRow.arrived) > arrived, and_(col(MailRow.arrived) == arrived, col(MailRow.id) > number))


def _is_counted(session: Session, thread: int, after: tuple[str, int] | None) -> bool:
    """Return whether an earlier step had an unpruned mail of the thread."""
    if after is None:
        return False
    earlier = select(MailRow.id).join(MessageRow, col(MessageRow.mail_id) == col(MailRow.id))
    earlier = earlier.where(MessageRow.thread_id == thread, col(MailRow.pruned).is_(None), not_(_is_after(after)))
    return session.exec(earlier.limit(1)).first() is not None


def _is_inactive(session: Session, thread: int, before: datetime) -> bool:
    """Return whether the thread got no mail since `before`, and nothing is left to assemble, review or send."""
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
    return all(session.exec(check.limit(1)).first() is None for check in checks)


def _prune_mails(session: Session, ids: Sequence[int | None], now: datetime, *, dry: bool) -> PruneCounts:
    number = size = 0
    for start in range(0, len(ids), _MAX_ROWS):
        chunk = ids[start : start + _MAX_ROWS]
        stored = select(MailRow.block, MailRow.start, MailRow.length).where(col(MailRow.id).in_(chunk))
        extents = [Extent(*row) for row in session.exec(stored)]
        number += sum(extent.length > 0 for extent in extents)  # a mail in quarantine may have no text
        size += sum(extent.length for extent in extents)
        if not dry:
            connection = driver(session.connection())
            keep_texts(connection, list(filter(None, chunk)))
            erase_bytes(connection, extents)
            pruned = update(MailRow).where(col(MailRow.id).in_(chunk))
            session.exec(pruned.values(**NOWHERE._asdict(), pruned=now))
            session.exec(delete(AttestationRow).where(col(AttestationRow.mail_id).in_(chunk)))
    return PruneCounts(mails=number, bytes=size)


def _prune_postings(session: Session, threads: Collection[int], now: datetime, *, dry: bool) -> PruneCounts:
    pruned = PruneCounts()
    rows = select(PostingRow).where(col(PostingRow.thread_id).in_(threads), PostingRow.state != PRUNED)
    for row in session.exec(rows).all():
        value = _reduced(row.value)
        freed = len(row.value) - len(value)
        review = session.get(ReviewRow, row.message_id)
        if review is not None and review.posting != IN_ITS_ROW:
            reviewed = _reduced(review.posting)
            freed += len(review.posting) - len(reviewed)
            if not dry:
                review.posting = reviewed
                session.add(review)
        if not dry:
            row.value, row.state, row.detail = value, PRUNED, f"removed by retention on {now:%Y-%m-%d}"
            session.add(row)
            forget_pending(driver(session.connection()), [row.message_id])
        pruned += PruneCounts(postings=1, bytes=freed)
    session.flush()  # before plain statements read the postings
    return pruned


def _reduced(value: bytes) -> bytes:
    """Return a stored posting without its texts and diffs. It can no longer be reviewed."""
    posting = posting_of(value)
    patches = tuple(replace(patch, log="", notes="") for patch in posting.series.patches)
    series = replace(posting.series, patches=patches, cover="")
    return encode_posting(replace(posting, series=series, state=Defective("its mails were removed by retention")))


def _without_quotes(review: Review) -> Review:
    """Return the review with its findings, but without their quotes."""

    def without_quotes(entry: ReviewFinding) -> ReviewFinding:
        return replace(entry, finding=replace(entry.finding, evidence=(), facts=()))

    return replace(review, findings=tuple(map(without_quotes, review.findings)), failures=(), skipped=())
