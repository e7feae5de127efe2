# SPDX-License-Identifier: GPL-2.0-or-later
"""Stored reviews. The reviewed posting is stored only in the row of the posting, until that row changes."""

import json
from datetime import datetime
from typing import Final

from bot.mail.posting_codec import PostingBytes
from bot.mail.state import MailState
from bot.ports.projection import FindSubsystems
from bot.review.model import Recipients, Review
from bot.store.blocks import BlockReader
from bot.store.codec import IN_ITS_ROW, decode, encode, is_same_posting, posting_of, with_all_texts
from bot.store.dialect import Plain
from bot.store.listing import FILED, POSTING_VALUE
from bot.store.projection import project_review
from bot.store.times import text_of
from rules.analysis.maintainers import SubsystemMatch
from rules.lazy import replace

_WITHOUT_POSTING: Final = frozenset({"posting"})
_UNSENT: Final = (MailState.HELD, MailState.REFUSED, MailState.EXPIRED, MailState.WITHDRAWN)
_REVIEWED: Final = "SELECT posting FROM review WHERE posting_id = ?"
_INSERT_OR_REPLACE: Final = """
INSERT INTO review (posting_id, reviewed, posting, value, pruned) VALUES (?, ?, ?, ?, NULL)
ON CONFLICT (posting_id) DO UPDATE
SET reviewed = excluded.reviewed, posting = excluded.posting, value = excluded.value, pruned = NULL"""
_MAILED: Final = f"""
SELECT 1 FROM outgoing JOIN outgoing_part ON outgoing_id = outgoing.message_id
WHERE outgoing_part.message_id IN (SELECT value FROM json_each(?))
AND state NOT IN ({", ".join(f"'{state}'" for state in _UNSENT)}) AND (? = 1 OR mode != '{FILED}') LIMIT 1"""  # noqa: S608 constants


def save_review(connection: Plain, review: Review, now: datetime, posting: PostingBytes) -> None:
    """Store a review of that encoded posting and its rows, and replace an earlier review of it."""
    stored = connection.execute(POSTING_VALUE, (review.posting.message_id,)).fetchone()
    is_in_its_row = stored is not None and is_same_posting(stored[0], posting.value, BlockReader(connection).mails)
    value = encode(review, exclude=_WITHOUT_POSTING)
    reviewed = IN_ITS_ROW if is_in_its_row else with_all_texts(*posting)
    connection.execute(_INSERT_OR_REPLACE, (review.posting.message_id, text_of(now), reviewed, value))
    project_review(connection, review)


def with_subsystems(connection: Plain, review: Review, find: FindSubsystems) -> Review:
    """Return the stored review with the subsystems of its files, and store it, if `find` returns any.

    A review that has subsystems keeps them, and gets the reasons that are known now.
    """
    found = find(path for patch in review.posting.series.patches for path in patch.paths)
    known = {match.name: match for match in found}
    names = review.subsystems or tuple(known)
    if known.keys().isdisjoint(names):
        return review
    review = replace(review, subsystems=names, matches=tuple(known.get(name, SubsystemMatch(name)) for name in names))
    value = encode(review, exclude=_WITHOUT_POSTING)
    connection.execute("UPDATE review SET value = ? WHERE posting_id = ?", (value, review.posting.message_id))
    return review


def keep_posting(connection: Plain, message_id: str, value: bytes) -> None:
    """Copy the posting to the row of its review, because the row of the posting is about to change."""
    reviewed = connection.execute(_REVIEWED, (message_id,)).fetchone()
    if reviewed is not None and reviewed[0] == IN_ITS_ROW:
        copy = with_all_texts(value, BlockReader(connection).mails)
        connection.execute("UPDATE review SET posting = ? WHERE posting_id = ?", (copy, message_id))


def stored_review(
    connection: Plain, posting_id: str, posting: bytes, value: bytes, *, with_texts: bool = True
) -> Review:
    """Return the review of a row, with the posting that was reviewed, on demand without its texts."""
    if posting == IN_ITS_ROW:
        (posting,) = connection.execute(POSTING_VALUE, (posting_id,)).fetchone()
    mails = BlockReader(connection).mails if with_texts else None
    return decode(Review, value, posting=posting_of(posting, mails))


def review_as_mailed(connection: Plain, posting_id: str, posting: bytes, value: bytes, *, is_dry_run: bool) -> Review:
    """Return the review, without recipients if its mail did not leave. Filed mails count only if `is_dry_run`.

    Its posting has no texts: what is compared with the review of a later revision are findings.
    """
    review = stored_review(connection, posting_id, posting, value, with_texts=False)
    parts = json.dumps([part.message_id for part in review.posting.parts])
    if connection.execute(_MAILED, (parts, is_dry_run)).fetchone() is not None:
        return review
    return replace(review, recipients=Recipients(reason=review.recipients.reason or "its mail did not leave"))
