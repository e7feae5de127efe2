# SPDX-License-Identifier: GPL-2.0-or-later
"""Which stored postings are applied: each of their patches is in a landing ref."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot.mail.landed import AppliedBy, is_applied
from bot.mail.posting import Posting
from bot.ports.landing import AppliedRecord
from bot.store.codec import chunks, posting_of
from bot.store.tables import AppliedPatchRow, PostingRow


def applied_patches(session: Session, message_ids: Iterable[str]) -> Sequence[AppliedRecord]:
    """Return where patches are applied, by the message-ids of their mails; a patch may be applied in several refs."""
    records = []
    for ids in chunks(sorted(set(message_ids))):
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


def applied_postings(session: Session, posting_ids: Collection[str]) -> set[str]:
    """Return those of the postings all of whose patches are applied."""
    postings: list[Posting] = []
    for ids in chunks(sorted(set(posting_ids))):
        rows = session.exec(select(PostingRow).where(col(PostingRow.message_id).in_(ids), PostingRow.state != "gone"))
        postings += [posting_of(row.value, with_texts=False) for row in rows]
    pending = {posting.message_id for posting in without_applied(session, postings)}
    return {posting.message_id for posting in postings} - pending
