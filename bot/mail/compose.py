# SPDX-License-Identifier: GPL-2.0-or-later
"""Compose a reply as the bytes of a mail. Hostile values cannot add headers."""

import hashlib
import quopri
import unicodedata
from collections.abc import Iterable
from email.charset import QP, Charset
from email.header import Header
from typing import Final

from bot.mail.address import Address, is_plain
from bot.mail.reply import Reply
from rules.lazy import dataclass, re

_WIDTH: Final = 76
_PLAIN: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_LIST: Final = ",\n "
_MAX_LINE: Final = 998  # In octets, without the line end; RFC 5322 section 2.1.1.
_ID = re.compile(r"[!-;=?-~]+")  # Printable ASCII except < and >.
_NAME = re.compile(r"(?:Auto-Submitted|Reply-To|List-[A-Za-z]+|X-[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}")


@dataclass(frozen=True, slots=True)
class ComposeRefused:
    """The reason why a reply cannot become a mail."""

    reason: str


def compose(reply: Reply, html: str = "") -> bytes | ComposeRefused:
    """Return the mail with LF line ends, as stored in an mbox or a Maildir; the same reply gives the same bytes.

    Ids are written as they are, each on a line of its own, never encoded or broken: one that no header can hold is left
    out of References and refused elsewhere. A recipient whose address is not plain is left out; the last one is not. A
    mail with `html`, an alternative to its text, starts a thread of its own: it answers nothing.
    """
    to, cc = _mailboxes(reply.to), _mailboxes(reply.cc)
    sender = _mailboxes((reply.sender,))
    strange = [name for name, _ in reply.headers if not _NAME.fullmatch(name)]
    checks = (
        (not sender, "the sender's address is not plain"),
        (not to, "no recipient has a plain address"),
        (not _is_id(reply.message_id), "our message-id cannot stand in a header"),
        (not html and not _is_id(reply.in_reply_to), "the message-id of the answered mail cannot stand in a header"),
        (not _DATE.fullmatch(reply.date), "the date is not one of a mail"),
        (bool(strange), f"a header that no mail of ours has: {strange!r}"),
    )
    if reason := next((reason for applies, reason in checks if applies), None):
        return ComposeRefused(reason)
    kind, encoding, content = _alternatives(reply.body, html) if html else (_PLAIN, *_content(reply.body))
    answers = [
        f"In-Reply-To: <{reply.in_reply_to}>",
        "References: " + "\n ".join(f"<{message_id}>" for message_id in reply.references if _is_id(message_id)),
    ]
    headers = [
        f"From: {sender[0]}",
        f"To: {_LIST.join(to)}",
        *([f"Cc: {_LIST.join(cc)}"] if cc else []),
        f"Subject: {_text('Subject', reply.subject)}",
        f"Date: {reply.date}",
        f"Message-ID: <{reply.message_id}>",
        *([] if html else answers),
        *(f"{name}: {_text(name, value)}" for name, value in reply.headers),
        "MIME-Version: 1.0",
        f"Content-Type: {kind}",
        f"Content-Transfer-Encoding: {encoding}",
    ]
    return "\n".join(headers).encode("ascii") + b"\n\n" + content


def recipients(reply: Reply) -> tuple[str, ...]:
    """Return the addresses in the composed mail, without repetitions: its envelope."""
    return tuple(dict.fromkeys(recipient.address for recipient in reply.to + reply.cc if is_plain(recipient.address)))


def _alternatives(body: str, html: str) -> tuple[str, str, bytes]:
    """Return both forms as one multipart content, with type and encoding; the boundary is a hash of the parts."""
    boundary = f"=_{hashlib.sha256(f'{body}{html}'.encode('utf-8', 'replace')).hexdigest()[:32]}"
    parts = []
    for kind, text in ((_PLAIN, body), (_HTML, html)):
        content = quopri.encodestring(text.encode("utf-8", "replace"))
        head = f"--{boundary}\nContent-Type: {kind}\nContent-Transfer-Encoding: quoted-printable\n\n"
        parts.append(head.encode("ascii") + content.rstrip(b"\n") + b"\n")
    return f'multipart/alternative;\n boundary="{boundary}"', "7bit", b"".join(parts) + f"--{boundary}--\n".encode()


def _is_id(text: str) -> bool:
    return len(text) < _MAX_LINE - 20 and _ID.fullmatch(text) is not None


def _mailboxes(addresses: Iterable[Address]) -> list[str]:
    return [_mailbox(address) for address in addresses if is_plain(address.address)]


def _mailbox(address: Address) -> str:
    name = _clean(address.name)
    if not name:
        return address.address
    if not name.isascii() or "=?" in name:
        phrase = _encoded("Cc", name)
    elif _ATOMS.fullmatch(name):
        phrase = name
    else:
        phrase = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{phrase} <{address.address}>"


def _clean(text: str) -> str:
    """Return the text on one line, without control, format and undecodable characters."""
    characters = (
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join("".join(characters).split())


def _text(name: str, value: str) -> str:
    """Encode an unstructured header: folded at blanks, RFC 2047 if it is not ASCII or looks encoded."""
    value = _clean(value)
    words = value.split(" ")
    if not value.isascii() or "=?" in value or max(map(len, words)) > _MAX_LINE - 40:
        return _encoded(name, value)
    lines = [words[0]]
    for word in words[1:]:
        room = _WIDTH - (len(name) + 2 if len(lines) == 1 else 1)
        if len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n ".join(lines)


def _encoded(name: str, value: str) -> str:
    # Use a charset of our own, because libraries change the process-wide registry of the standard library.
    charset = Charset("utf-8")
    charset.header_encoding = QP
    return Header(value, charset, maxlinelen=_WIDTH, header_name=name).encode(linesep="\n")


def _content(body: str) -> tuple[str, bytes]:
    """Return the transfer encoding and the encoded body: unchanged if the lines are short, else quoted-printable."""
    text = body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    content = text.encode("utf-8", "replace")
    if max(map(len, content.split(b"\n"))) <= _MAX_LINE:
        return ("7bit" if text.isascii() else "8bit"), content
    return "quoted-printable", quopri.encodestring(content)
