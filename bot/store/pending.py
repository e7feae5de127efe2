# SPDX-License-Identifier: GPL-2.0-or-later
"""The pending postings and their collisions. The rows of pending postings are derived, and can be rebuilt."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, delete, select

from bot.ports.pending import PendingUpdate
from bot.ports.postings import DuePosting
from bot.review.pending import PendingPosting
from bot.review.record import CollisionRecord
from bot.store.applied import applied_postings
from bot.store.codec import chunks, decode, encode, posting_of
from bot.store.database import Database
from bot.store.tables import CollisionRow, PendingFactRow, PendingRow, PostingRow


class PendingRows:
    """bot.ports.PendingStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget_pending(self, message_ids: Collection[str]) -> int:
        with self._database.writing() as session:
            return forget_pending(session, message_ids)

    def rebuild_pending(self, postings: Iterable[PendingPosting]) -> None:
        with self._database.writing() as session:
            session.exec(delete(PendingFactRow))
            session.exec(delete(PendingRow))
            for posting in postings:
                save_pending(session, posting)

    def reviewed_since(self, sent: datetime) -> Sequence[DuePosting]:
        """Return the reviewed postings that were sent since then, oldest first; of a topic only the newest revision."""
        with self._database.reading() as session:
            rows = select(PostingRow).where(
                PostingRow.state == "complete", PostingRow.verdict == "reviewed", PostingRow.sent >= sent
            )
            newest = {
                row.topic: row for row in session.exec(rows.order_by(col(PostingRow.revision), col(PostingRow.sent)))
            }
            ordered = sorted(newest.values(), key=lambda row: (row.sent, row.message_id))
            return [DuePosting(posting_of(row.value), row.arrived, row.tries) for row in ordered]

    def new_collisions(self, since: datetime, until: datetime) -> Sequence[CollisionRecord]:
        """Return the collisions that were found from `since` until before `until`, in the order of their discovery."""
        with self._database.reading() as session:
            rows = select(CollisionRow).where(col(CollisionRow.found) >= since, col(CollisionRow.found) < until)
            rows = rows.order_by(col(CollisionRow.found), col(CollisionRow.topic), col(CollisionRow.other_topic))
            records = []
            for row in session.exec(rows).all():
                posting, other = session.get(PostingRow, row.message_id), session.get(PostingRow, row.other_id)
                if posting is not None and other is not None:
                    pair = posting_of(posting.value), posting_of(other.value)
                    records.append(CollisionRecord(*pair, row.kind, row.name))
            return records


def update_pending(session: Session, update: PendingUpdate, now: datetime) -> None:
    """Store what a review found about its posting, and remove the postings that are too old."""
    expired = session.exec(select(PendingRow.message_id).where(PendingRow.sent < update.oldest)).all()
    forget_pending(session, expired)
    if update.posting.sent >= update.oldest:
        save_pending(session, update.posting)
    for collision in update.collisions:
        topic, other_topic = sorted((update.posting.topic, collision.other.topic))
        row = insert(CollisionRow).values(
            topic=topic,
            other_topic=other_topic,
            message_id=update.posting.message_id,
            other_id=collision.other.message_id,
            kind=collision.kind.value,
            name=collision.name,
            found=now,
        )
        session.exec(row.on_conflict_do_nothing())


def save_pending(session: Session, posting: PendingPosting) -> None:
    """Store a pending posting in the place of earlier revisions of its topic, unless a later one is stored.

    An applied posting is not pending.
    """
    if applied_postings(session, [posting.message_id]):
        return
    rows = session.exec(select(PendingRow).where(PendingRow.topic == posting.topic)).all()
    revisions = [decode(PendingPosting, row.value) for row in rows]
    if any((other.revision, other.sent) > (posting.revision, posting.sent) for other in revisions):
        return
    forget_pending(session, [other.message_id for other in revisions])
    session.add(
        PendingRow(message_id=posting.message_id, topic=posting.topic, sent=posting.sent, value=encode(posting))
    )
    facts = [
        {"kind": kind.value, "name": name, "message_id": posting.message_id}
        for kind, name in sorted(posting.facts.keys)
    ]
    for chunk in chunks(facts):
        session.connection().execute(insert(PendingFactRow), chunk)


def forget_pending(session: Session, message_ids: Collection[str]) -> int:
    """Remove postings from the table. Return how many were in it."""
    known = 0
    for chunk in chunks(sorted(message_ids)):
        session.exec(delete(PendingFactRow).where(col(PendingFactRow.message_id).in_(chunk)))
        known += session.exec(delete(PendingRow).where(col(PendingRow.message_id).in_(chunk))).rowcount
    return known
