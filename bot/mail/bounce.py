# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse bounces: reports of mail systems about undelivered mails (RFC 3464)."""

from typing import Final

from bot.mail.envelope import received_tokens
from bot.mail.header import clean
from bot.mail.message import Message
from bot.mail.mime import leaves
from rules.lazy import dataclass, re

_STATUS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ORIGINAL: Final = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers"}
)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FAILED = re.compile(r"^Action:[ \t]*failed\b", re.IGNORECASE | re.MULTILINE)
_WHY = re.compile(r"^(?:Diagnostic-Code|Status):(.*(?:\n[ \t].+)*)", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(r"\s*<([!-;=?-~]{1,500})>\s*$")
_HEADER_END = re.compile(r"\n\n")
_MAX_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that a mail of this message-id did not reach somebody, and the reason that it gives, in one short line.

    `tokens` are what it has in the place of the token of our bounce address; see bot.mail.envelope.
    """

    message_id: str
    why: str
    tokens: tuple[str, ...] = ()


def bounce(message: Message, address: str = "") -> Bounce | None:
    """Return the failed delivery that the mail reports; None if it reports none, or names no mail.

    A delay is not a failure, nor is an automatic reply. `address` is our bounce address. Anybody can write a bounce: it
    proves nothing unless it has the token of the mail.
    """
    kind = message.header("Content-Type") or ""
    if not kind.lower().lstrip().startswith("multipart/report"):
        return None
    blank = _BLANK_LINE.search(message.raw)
    status, original = "", ""
    for part, text in leaves({"content-type": kind}, message.raw[blank.end() :] if blank else b""):
        if part in _STATUS:
            status = status or text
        elif part in _ORIGINAL:
            original = original or text
    message_id = _message_id(original)
    if not message_id or not _FAILED.search(status):
        return None
    reasons = dict.fromkeys(clean(reason).strip() for reason in _WHY.findall(status))
    return Bounce(message_id, "; ".join(filter(None, reasons))[:_MAX_REASON], received_tokens(message, address))


def _message_id(text: str) -> str:
    """Return the message-id in the header at the start of the text."""
    head = _HEADER_END.split(text.lstrip("\n"), maxsplit=1)[0].replace("\n ", " ").replace("\n\t", " ")
    for line in head.split("\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "message-id" and (match := _ID.match(value)):
            return match[1]
    return ""
