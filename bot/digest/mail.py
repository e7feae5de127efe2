# SPDX-License-Identifier: GPL-2.0-or-later
"""A digest as a mail to be: one a reader and period, for ever the same."""

import re
from datetime import UTC
from email.utils import format_datetime

from bot.digest import phrases as words
from bot.digest.model import Digest
from bot.digest.text import MOST, digest_text
from bot.mail.address import Address
from bot.mail.outgoing import DIGEST
from bot.mail.reply import Identity, Reply

_NO_LABEL = re.compile(r"[^a-z0-9.-]")


def digest_mail(found: Digest, identity: Identity, most: int = MOST) -> Reply:
    """The mail, dated at the end of its period, of each section no more than `most` entries; no clock is asked."""
    domain = identity.sender.address.rpartition("@")[2]
    return Reply(
        message_id=identity.message_id(DIGEST, found.reader.lower(), found.period.name),
        date=format_datetime(found.period.until.astimezone(UTC)),
        sender=identity.sender,
        to=(Address("", found.reader),),
        cc=(),
        subject=words.title(found),
        in_reply_to="",
        references=(),
        body=digest_text(found, identity.version, identity.contact, most),
        headers=(
            *((("Reply-To", identity.contact),) if identity.contact else ()),
            ("List-Id", f"<patchwarden-digest.{_NO_LABEL.sub('', domain.lower())}>"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Patchwork-Hint", "ignore"),
            ("X-Patchwarden-Version", identity.version),
        ),
    )
