# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the projection anew from the stored postings and reviews, a few at a time."""

from collections.abc import Sequence

from sqlmodel import Session, col, delete, select, update

from bot.ports.projection import FindSubsystems, RebuildStep
from bot.store.blocks import driver
from bot.store.codec import posting_of
from bot.store.database import Database
from bot.store.projection import count_findings, project_posting, project_review
from bot.store.reviews import stored_review, with_subsystems
from bot.store.tables import (
    FindingRow,
    KernelTreeRow,
    PostingListRow,
    PostingPartRow,
    PostingRow,
    PostingSubsystemRow,
    ReviewRow,
)


class ProjectionRows:
    """bot.ports.projection.Projection over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def project_due(self, limit: int) -> int:
        due = select(PostingRow.message_id).where(PostingRow.projection == 0).order_by(PostingRow.message_id)
        with self._database.reading() as session:  # usually none is due, and no writer has to wait
            ids = session.exec(due.limit(limit)).all()
        if ids:
            with self._database.writing() as session:
                _rebuild(session, ids)
        return len(ids)

    def rebuild_projection(self, after: str, limit: int, find: FindSubsystems | None) -> RebuildStep:
        following = select(PostingRow.message_id).where(PostingRow.message_id > after)
        with self._database.writing() as session:
            ids = session.exec(following.order_by(PostingRow.message_id).limit(limit)).all()
            filled = _rebuild(session, ids, find)
            if not ids:
                _remove_orphans(session)
            return RebuildStep(ids[-1], filled) if ids else RebuildStep()


def _rebuild(session: Session, ids: Sequence[str], find: FindSubsystems | None = None) -> int:
    """Write the projection of these postings and their reviews from the stored values, one after the other.

    Return how many reviews got subsystems or their reasons from `find`.
    """
    connection = driver(session.connection())
    filled = 0
    for message_id in ids:
        project_posting(connection, posting_of(session.get_one(PostingRow, message_id).value))
        review = session.get(ReviewRow, message_id)
        if review is not None:
            value = stored_review(connection, message_id, review.posting, review.value, with_texts=False)
            if find is not None and not value.matches:
                value = with_subsystems(connection, value, find)
                filled += bool(value.matches)
            project_review(connection, value)
        session.expunge_all()
    return filled


def _remove_orphans(session: Session) -> None:
    """Remove rows whose posting or review does not exist, and count the findings anew.

    The rows of the kernel tree are not derived from the store: without its commit, the service writes them anew in its
    next round. Until then the pages show them.
    """
    postings = select(PostingRow.message_id)
    for table in (PostingListRow, PostingPartRow, PostingSubsystemRow, FindingRow):
        session.exec(delete(table).where(col(table.posting_id).not_in(postings)))
    for table in (PostingSubsystemRow, FindingRow):
        session.exec(delete(table).where(col(table.posting_id).not_in(select(ReviewRow.posting_id))))
    count_findings(driver(session.connection()))
    session.exec(update(KernelTreeRow).values(commit_id=""))
