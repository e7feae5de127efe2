# SPDX-License-Identifier: GPL-2.0-or-later
"""An outgoing mail before it is composed, and its sender."""

from typing import Final

from bot.mail.address import Address
from bot.mail.links import Links
from rules.lazy import dataclass, field

PUBLIC_KEY: Final = b"patchwarden: the message-ids of a dry run"
MESSAGE_ID_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """The sender: the address in From, whose domain is also that of our message-ids, and the program's version.

    Answers to our mails go to `contact`, where a person reads them; "" where that is the address in From. `commands`
    says that those by mail are accepted. Our message-ids are made with `key`, so that only its owner can tell them
    before the mail is sent. The mails name the addresses of `links`.
    """

    sender: Address
    version: str
    contact: str = ""
    commands: bool = False
    key: bytes = field(default=PUBLIC_KEY, repr=False)
    links: Links = field(default_factory=Links)

    def message_id(self, *parts: str) -> str:
        """Return the message-id of the mail with these key parts: always the same, at the domain of the sender."""
        import hmac

        digest = hmac.new(self.key, "\0".join(parts).encode("utf-8", "surrogateescape"), "sha256").hexdigest()
        return f"{digest[:MESSAGE_ID_DIGITS]}@{self.sender.address.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An outgoing mail before it is composed. `message_id` and `date` are given, so nothing depends on the clock."""

    message_id: str
    date: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    body: str
    headers: tuple[tuple[str, str], ...] = ()
