# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a mail that bears a message-id of ours is a copy of our mail."""

from bot.mail.message import Message
from bot.mail.parse import parse


def copied(message: Message, ours: bytes) -> bool:
    """Return whether the mail says all that our mail says; what a list put around it does not matter.

    Lists rewrite From and add footers, so neither is compared. A stranger can make a copy, too: it proves that our
    mail was seen, nothing else.
    """
    sent = parse(ours)
    text = " ".join(sent.body.split()) if isinstance(sent, Message) else ""
    return bool(text) and text in " ".join(message.body.split())
