# SPDX-License-Identifier: GPL-2.0-or-later
"""One mail as a value."""

from dataclasses import dataclass
from datetime import datetime

from bot.mail.address import Address


@dataclass(frozen=True, slots=True)
class Message:
    """One parsed mail. Text is decoded, unfolded and free of control characters; ids are stored without `<>`.

    `date` is the Date header in UTC, None where it cannot be read. `body` is the decoded text with LF line ends: the
    first text/plain part, and after it any attached patch. `lists` are the list addresses (`name@host`) that List-Id, To and
    Cc name. `flowed` says that the body was sent as format=flowed.
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
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class UnreadableMail:
    """A mail that could not be read, and why: kept, listed, never a stop."""

    reason: str
    message_id: str | None
    raw: bytes
