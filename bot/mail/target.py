# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse what names a mail: a message-id, or its address in a web archive; pure."""

from typing import Final
from urllib.parse import quote, unquote, urlsplit

from rules.lazy import re

MAX_ID: Final = 250
ADDRESS: Final = r"https?://[^\s<>\"')\]]{1,400}"
"""An expression for a web address in a text."""
_ARCHIVE: Final = "https://lore.kernel.org/r/"

# Printable ASCII without characters that would end the id in a header, a mailbox file or an URL.
_ID = re.compile(r"[!#-;=?-~]+@[!#-;=?-~]+")
_STORED_ID = re.compile(r"[^<>\s]{1,500}")  # of any mail that can be read
_PAGE = re.compile(r"(?:raw|t\.mbox\.gz|t\.atom|[tT]|R)?")
_REDIRECTORS: Final = frozenset({"msgid.link", "patch.msgid.link", "lkml.kernel.org", "r.kernel.org"})


def target(text: str) -> str | None:
    """Return the message-id, without `<>`, that the text is, or that its web address contains; None if there is none.

    Addresses are those of public-inbox, `https://ARCHIVE/LIST/MESSAGE-ID/` and the pages below it, also without the
    list, and those of the kernel's redirectors. Nothing is fetched from such an address.
    """
    text = text.strip()
    if text.startswith(("http://", "https://")):
        return _from_address(text)
    if "://" in text:
        return None
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    return text if is_message_id(text) else None


def stored_id(text: str) -> str | None:
    """Return the message-id, without `<>`, that a mail may have and the text is; None if it is none.

    Unlike those of `target`, it may have quotes or no `@`, and must not become part of an address.
    """
    message_id = text.strip().removeprefix("<").removesuffix(">")
    return message_id if _STORED_ID.fullmatch(message_id) and "://" not in message_id else None


def is_message_id(text: str) -> bool:
    """Return whether the text can be a message-id without `<>`. Strict, because it becomes part of URLs."""
    return len(text) <= MAX_ID and _ID.fullmatch(text) is not None and ".." not in text.split("/")


def archive_address(message_id: str) -> str:
    """Return the address of a mail in the public archive, "" if its message-id is not safe in an address."""
    return f"{_ARCHIVE}{quote(message_id, safe='@+=')}/" if is_message_id(message_id) else ""


def _from_address(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return None
    segments = parts.path.strip("/").split("/")
    if segments[0] == "r" or (host not in _REDIRECTORS and "@" not in segments[0]):
        segments = segments[1:]
    if not segments or len(segments) > 2 or (len(segments) == 2 and not _PAGE.fullmatch(segments[1])):
        return None
    message_id = unquote(segments[0], errors="strict") if "%" in segments[0] else segments[0]
    return message_id if is_message_id(message_id) else None
