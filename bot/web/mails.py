# SPDX-License-Identifier: GPL-2.0-or-later
"""Our mails as pages show them: the text, and the headers that name no recipient."""

import email
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from typing import Final

from bot.ports.web import OurMail
from rules.lazy import re

_PUBLIC: Final = ("From", "Subject", "Date", "Message-ID", "In-Reply-To", "References")
_FROM_LINE: Final = re.compile(r"^(>*+From )", re.MULTILINE)
_MBOX_HEAD: Final = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def mail_headers(mail: OurMail) -> list[tuple[str, str]]:
    """Return the headers of a mail that name no recipient, decoded."""
    return [(name, _decoded(value)) for name, value in _public_headers(_parsed(mail.content))]


def reply_addresses(mail: OurMail) -> list[str]:
    """Return the addresses to which replies to a mail go; none if retention removed its text."""
    headers = _parsed(mail.content).get_all("Reply-To", []) if mail.content else []
    return [address for _, address in getaddresses([str(header) for header in headers])]


def mail_text(mail: OurMail) -> str:
    """Return the text of a mail, "" if retention removed it."""
    return _text(_parsed(mail.content)) if mail.content else ""


def mbox(mails: tuple[OurMail, ...]) -> str:
    """Return the mails as an mbox in the form mboxrd, without their recipients."""
    entries = []
    for mail in mails:
        if mail.content:
            parsed = _parsed(mail.content)
            headers = "".join(f"{name}: {value}\n" for name, value in _public_headers(parsed))
            kind = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
            text = _FROM_LINE.sub(r">\1", _text(parsed))
            entries.append(f"{_MBOX_HEAD}{headers}{kind}\n{text}\n")
    return "".join(entries)


def _parsed(content: bytes) -> Message:
    """Parse a mail of ours. The parser reads line by line, so it gets the body of a plain text as it is."""
    head, mark, body = content.partition(b"\n\n")
    mail = email.message_from_bytes(head + mark)
    if not head or mail.defects or mail.get_content_maintype() == "multipart":
        return email.message_from_bytes(content)
    mail.set_payload(body.decode("ascii", "surrogateescape"))
    return mail


def _public_headers(mail: Message) -> list[tuple[str, str]]:
    return [(name, str(mail[name])) for name in _PUBLIC if mail[name] is not None]


def _text(mail: Message) -> str:
    return next((_payload(part) for part in mail.walk() if part.get_content_type() == "text/plain"), "")


def _payload(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _decoded(value: str) -> str:
    return " ".join(str(make_header(decode_header(value))).split())
