# SPDX-License-Identifier: GPL-2.0-or-later
"""Which part of a posting a mail of ours answers."""

from email.parser import BytesHeaderParser

from bot.mail.posting import Part, Posting


def answered_part(content: bytes, posting: Posting) -> Part | None:
    """Return the part that the mail names in its In-Reply-To, or None."""
    answered = str(BytesHeaderParser().parsebytes(content)["In-Reply-To"] or "").strip().strip("<>")
    return next((part for part in posting.parts if part.message_id == answered), None)
