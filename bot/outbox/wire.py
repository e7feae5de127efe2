# SPDX-License-Identifier: GPL-2.0-or-later
"""Convert a frozen mail to its form on the wire: CRLF line ends, nothing else changed."""

from collections.abc import Iterable
from typing import Final

from bot.mail.address import is_plain
from bot.mail.outgoing import Outgoing

MAX_LINE: Final = 998
"""Octets of a line without its end, RFC 5322 section 2.1.1."""


def wire(content: bytes) -> bytes:
    """Return the mail with CRLF line ends, one at its end."""
    text = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def own_sender(mail: Outgoing) -> str:
    """Return the mail's own envelope sender, for installations without a bounce address."""
    return mail.envelope_from


def strange(addresses: Iterable[str]) -> str:
    """Return the first address that is unfit for an envelope. A blank, `<` or leading dash could inject a command."""
    return next((address for address in addresses if not is_plain(address)), "")


def unfit(content: bytes, limit: int) -> str:
    """Return why these bytes must not be sent, or "".

    A bare CR or a NUL is read in several ways by several servers, which is how mails are smuggled.
    """
    if len(content) > limit:
        return f"larger than {limit:,} bytes"
    if b"\r" in content.replace(b"\r\n", b""):
        return "a bare carriage return"
    if b"\0" in content:
        return "a NUL"
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    if any(len(line) > MAX_LINE for line in lines):
        return f"a line longer than {MAX_LINE} octets"
    end = lines.index(b"") if b"" in lines else len(lines)
    if any(not line.isascii() for line in lines[:end]):
        return "a header that is not ASCII"
    return ""
