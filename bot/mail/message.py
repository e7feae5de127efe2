# SPDX-License-Identifier: GPL-2.0-or-later
"""A parsed mail."""

from datetime import datetime

from bot.mail.address import Address
from bot.mail.header import Header, decode_header
from bot.mail.lists import list_address, may_be_list, rewriting_list
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One parsed mail. Header text is decoded, unfolded and free of control characters; ids are stored without `<>`.

    `author` is None where From is not plainly one mailbox; `sender` is From where it names somebody else, because a
    list rewrote it. `list_ids` are the different ids of List-Id headers: a mail that came over one list has one. `date`
    is the Date header in UTC, None if unreadable.
    `in_reply_to` is the first id of In-Reply-To; `references` are all ids of References and In-Reply-To, oldest first.
    `body` is the decoded text with LF line ends and no NUL: the first text/plain part, and after it any attached patch.
    `flowed` says that the body was sent as format=flowed; it is left as it was sent.
    """

    message_id: str
    subject: str
    author: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime | None
    in_reply_to: str | None
    references: tuple[str, ...]
    list_ids: tuple[str, ...]
    body: str
    fields: Header
    flowed: bool
    raw: bytes
    sender: Address | None = None

    def header(self, name: str) -> str | None:
        """Return the first header with that name in any case, decoded, or None."""
        values = self.fields.values(name.lower())
        return decode_header(values[0]) if values else None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All header fields as they stood in the mail, bytes as surrogates. For one of them `header` is faster."""
        return self.fields.fields

    @property
    def lists(self) -> tuple[str, ...]:
        """The addresses (`name@host`, lower case) of the lists that List-Id, From, To and Cc name, sorted.

        Lists are recognised by their hosts, so that the same mail always names the same lists. An address that rewrote
        From is a list on any host: a sender who claims this for their own list is bound by the consent of that list.
        """
        addresses = (*self.to, *self.cc, *filter(None, (self.author, self.sender)))
        named = {address.key for address in addresses if may_be_list(address.address)}
        rewriter = rewriting_list(self.sender.address) if self.sender else ""
        return tuple(sorted(named.union(map(list_address, self.list_ids), filter(None, [rewriter]))))


@dataclass(frozen=True, slots=True)
class UnreadableMail:
    """A mail that could not be read, and why."""

    reason: str
    message_id: str | None
    raw: bytes
