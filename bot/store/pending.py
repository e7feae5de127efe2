# SPDX-License-Identifier: GPL-2.0-or-later
"""The pending postings and their collisions. The rows of pending postings are derived, and can be rebuilt."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, delete, select

from bot.ports.pending import MAX_CANDIDATES, PendingUpdate
from bot.ports.postings import DuePosting
from bot.review.pending import PendingPosting
from bot.review.record import CollisionRecord
from bot.store.applied import applied_postings
from bot.store.codec import chunks, decode, encode, posting_of
from bot.store.database import Database
from bot.store.tables import CollisionRow, MessageRow, PendingFactRow, PendingRow, PostingRow
from rules.bindings.pending_facts import PendingKind


class PendingRows:
    """bot.ports.PendingStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending_postings(self) -> Sequence[PendingPosting]:
        with self._database.reading() as session:
            rows = select(PendingRow).order_by(col(PendingRow.sent), col(PendingRow.message_id))
            return [decode(PendingPosting, row.value) for row in session.exec(rows)]

    def find_pending(self, message_id: str) -> PendingPosting | None:
        with self._database.reading() as session:
            row = session.get(PendingRow, message_id)
            if row is not None:
                return decode(PendingPosting, row.value)
            of_thread = (
                select(PendingRow)
                .join(PostingRow, col(PostingRow.message_id) == col(PendingRow.message_id))
                .join(MessageRow, col(MessageRow.thread_id) == col(PostingRow.thread_id))
                .where(MessageRow.message_id == message_id)
            )
            postings = (decode(PendingPosting, row.value) for row in session.exec(of_thread))
            return next((posting for posting in postings if message_id in posting.ids), None)

    def pending_with(self, keys: Iterable[tuple[PendingKind, str]]) -> Sequence[PendingPosting]:
        names: dict[PendingKind, list[str]] = defaultdict(list)
        for kind, name in sorted(keys):
            names[kind].append(name)
        with self._database.reading() as session:
            sent: dict[str, datetime] = {}
            for kind, kind_names in names.items():
                for chunk in chunks(kind_names):
                    matching = (
                        select(PendingRow.message_id, PendingRow.sent)
                        .join(PendingFactRow, col(PendingFactRow.message_id) == col(PendingRow.message_id))
                        .where(PendingFactRow.kind == kind.value, col(PendingFactRow.name).in_(chunk))
                    )
                    sent.update(session.exec(matching.distinct()).all())
            newest = sorted(sent, key=lambda message_id: (sent[message_id], message_id), reverse=True)
            rows = (session.get_one(PendingRow, message_id) for message_id in newest[:MAX_CANDIDATES])
            return [decode(PendingPosting, row.value) for row in rows]

    def topics_of(self, message_ids: Collection[str]) -> frozenset[str]:
        with self._database.reading() as session:
            topics: set[str] = set()
            for chunk in chunks(sorted(message_ids)):
                threads = select(MessageRow.thread_id).where(col(MessageRow.message_id).in_(chunk))
                topics.update(session.exec(select(PostingRow.topic).where(col(PostingRow.thread_id).in_(threads))))
            return frozenset(topics)

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
