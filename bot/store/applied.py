# SPDX-License-Identifier: GPL-2.0-or-later
"""Which stored postings are applied: each of their patches is in a landing ref."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from bot.mail.landed import AppliedBy, is_applied
from bot.mail.posting import Posting
from bot.ports.landing import AppliedRecord
from bot.store.codec import posting_of
from bot.store.dialect import Plain
from bot.store.times import time_of

_APPLIED: Final = """
SELECT message_id, ref, commit_id, decided_by, noted FROM applied_patch
WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY noted, landing"""
_POSTINGS: Final = """
SELECT value FROM posting WHERE message_id IN (SELECT value FROM json_each(?)) AND state != 'gone'
ORDER BY message_id"""


def applied_patches(connection: Plain, message_ids: Iterable[str]) -> Sequence[AppliedRecord]:
    """Return where patches are applied, by the message-ids of their mails; a patch may be applied in several refs."""
    rows = connection.execute(_APPLIED, (json.dumps(sorted(set(message_ids))),))
    return [
        AppliedRecord(message_id, ref, commit, AppliedBy(decided_by), time_of(noted))
        for message_id, ref, commit, decided_by, noted in rows
    ]


def without_applied(connection: Plain, postings: Iterable[Posting], before: datetime | None = None) -> list[Posting]:
    """Return the postings that are not applied, or with `before` that were not applied at that time."""
    chosen = list(postings)
    parts = {part.message_id for posting in chosen for part in posting.parts}
    records = applied_patches(connection, parts)
    applied = {record.message_id for record in records if before is None or record.noted < before}
    return [posting for posting in chosen if not is_applied(posting, applied)]


def applied_postings(connection: Plain, posting_ids: Collection[str]) -> set[str]:
    """Return those of the postings all of whose patches are applied."""
    rows = connection.execute(_POSTINGS, (json.dumps(sorted(set(posting_ids))),))
    postings = [posting_of(value) for (value,) in rows]
    pending = {posting.message_id for posting in without_applied(connection, postings)}
    return {posting.message_id for posting in postings} - pending
