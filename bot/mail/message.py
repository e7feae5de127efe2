# SPDX-License-Identifier: GPL-2.0-or-later
"""One mail as a value."""

import re
from dataclasses import dataclass
from datetime import datetime

from bot.mail.address import Address
from bot.mail.header import decode_header

_LIST_HOST = re.compile(r"vger\.kernel\.org|(?:[a-z0-9-]+\.)*lists?\.[a-z0-9.-]+|kvack\.org|googlegroups\.com")


@dataclass(frozen=True, slots=True)
class Message:
    """One parsed mail. Header text is decoded, unfolded and free of control characters; ids are stored without `<>`.

    `author` is None where From is not plainly one mailbox. `date` is the Date header in UTC, None if unreadable.
    `in_reply_to` is the first id of In-Reply-To; `references` are all ids of References and In-Reply-To, oldest first.
    `body` is the decoded text with LF line ends and no NUL: the first text/plain part, and after it any attached patch.
    `flowed` says that the body was sent as format=flowed; it is left as it was sent. `headers` are as they stood in the
    mail, raw bytes as surrogates: ask `header` for one of them.
    """

    message_id: str
    subject: str
    author: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    date: datetime | None
    in_reply_to: str | None
    references: tuple[str, ...]
    list_id: str | None
    body: str
    headers: tuple[tuple[str, str], ...]
    flowed: bool
    raw: bytes

    def header(self, name: str) -> str | None:
        """The first header with that name in any case, decoded; None where there is none."""
        wanted = name.lower()
        return next((decode_header(value) for key, value in self.headers if key.lower() == wanted), None)

    @property
    def lists(self) -> tuple[str, ...]:
        """The addresses (`name@host`, lower case) of the lists that List-Id, To and Cc name, sorted."""
        named = {address.key for address in self.to + self.cc if _LIST_HOST.fullmatch(address.key.partition("@")[2])}
        if self.list_id:
            name, _, host = self.list_id.partition(".")
            named.add(f"{name}@{host}")
        return tuple(sorted(named))


@dataclass(frozen=True, slots=True)
class UnreadableMail:
    """A mail that could not be read, and why: kept, listed, never a stop."""

    reason: str
    message_id: str | None
    raw: bytes
