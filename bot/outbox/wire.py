# SPDX-License-Identifier: GPL-2.0-or-later
"""A frozen mail as it goes over the wire: CRLF everywhere, nothing else changed."""

from collections.abc import Iterable
from typing import Final

from bot.mail.address import is_plain
from bot.mail.outgoing import Outgoing

LONGEST: Final = 998
"""Octets of a line without its end, RFC 5322 section 2.1.1."""


def wire(content: bytes) -> bytes:
    """The mail with CRLF line ends, one at its end. Undone by `content`'s own LFs, so that both are the same mail."""
    text = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def own_sender(mail: Outgoing) -> str:
    """Return the address that the mail itself is from, for installations without a bounce address of their own."""
    return mail.envelope_from


def strange(addresses: Iterable[str]) -> str:
    """The first address that has no place in an envelope: a blank, a `<` or a leading dash would be a command's."""
    return next((address for address in addresses if not is_plain(address)), "")


def unfit(content: bytes, limit: int) -> str:
    """Why these bytes must not be sent; empty where they may.

    A bare CR or a NUL is read in several ways by several servers, which is how mails are smuggled.
    """
    if len(content) > limit:
        return f"larger than {limit:,} bytes"
    if b"\r" in content.replace(b"\r\n", b""):
        return "a bare carriage return"
    if b"\0" in content:
        return "a NUL"
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    if any(len(line) > LONGEST for line in lines):
        return f"a line longer than {LONGEST} octets"
    end = lines.index(b"") if b"" in lines else len(lines)
    if any(not line.isascii() for line in lines[:end]):
        return "a header that is not ASCII"
    return ""
