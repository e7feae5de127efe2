# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened to stored mails and postings, by plain statements (see bot.store.listing)."""

import json
from collections.abc import Sequence
from typing import Any, Final

from bot.mail.attestation import Attestation
from bot.mail.posting import Posting
from bot.mail.posting_codec import no_mails
from bot.ports.mails import MailStatus
from bot.ports.store import StoredPosting
from bot.review.model import Review
from bot.store.applied import applied_patches
from bot.store.blocks import BlockReader
from bot.store.codec import decode, posting_of
from bot.store.context import context_of
from bot.store.dialect import LISTED, Plain
from bot.store.listing import ListingRows, StoreReader, mail_status, named_rows
from rules.lazy import dataclass

_MAILS: Final = "SELECT mail.* FROM mail JOIN message ON message.mail_id = mail.id WHERE message.message_id = ?"
_CLAIMS: Final = "SELECT * FROM mail WHERE state IN ('conflict', 'private') AND reason LIKE ? ESCAPE '/'"
_ATTESTATION: Final = (
    "SELECT value FROM attestation JOIN message ON message.mail_id = attestation.mail_id WHERE message.message_id = ?"
)


@dataclass(frozen=True, slots=True)
class Verified:
    """The content of a row of the table attestation."""

    found: tuple[Attestation, ...]


class HistoryRows(ListingRows):
    """The queries of commands that explain what happened to a mail."""

    def mails_with_id(self, message_id: str) -> Sequence[MailStatus]:
        """Return the mails with that id, those of other content too."""
        # The reason contains the id, because such a mail is in no thread.
        prefix = message_id.replace("/", "//").replace("%", "/%").replace("_", "/_")
        with self._listed.rows() as connection:
            known = list(named_rows(connection, _MAILS, message_id))
            claims = [
                row
                for row in named_rows(connection, _CLAIMS, f"{prefix} %")
                if row.reason.startswith(f"{message_id} ")  # LIKE ignores case
            ]
            reader = BlockReader(connection)
            return [mail_status(reader, row, message_id) for row in (*known, *claims)]

    def postings_with_part(self, message_id: str) -> Sequence[StoredPosting]:
        """Return the postings that contain this mail, oldest first."""
        query = (
            "SELECT posting.* FROM posting JOIN message USING (thread_id) "
            "WHERE message.message_id = ? AND posting.state != 'gone' ORDER BY posting.sent"
        )
        with self._listed.rows() as connection:
            postings = [(row, posting_of(row.value)) for row in named_rows(connection, query, message_id)]
            mails = BlockReader(connection).mails
            return [
                _stored_posting(connection, row, posting_of(row.value, mails))
                for row, posting in postings
                if any(part.message_id == message_id for part in posting.parts)
            ]

    def attestations(self, message_id: str) -> Sequence[Attestation]:
        """Return the signatures of a mail."""
        with self._listed.rows() as connection:
            row = connection.execute(_ATTESTATION, (message_id,)).fetchone()
            return () if row is None else decode(Verified, row[0]).found


class HistoryReader(HistoryRows, StoreReader):
    """The history of stored mails, for reading only."""


def _stored_posting(connection: Plain, row: Any, posting: Posting) -> StoredPosting:
    parts = [part.message_id for part in posting.parts]
    search = connection.execute(
        "SELECT outcome, attempts FROM backfill WHERE posting_id = ?", (row.message_id,)
    ).fetchone()
    reply = connection.execute(
        f"SELECT outgoing_id FROM outgoing_part WHERE message_id IN {LISTED} LIMIT 1",  # noqa: S608 constants
        (json.dumps(parts),),
    ).fetchone()
    reviewed = connection.execute(
        "SELECT posting, value FROM review WHERE posting_id = ?", (row.message_id,)
    ).fetchone()
    return StoredPosting(
        posting=posting,
        context=context_of(connection, posting),
        state=row.state,
        detail=row.detail,
        verdict=row.verdict,
        reason=row.reason,
        searched="" if search is None else search[0] or f"{search[1]} attempts without success so far",
        answer="" if reply is None else reply[0],
        review=None if reviewed is None else _review(posting, *reviewed),
        applied=tuple(applied_patches(connection, parts)),
    )


def _review(posting: Posting, reviewed: bytes, value: bytes) -> Review:
    """Return the review. Its posting is stored beside it only if it differs from that of the row."""
    return decode(Review, value, posting=posting_of(reviewed, no_mails) if reviewed else posting)
