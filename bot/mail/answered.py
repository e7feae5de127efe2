# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the part of a posting that a mail of ours replies to."""

from email.parser import BytesHeaderParser

from bot.mail.outgoing import Outgoing
from bot.mail.posting import Part, Posting


def authors_of(mail: Outgoing, posting: Posting | None, part: Part | None) -> frozenset[str]:
    """Return the people whom a mail of ours is for: its author, and those of the posting and of the answered part."""
    people = [posting.author.key] if posting is not None else []
    return frozenset((mail.author, *people, *((part.author.key,) if part is not None else ())))


def answered_part(content: bytes, posting: Posting) -> Part | None:
    """Return the part that the mail names in its In-Reply-To, or None."""
    answered = str(BytesHeaderParser().parsebytes(content)["In-Reply-To"] or "").strip().strip("<>")
    return next((part for part in posting.parts if part.message_id == answered), None)
