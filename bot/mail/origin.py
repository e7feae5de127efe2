# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the author of a mail whose From was rewritten, and the lists that a mail came through."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from bot.mail.address import Address, is_plain, parse_mailboxes
from bot.mail.address_book import AddressBook
from bot.mail.lists import list_address, may_be_list, relayed
from bot.mail.message import Message
from rules.lazy import re, replace

_VIA: Final = " via "
_ORIGINAL: Final = ("x-original-sender", "author", "reply-to", "x-original-from")  # the last one's name counts
_IN_BODY_SIZE: Final = 2000
_IN_BODY_LINES: Final = 10
_SIGNED = re.compile(r"^Signed-off-by:([^\n]++)", re.MULTILINE)


def with_original_author(message: Message, book: AddressBook) -> Message:
    """Return the mail with its original author, and the rewritten From as `sender`; else the mail as it is."""
    author = original_author(message, book)
    if author is None or author == message.author:
        return message
    return replace(message, author=author, sender=message.author)


def needs_recipients(message: Message) -> bool:
    """Return whether `original_author` and `carriers` use the recipients of the mail."""
    author = message.author
    return not message.list_ids or (author is not None and ("=" in author.address or _VIA in author.name))


def original_author(message: Message, book: AddressBook) -> Address | None:
    """Return From, or where a list or relay rewrote it the person that the mail names as its author.

    That person is the one whose address is encoded in From, else the only one in Reply-To, X-Original-From and such
    headers, beside lists, else that of the From line that begins the text, else the one in Cc with the name before
    "via", where Mailman puts the author if Reply-To is the list, else the one who signed the patch with that name. If
    none of them can be a person, or the headers name different persons, From stays: no mail is written to it then.
    """
    sender = message.author
    if sender is None or not _is_rewritten(sender, message, book):
        return sender
    book = replace(book, lists=book.lists | _own_lists(message))
    for addresses in _named(sender, message, book):
        persons = {person.key: person for person in addresses if not book.objection(person) and _VIA not in person.name}
        if persons:
            return next(iter(persons.values())) if len(persons) == 1 else sender
    return sender


def may_be_rewritten(address: Address) -> bool:
    """Return whether From may be rewritten although its address is not known as a list's or relay's."""
    return _VIA in address.name or bool(relayed(address.address))


def carriers(message: Message, book: AddressBook, archive: str = "") -> tuple[str, ...]:
    """Return the lists that provably carried the mail, sorted.

    A mail names its list in List-Id; two that contradict each other prove nothing. Without one, the list that rewrote
    From is proof, the list after which the archive is named, or the only list that the mail was sent to.
    """
    if message.list_ids:
        return (list_address(message.list_ids[0]),) if len(message.list_ids) == 1 else ()
    senders = filter(None, (message.sender, message.author))
    named = {address.key for address in (*message.to, *message.cc) if _names_list(address, book)}
    rewriters = {address.key for address in senders if _names_list(address, book)}
    inbox = archive.rstrip("/").rpartition("/")[2].removesuffix(".git")
    of_archive = {address for address in named if address.partition("@")[0] == inbox}
    proofs = (rewriters, of_archive, named)
    return next((tuple(proof) for proof in proofs if len(proof) == 1), ())


def _names_list(address: Address, book: AddressBook) -> bool:
    return address.key in book.lists or may_be_list(address.address)


def _is_rewritten(sender: Address, message: Message, book: AddressBook) -> bool:
    if book.is_list(sender.address) or sender.key in _own_lists(message) or relayed(sender.address):
        return True
    if _encoded(sender, message, book) is not None:
        return True
    return _VIA in sender.name and sender.key in {address.key for address in (*message.to, *message.cc)}


def _named(sender: Address, message: Message, book: AddressBook) -> Iterator[list[Address]]:
    """Yield the people who may have written the mail, best evidence first."""
    encoded = _encoded(sender, message, book)
    if encoded is not None:
        yield [encoded]
    user = relayed(sender.address)
    for values in ([_only(message, name) for name in _ORIGINAL], [in_body_from(message.body)]):
        persons = chain.from_iterable(map(parse_mailboxes, values))
        yield [person for person in persons if not user or person.key.replace("@", ".") == user]
    name = _name_before_via(sender) if _VIA in sender.name and not user else ""
    if name:
        yield [person for person in message.cc if person.name == name]
        signed = _SIGNED.findall(message.body[:_IN_BODY_SIZE].partition("\n---\n")[0])
        yield [person for person in chain.from_iterable(map(parse_mailboxes, signed)) if person.name == name]


def _encoded(sender: Address, message: Message, book: AddressBook) -> Address | None:
    """Return the person in a From such as `user=domain@list-host` or `user=40domain@list-host`."""
    local, _, host = sender.address.rpartition("@")
    if "=" not in local or "bounce" in local.lower() or not _rewrites(host, message, book):
        return None
    user, _, domain = local.rpartition("=40" if "=40" in local else "=")
    person = Address(_name_before_via(sender), f"{user}@{domain}")
    return person if "." in domain and is_plain(person.address) else None


def _name_before_via(sender: Address) -> str:
    return sender.name.partition(_VIA)[0].strip("' ")


def _rewrites(host: str, message: Message, book: AddressBook) -> bool:
    """Return whether a list of the host, named by the mail or known, may have rewritten From."""
    lists = (*book.lists, *message.lists)
    return host.lower().removeprefix("dmarc.") in {address.rpartition("@")[2] for address in lists}


def _own_lists(message: Message) -> frozenset[str]:
    return frozenset(map(list_address, message.list_ids))


def _only(message: Message, name: str) -> str:
    """Return the header's decoded value if the mail has exactly one."""
    values = [value for key, value in message.headers if key.lower() == name]
    if len(values) != 1:
        return ""
    return values[0].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def in_body_from(body: str) -> str:
    """Return the value of the From line that git format-patch puts before the text of another person's patch."""
    for line in body[:_IN_BODY_SIZE].lstrip("\n").split("\n")[:_IN_BODY_LINES]:
        name, colon, value = line.partition(":")
        if not colon or " " in name:
            break
        if name.lower() == "from":
            return value
    return ""
