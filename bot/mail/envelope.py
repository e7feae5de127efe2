# SPDX-License-Identifier: GPL-2.0-or-later
"""The envelope sender of our mails, where bounces arrive: it has a token made with our key."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from bot.mail.message import Message
from rules.lazy import re

PLACE: Final = "{token}"
"""The placeholder of the token in the local part of the address."""
TOKEN_LENGTH: Final = 26  # 128 bits in base32
MAX_LOCAL: Final = 64
"""Octets of a local part, RFC 5321 section 4.5.3.1.1."""
MAX_TOKENS: Final = 16

# Headers in which mail systems record the recipient. They can be forged and prove nothing without the token.
_RECIPIENT_FIELDS: Final = frozenset({"to", "delivered-to", "x-original-to", "envelope-to", "x-delivered-to"})


def envelope_sender(address: str, key: bytes, message_id: str, recipients: Sequence[str]) -> str:
    """Return the bounce address of one mail: `address` with the mail's token, if it has a place for one."""
    return address.replace(PLACE, bounce_token(key, message_id, recipients))


def bounce_token(key: bytes, message_id: str, recipients: Sequence[str]) -> str:
    """Return the token of the mail to these recipients: lower-case base32, because mail systems may fold case."""
    parts = ("envelope", message_id, *sorted({recipient.lower() for recipient in recipients}))
    digest = hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:16]).decode("ascii")[:TOKEN_LENGTH].lower()


def received_tokens(message: Message, address: str) -> tuple[str, ...]:
    """Return the tokens wherever the mail's header names our bounce address as a recipient."""
    before, place, after = address.lower().partition(PLACE)
    if not place:
        return ()
    form = re.compile(rf"(?<![^\s<,;:\"']){re.escape(before)}([a-z2-7]{{{TOKEN_LENGTH}}}){re.escape(after)}(?![\w.-])")
    values = (value.lower() for name, value in message.headers if name.lower() in _RECIPIENT_FIELDS)
    return tuple(dict.fromkeys(token for value in values for token in form.findall(value)))[:MAX_TOKENS]


def is_authentic(tokens: Iterable[str], key: bytes, message_id: str, recipients: Sequence[str]) -> bool:
    """Return whether one of the tokens is that of the mail. The comparison takes constant time."""
    wanted = bounce_token(key, message_id, recipients).encode("ascii")
    return any(hmac.compare_digest(token.encode("utf-8", "replace"), wanted) for token in tokens)
