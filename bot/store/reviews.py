# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored reviews. The reviewed posting is stored only in the row of the posting, until that row changes."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select, update

from bot.mail.posting import Posting
from bot.mail.state import MailState
from bot.review.model import Recipients, Review
from bot.store.codec import decode, encode, is_same_posting, posting_of
from bot.store.outgoing import FILED
from bot.store.projection import project_review
from bot.store.tables import OutgoingPartRow, OutgoingRow, PostingRow, ReviewRow
from rules.lazy import replace

_WITHOUT_POSTING: Final = frozenset({"posting"})
_IN_ITS_ROW: Final = b""
_UNSENT: Final = (MailState.HELD, MailState.REFUSED, MailState.EXPIRED, MailState.WITHDRAWN)


_VALUE: Final = select(PostingRow.value).where(col(PostingRow.message_id) == bindparam("message_id_of_row"))
_INSERT: Final = insert(ReviewRow)
_INSERT_OR_REPLACE: Final = _INSERT.on_conflict_do_update(
    index_elements=["posting_id"],
    set_={name: _INSERT.excluded[name] for name in ("reviewed", "posting", "value", "pruned")},
)


def save_review(session: Session, review: Review, now: datetime, posting: bytes) -> None:
    """Store a review of that encoded posting and its rows, and replace an earlier review of it."""
    stored = session.connection().execute(_VALUE, {"message_id_of_row": review.posting.message_id}).scalar()
    is_in_its_row = stored is not None and is_same_posting(stored, posting)
    values = {
        "posting_id": review.posting.message_id,
        "reviewed": now,
        "posting": _IN_ITS_ROW if is_in_its_row else posting,
        "value": encode(review, exclude=_WITHOUT_POSTING),
        "pruned": None,
    }
    session.connection().execute(_INSERT_OR_REPLACE, values)
    project_review(session, review)


def keep_posting(session: Session, row: PostingRow) -> None:
    """Copy the posting to the row of its review, because the row of the posting is about to change."""
    reviews = col(ReviewRow.posting_id) == row.message_id, col(ReviewRow.posting) == _IN_ITS_ROW
    session.exec(update(ReviewRow).where(*reviews).values(posting=row.value))


def review_of(session: Session, row: ReviewRow, *, with_texts: bool = True) -> Review:
    """Return the review, with the posting that was reviewed, on demand without its texts."""
    value = row.posting
    if value == _IN_ITS_ROW:
        value = session.get_one(PostingRow, row.posting_id).value
    return decode(Review, row.value, posting=posting_of(value, with_texts=with_texts))


def review_as_told(session: Session, row: ReviewRow, rehearsed: bool) -> Review:
    """Return the review, without recipients if its mail did not leave. Filed mails count only if `rehearsed`.

    Its posting has no texts: what is compared with the review of a later revision are findings.
    """
    review = review_of(session, row, with_texts=False)
    if _was_mailed(session, review.posting, rehearsed):
        return review
    return replace(review, recipients=Recipients(reason=review.recipients.reason or "its mail did not leave"))


def _was_mailed(session: Session, posting: Posting, rehearsed: bool) -> bool:
    """Return whether a mail about these parts left, or waits to be sent."""
    mails = (
        select(OutgoingRow)
        .join(OutgoingPartRow, col(OutgoingPartRow.outgoing_id) == col(OutgoingRow.message_id))
        .where(col(OutgoingPartRow.message_id).in_([part.message_id for part in posting.parts]))
        .where(col(OutgoingRow.state).not_in(_UNSENT))
    )
    if not rehearsed:
        mails = mails.where(OutgoingRow.mode != FILED)
    return session.exec(mails.limit(1)).first() is not None
