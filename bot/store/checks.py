# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the checks for Patchwork."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, tuple_
from sqlmodel import col, select

from bot.ports.checks import CheckStatus, QueuedCheck, ReviewedPosting
from bot.review.patch_check import CheckState, PatchCheck
from bot.store.blocks import driver
from bot.store.database import Database
from bot.store.reviews import stored_review
from bot.store.tables import PatchCheckRow, PostingRow, ReviewRow


class CheckRows:
    """bot.ports.checks.CheckStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reviews_after(self, reviewed: datetime, posting_id: str, limit: int) -> Sequence[ReviewedPosting]:
        later = tuple_(col(ReviewRow.reviewed), col(ReviewRow.posting_id)) > (reviewed, posting_id)
        wanted = (
            select(ReviewRow, PostingRow.arrived)
            .join(PostingRow, col(PostingRow.message_id) == col(ReviewRow.posting_id))
            .where(later, col(ReviewRow.pruned).is_(None), PostingRow.state != "gone")
            .order_by(col(ReviewRow.reviewed), col(ReviewRow.posting_id))
        )
        with self._database.reading() as session:
            connection = driver(session.connection())
            return [
                ReviewedPosting(
                    stored_review(connection, row.posting_id, row.posting, row.value, with_texts=False),
                    row.reviewed,
                    arrived,
                )
                for row, arrived in session.exec(wanted.limit(limit))
            ]

    def queue_checks(self, posting_id: str, project: str, checks: Sequence[PatchCheck], now: datetime) -> int:
        with self._database.reading() as session:  # usually all are known, and no writer has to wait
            new = [
                check for check in checks if _differs(session.get(PatchCheckRow, (check.message_id, project)), check)
            ]
        if new:
            with self._database.writing() as session:
                for check in new:
                    before = session.get(PatchCheckRow, (check.message_id, project))
                    row = _row(posting_id, project, check, now)
                    row.posted = None if before is None else before.posted
                    session.merge(row)
        return len(new)

    def due_checks(self, now: datetime, limit: int) -> Sequence[QueuedCheck]:
        due = select(PatchCheckRow).where(PatchCheckRow.status == CheckStatus.QUEUED.value, PatchCheckRow.due <= now)
        with self._database.reading() as session:
            return [_check_of(row) for row in session.exec(due.order_by(col(PatchCheckRow.due)).limit(limit))]

    def settle_check(
        self, check: QueuedCheck, status: CheckStatus, now: datetime, *, reason: str = "", due: datetime | None = None
    ) -> None:
        with self._database.writing() as session:
            row = session.get_one(PatchCheckRow, (check.check.message_id, check.project))
            row.status, row.reason, row.due = status.value, reason, due or row.due
            row.posted = now if status is CheckStatus.POSTED else row.posted
            row.attempts += status is not CheckStatus.WITHDRAWN
            session.add(row)

    def postpone_check(self, check: QueuedCheck, due: datetime) -> None:
        with self._database.writing() as session:
            row = session.get_one(PatchCheckRow, (check.check.message_id, check.project))
            row.due = due
            session.add(row)

    def count_posted_checks(self, since: datetime) -> int:
        posted = select(func.count()).where(col(PatchCheckRow.posted) > since)
        with self._database.reading() as session:
            return session.exec(posted).one()


def _differs(row: PatchCheckRow | None, check: PatchCheck) -> bool:
    """Return whether the check says something else than the row."""
    if row is None:
        return True
    return (row.state, row.description, row.target_url) != (check.state.value, check.description, check.target_url)


def _row(posting_id: str, project: str, check: PatchCheck, now: datetime) -> PatchCheckRow:
    return PatchCheckRow(
        message_id=check.message_id,
        project=project,
        posting_id=posting_id,
        state=check.state.value,
        description=check.description,
        target_url=check.target_url,
        status=CheckStatus.QUEUED.value,
        reason="",
        attempts=0,
        due=now,
    )


def _check_of(row: PatchCheckRow) -> QueuedCheck:
    check = PatchCheck(row.message_id, CheckState(row.state), row.description, row.target_url)
    return QueuedCheck(check, row.project, row.posting_id, row.attempts)
