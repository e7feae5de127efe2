# SPDX-License-Identifier: GPL-2.0-or-later
"""Recognise copies of our mails."""

from bot.mail.message import Message
from bot.mail.parse import parse


def is_copy(message: Message, ours: bytes) -> bool:
    """Return whether the mail contains the whole text of our mail; additions by a list do not matter.

    Lists rewrite From and add footers, so neither is compared. A stranger can make a copy, too: it proves that our mail
    was seen, nothing else.
    """
    sent = parse(ours)
    text = " ".join(sent.body.split()) if isinstance(sent, Message) else ""
    return bool(text) and text in " ".join(message.body.split())
