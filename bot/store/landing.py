# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of landing refs, and the patches that they apply."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, delete, select, update

from bot.mail.landed import AppliedBy, is_applied
from bot.mail.posting import Posting
from bot.ports import AppliedRecord, LandingMove
from bot.store.codec import decode
from bot.store.database import Database
from bot.store.tables import AppliedPatchRow, CursorRow, PostingRow

_SOURCE: Final = "landing"  # the source of the cursors of landing refs
_MAX_VARIABLES: Final = 500  # values in one statement


class LandingRows:
    """bot.service.landing.LandingStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def landing_commits(self) -> Mapping[str, str]:
        """Return the commit up to which each landing ref was read, by the name of the ref."""
        with self._database.reading() as session:
            rows = session.exec(select(CursorRow).where(CursorRow.source == _SOURCE))
            return {row.epoch: row.position for row in rows}

    def recent_postings(self, since: datetime) -> Sequence[Posting]:
        """Return the complete postings that arrived since then, oldest first."""
        rows = select(PostingRow).where(PostingRow.state == "complete", PostingRow.arrived >= since)
        with self._database.reading() as session:
            return [decode(Posting, row.value) for row in session.exec(rows.order_by(col(PostingRow.arrived)))]

    def uncompared_postings(self, since: datetime) -> Sequence[Posting]:
        """Return those of `recent_postings` that were never compared with commits that had landed before."""
        rows = select(PostingRow).where(PostingRow.state == "complete", PostingRow.arrived >= since)
        rows = rows.where(col(PostingRow.compared) == 0).order_by(col(PostingRow.arrived))
        with self._database.reading() as session:
            return [decode(Posting, row.value) for row in session.exec(rows)]

    def save_landing(self, moves: Sequence[LandingMove], compared: Collection[str], now: datetime) -> Collection[str]:
        """Store in one transaction how landing refs moved, what they apply, and which postings were compared.

        Return the ids of the postings all of whose patches are applied now and were not before.
        """
        with self._database.writing() as session:
            touched = {patch.posting_id for move in moves for patch in move.applied}
            before = _applied_postings(session, touched)
            for move in moves:
                session.merge(CursorRow(source=_SOURCE, epoch=move.name, position=move.commit))
                _forget(session, move)
                for patch in move.applied:
                    session.merge(
                        AppliedPatchRow(
                            message_id=patch.message_id,
                            landing=move.name,
                            posting_id=patch.posting_id,
                            ref=move.ref,
                            commit_id=patch.commit,
                            decided_by=patch.by,
                            noted=now,
                        )
                    )
            for ids in _chunks(compared):
                session.exec(update(PostingRow).where(col(PostingRow.message_id).in_(ids)).values(compared=True))
            session.flush()
            return _applied_postings(session, touched) - before


def applied_patches(session: Session, message_ids: Iterable[str]) -> Sequence[AppliedRecord]:
    """Return where patches are applied, by the message-ids of their mails; a patch may be applied in several refs."""
    records = []
    for ids in _chunks(message_ids):
        rows = select(AppliedPatchRow).where(col(AppliedPatchRow.message_id).in_(ids))
        records += [
            AppliedRecord(row.message_id, row.ref, row.commit_id, AppliedBy(row.decided_by), row.noted)
            for row in session.exec(rows.order_by(col(AppliedPatchRow.noted), col(AppliedPatchRow.landing)))
        ]
    return records


def without_applied(session: Session, postings: Iterable[Posting], before: datetime | None = None) -> list[Posting]:
    """Return the postings that are not applied, or with `before` that were not applied at that time."""
    chosen = list(postings)
    parts = {part.message_id for posting in chosen for part in posting.parts}
    records = applied_patches(session, parts)
    applied = {record.message_id for record in records if before is None or record.noted < before}
    return [posting for posting in chosen if not is_applied(posting, applied)]


def _applied_postings(session: Session, posting_ids: Collection[str]) -> set[str]:
    postings: list[Posting] = []
    for ids in _chunks(posting_ids):
        rows = session.exec(select(PostingRow).where(col(PostingRow.message_id).in_(ids), PostingRow.state != "gone"))
        postings += [decode(Posting, row.value) for row in rows]
    pending = {posting.message_id for posting in without_applied(session, postings)}
    return {posting.message_id for posting in postings} - pending


def _forget(session: Session, move: LandingMove) -> None:
    """Forget the patches that only a removed or reverted commit of the ref applied."""
    if not move.removed:
        return
    of_ref = session.exec(select(AppliedPatchRow.commit_id).where(AppliedPatchRow.landing == move.name).distinct())
    for ids in _chunks(move.removed.intersection(of_ref)):
        stale = col(AppliedPatchRow.landing) == move.name, col(AppliedPatchRow.commit_id).in_(ids)
        session.exec(delete(AppliedPatchRow).where(*stale))


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(values))
    return (ordered[start : start + _MAX_VARIABLES] for start in range(0, len(ordered), _MAX_VARIABLES))
