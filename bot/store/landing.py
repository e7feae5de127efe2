# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of landing refs, and the patches that they apply."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, delete, select, update

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.posting_codec import PostingBytes, ReadMails, encode_posting
from bot.ports.landing import LandingMove, LandingNews, LandingRecheck
from bot.ports.pending import PendingUpdate
from bot.review.model import Review
from bot.store.applied import applied_postings
from bot.store.blocks import BlockReader, driver
from bot.store.codec import STREAMED, chunks, posting_of
from bot.store.database import Database
from bot.store.outgoing import store_mail
from bot.store.pending import forget_pending, update_pending
from bot.store.reviews import save_review
from bot.store.sqlalchemy_dialect import insert, unindexed
from bot.store.tables import (
    UNCOMPARED,
    AppliedPatchRow,
    CursorRow,
    LandingFindingRow,
    LandingRecheckRow,
    PendingFactRow,
    PostingRow,
    ReviewRow,
    VerdictRow,
)
from rules.bindings.pending_facts import PendingKind

_SOURCE: Final = "landing"  # the source of the cursors of landing refs
MAX_NAMES: Final = 500
"""Changed names that a re-check looks for."""


class LandingRows:
    """bot.service.landing.LandingStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def landing_commits(self) -> Mapping[str, str]:
        """Return the commit up to which each landing ref was read, by the name of the ref."""
        with self._database.reading() as session:
            rows = session.exec(select(CursorRow).where(CursorRow.source == _SOURCE))
            return {row.epoch: row.position for row in rows}

    def recent_postings(self, since: datetime, *, uncompared: bool = False) -> Iterator[Posting]:
        """Yield the complete postings that arrived since then, oldest first.

        With `uncompared`, yield only those that were never compared with commits that had landed before.
        """
        rows = select(PostingRow.value).where(unindexed(PostingRow.state) == "complete", PostingRow.arrived >= since)
        rows = rows.where(UNCOMPARED) if uncompared else rows
        with self._database.reading() as session:
            mails = BlockReader(driver(session.connection())).mails
            for value in session.exec(rows.order_by(col(PostingRow.arrived)).execution_options(**STREAMED)):
                yield posting_of(value, mails)

    def save_landing(self, moves: Sequence[LandingMove], compared: Collection[str], now: datetime) -> Collection[str]:
        """Store in one transaction how landing refs moved, what they apply, and which postings were compared.

        Applied postings are not pending any more. Pending postings with affected facts are due for a re-check. Return
        the ids of the postings all of whose patches are applied now and were not before.
        """
        with self._database.writing() as session:
            touched = {patch.posting_id for move in moves for patch in move.applied}
            removed = [row for move in moves for row in _removed_rows(session, move)]
            touched |= {row.posting_id for row in removed}
            before = applied_postings(driver(session.connection()), touched)
            for row in removed:
                session.delete(row)
            session.flush()
            for move in moves:
                session.merge(CursorRow(source=_SOURCE, epoch=move.name, position=move.commit))
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
            for ids in chunks(sorted(compared)):
                session.exec(update(PostingRow).where(col(PostingRow.message_id).in_(ids)).values(compared=True))
            session.flush()
            applied = applied_postings(driver(session.connection()), touched)
            returned = before - applied
            forget_pending(driver(session.connection()), applied)
            for ids in chunks(sorted(applied)):
                session.exec(delete(LandingRecheckRow).where(col(LandingRecheckRow.posting_id).in_(ids)))
            for move in moves:
                affected = _affected(session, move)
                # A posting that is pending again has to be analysed again to be known as pending.
                for posting_id in sorted({*affected, *(returned if move.removed else ())}):
                    _queue(session, posting_id, move, affected.get(posting_id, set()), now)
            return applied - before

    def landing_rechecks(self, limit: int) -> Sequence[LandingRecheck]:
        """Return the postings that are due for a re-check, in the order in which they became due."""
        due = select(LandingRecheckRow, PostingRow).join(
            PostingRow, col(PostingRow.message_id) == col(LandingRecheckRow.posting_id)
        )
        order = (col(LandingRecheckRow.queued), col(LandingRecheckRow.posting_id))
        with self._database.reading() as session:
            mails = BlockReader(driver(session.connection())).mails
            return [_recheck_of(mails, *rows) for rows in session.exec(due.order_by(*order).limit(limit))]

    def landing_recheck(self, posting_id: str) -> LandingRecheck | None:
        """Return the re-check of a posting if one is due."""
        with self._database.reading() as session:
            row, posting = session.get(LandingRecheckRow, posting_id), session.get(PostingRow, posting_id)
            if row is None or posting is None:
                return None
            return _recheck_of(BlockReader(driver(session.connection())).mails, row, posting)

    def end_landing_recheck(self, recheck: LandingRecheck, pending: PendingUpdate | None, now: datetime) -> None:
        """Store that a re-check found nothing new, and what is pending; nothing if it is due in another way."""
        with self._database.writing() as session:
            if _dequeue(session, recheck) and pending is not None:
                update_pending(driver(session.connection()), pending, now)

    def landing_findings(self, posting_id: str) -> frozenset[str]:
        """Return the fingerprints of all findings of the posting that were new after a landing ref moved."""
        with self._database.reading() as session:
            rows = select(LandingFindingRow.fingerprint).where(LandingFindingRow.posting_id == posting_id)
            return frozenset(session.exec(rows))

    def save_landing_review(
        self, review: Review, mail: Outgoing | None, news: LandingNews, pending: PendingUpdate | None, now: datetime
    ) -> bool:
        """Store a re-check with new findings, its mail, what is pending, and its end in one transaction.

        The review keeps the time of the earlier one, so that a digest lists only the new findings. Nothing is stored
        if the re-check is due in another way. Return whether the mail was stored.
        """
        posting, recheck = review.posting, news.recheck
        with self._database.writing() as session:
            if not _dequeue(session, recheck):
                return False
            earlier = session.get(ReviewRow, posting.message_id)
            connection = driver(session.connection())
            reviewed = now if earlier is None else earlier.reviewed
            save_review(connection, review, reviewed, PostingBytes(encode_posting(posting)))
            if pending is not None:
                update_pending(driver(session.connection()), pending, now)
            is_kept = mail is not None and store_mail(connection, posting, mail, now)
            for fingerprint in news.fingerprints:
                row = insert(LandingFindingRow).values(
                    posting_id=posting.message_id,
                    fingerprint=fingerprint,
                    ref=recheck.ref,
                    commit_id=recheck.commit,
                    noted=now,
                )
                session.exec(row.on_conflict_do_nothing())
            for verdict in news.verdicts:
                told = insert(VerdictRow).values(posting_id=posting.message_id, verdict=verdict, mailed=now)
                session.exec(told.on_conflict_do_nothing())
            return is_kept


def _removed_rows(session: Session, move: LandingMove) -> list[AppliedPatchRow]:
    """Return the patches that only a removed or reverted commit of the ref applied."""
    if not move.removed:
        return []
    rows = session.exec(select(AppliedPatchRow).where(AppliedPatchRow.landing == move.name))
    return [row for row in rows if row.commit_id in move.removed]


def _affected(session: Session, move: LandingMove) -> dict[str, set[str]]:
    """Return the pending postings that have an affected fact, each with the names of those facts."""
    names_by_kind: dict[PendingKind, list[str]] = defaultdict(list)
    for kind, name in move.affected:
        names_by_kind[kind].append(name)
    affected: dict[str, set[str]] = defaultdict(set)
    for kind, kind_names in names_by_kind.items():
        for names in chunks(kind_names):
            rows = select(PendingFactRow.message_id, PendingFactRow.name).where(
                PendingFactRow.kind == kind.value, col(PendingFactRow.name).in_(names)
            )
            for message_id, name in session.exec(rows):
                affected[message_id].add(name)
    return affected


def _queue(session: Session, posting_id: str, move: LandingMove, names: set[str], now: datetime) -> None:
    """Let a posting be due for a re-check. A posting that is due already keeps its place."""
    row = session.get(LandingRecheckRow, posting_id)
    earlier = json.loads(row.names) if row is not None else []
    session.merge(
        LandingRecheckRow(
            posting_id=posting_id,
            ref=move.ref,
            commit_id=move.commit,
            names=json.dumps(sorted({*earlier, *names})[:MAX_NAMES]),
            queued=now if row is None else row.queued,
        )
    )
    session.flush()


def _recheck_of(mails: ReadMails, row: LandingRecheckRow, posting: PostingRow) -> LandingRecheck:
    return LandingRecheck(posting_of(posting.value, mails), row.ref, row.commit_id, tuple(json.loads(row.names)))


def _dequeue(session: Session, recheck: LandingRecheck) -> bool:
    """Let the posting be due no longer. Return False if another process did, or if more names changed meanwhile."""
    row = session.get(LandingRecheckRow, recheck.posting.message_id)
    if row is None or (row.commit_id, tuple(json.loads(row.names))) != (recheck.commit, recheck.names):
        return False
    session.delete(row)
    session.flush()
    return True
