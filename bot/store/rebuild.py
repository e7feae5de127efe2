# SPDX-License-Identifier: GPL-2.0-or-later
"""Rebuild the projection from the stored postings and reviews, a few at a time."""

from collections.abc import Sequence
from typing import Final

from bot.ports.projection import FindSubsystems, RebuildStep
from bot.store.codec import posting_of
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.listing import POSTING_VALUE
from bot.store.projection import count_findings, project_posting, project_review
from bot.store.reviews import stored_review, with_subsystems

_DUE: Final = "SELECT message_id FROM posting WHERE projection = 0 ORDER BY message_id LIMIT ?"
_AFTER: Final = "SELECT message_id FROM posting WHERE message_id > ? ORDER BY message_id LIMIT ?"
_REVIEW: Final = "SELECT posting, value FROM review WHERE posting_id = ?"
_WITHOUT_POSTING: Final = tuple(
    f"DELETE FROM {table} WHERE posting_id NOT IN (SELECT message_id FROM posting)"  # noqa: S608 constants
    for table in ("posting_list", "posting_part", "posting_subsystem", "finding")
)
_WITHOUT_REVIEW: Final = tuple(
    f"DELETE FROM {table} WHERE posting_id NOT IN (SELECT posting_id FROM review)"  # noqa: S608 constants
    for table in ("posting_subsystem", "finding")
)


class ProjectionRows:
    """bot.ports.projection.Projection over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def project_due(self, limit: int) -> int:
        with self._database.rows() as connection:  # usually none is due, and no writer has to wait
            ids = [message_id for (message_id,) in connection.execute(_DUE, (limit,))]
        if ids:
            with self._database.changing() as connection:
                _rebuild(connection, ids)
        return len(ids)

    def rebuild_projection(self, after: str, limit: int, find: FindSubsystems | None) -> RebuildStep:
        with self._database.changing(many_rows=True) as connection:
            ids = [message_id for (message_id,) in connection.execute(_AFTER, (after, limit))]
            filled = _rebuild(connection, ids, find)
            if not ids:
                _remove_orphans(connection)
            return RebuildStep(ids[-1], filled) if ids else RebuildStep()


def _rebuild(connection: Plain, ids: Sequence[str], find: FindSubsystems | None = None) -> int:
    """Write the projection of these postings and their reviews from the stored values, one after the other.

    Return how many reviews got subsystems or their reasons from `find`.
    """
    filled = 0
    for message_id in ids:
        project_posting(connection, posting_of(connection.execute(POSTING_VALUE, (message_id,)).fetchone()[0]))
        review = connection.execute(_REVIEW, (message_id,)).fetchone()
        if review is not None:
            value = stored_review(connection, message_id, *review, with_texts=False)
            if find is not None and not value.matches:
                value = with_subsystems(connection, value, find)
                filled += bool(value.matches)
            project_review(connection, value)
    return filled


def _remove_orphans(connection: Plain) -> None:
    """Remove rows whose posting or review does not exist, and count the findings again.

    The rows of the kernel tree are not derived from the store: without its commit, the service writes them again in its
    next round. Until then the pages show them.
    """
    for query in (*_WITHOUT_POSTING, *_WITHOUT_REVIEW):
        connection.execute(query)
    count_findings(connection)
    connection.execute("UPDATE kernel_tree SET commit_id = ''")
