# SPDX-License-Identifier: GPL-2.0-or-later
"""Draft the mail of a digest. A reader and a period always give the same mail."""

from datetime import UTC
from email.utils import format_datetime

from bot.digest import phrases
from bot.digest.model import Digest
from bot.digest.text import MAX_ENTRIES, digest_text
from bot.mail.address import Address
from bot.mail.outgoing import DIGEST
from bot.mail.reply import Identity, Reply
from rules.lazy import re

_NOT_IN_LABEL = re.compile(r"[^a-z0-9.-]")


def digest_mail(digest: Digest, identity: Identity, max_entries: int = MAX_ENTRIES) -> Reply:
    """Return the mail, with at most `max_entries` entries in each section. Its date is the end of its period."""
    domain = identity.sender.address.rpartition("@")[2]
    return Reply(
        message_id=identity.message_id(DIGEST, digest.reader.lower(), digest.period.name),
        date=format_datetime(digest.period.until.astimezone(UTC)),
        sender=identity.sender,
        to=(Address("", digest.reader),),
        cc=(),
        subject=phrases.title(digest),
        in_reply_to="",
        references=(),
        body=digest_text(digest, identity.version, identity.contact, max_entries, identity.links),
        headers=(
            *((("Reply-To", identity.contact),) if identity.contact else ()),
            ("List-Id", f"<patchwarden-digest.{_NOT_IN_LABEL.sub('', domain.lower())}>"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Patchwork-Hint", "ignore"),
            ("X-Patchwarden-Version", identity.version),
        ),
    )
