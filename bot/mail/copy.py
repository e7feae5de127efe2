# SPDX-License-Identifier: GPL-2.0-or-later
"""Recognise copies of our mails."""

from bot.mail.message import Message
from bot.mail.parse import parse


def is_copy(message: Message, content: bytes) -> bool:
    """Return whether the mail contains the whole text of our mail with that content. A list may have added text.

    Lists rewrite From and add footers, so neither is compared. A stranger can make a copy too, so a copy only proves
    that our mail was seen.
    """
    sent = parse(content)
    text = " ".join(sent.body.split()) if isinstance(sent, Message) else ""
    return bool(text) and text in " ".join(message.body.split())
