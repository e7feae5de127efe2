# SPDX-License-Identifier: GPL-2.0-or-later
"""Compute who gets a mail about a posting, from known people and lists, never from what a sender asks for.

The function is pure and is called twice: when a mail is written, and again when it is about to be sent.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bot.mail.address import Address
from bot.mail.address_book import AddressBook
from bot.mail.origin import may_be_rewritten
from bot.mail.posting import Part, Posting
from bot.review.consent import Consent, Mode
from bot.review.model import Recipients
from rules.lazy import dataclass, field

MAX_RECIPIENTS: Final = 100
_TO_ALL: Final = (Mode.DRY_RUN, Mode.LIST)


def no_owners(paths: Iterable[str]) -> frozenset[str]:  # noqa: ARG001 the signature of RecipientContext.owners
    """Return no owners: the default if there is no MAINTAINERS file."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class PersonalConsent:
    """A maintainer who wants a copy of reviews of the files they maintain, and of all that names these lists."""

    address: str
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecipientContext:
    """The known people and lists that may get a mail; addresses are in lower case.

    `consent` gives the strictest consent of several lists. `ignored` are people who want no mail. `owners` gives the
    maintainers of files by MAINTAINERS. No mail has more than `limit` recipients, To and Cc together.
    """

    consent: Callable[[Sequence[str]], Consent] = lambda _: Consent()
    book: AddressBook = field(default_factory=AddressBook)
    ignored: frozenset[str] = frozenset()
    people: tuple[PersonalConsent, ...] = ()
    owners: Callable[[Iterable[str]], frozenset[str]] = no_owners
    limit: int = MAX_RECIPIENTS

    def lists_of(self, posting: Posting) -> tuple[str, ...]:
        """Return every list that the posting names or came through, sorted: the consent of all of them counts."""
        known = posting.recipients & self.book.lists if self.book.lists else ()
        return tuple(sorted({*posting.lists, *posting.carriers, *known}))

    def consent_of(self, posting: Posting) -> Consent:
        """Return what all lists of the posting allow together."""
        return self.consent(self.lists_of(posting))


def recipients(posting: Posting, part: Part, context: RecipientContext) -> Recipients:
    """Return To and Cc of a mail that replies to this part of the posting, or why there is no mail.

    To is the author of the part. As far as the mode of the lists allows, Cc has the lists that carried the posting,
    the maintainers who consented, and in mode `list` the other recipients of the posting. A dry run shows what mode
    `list` would do if every list that the posting names had carried it and consented.
    """
    consent = context.consent_of(posting)
    if reason := _objection(posting, part, context) or ("the list is switched off" if consent.mode is Mode.OFF else ""):
        return Recipients(reason=reason)
    lists = context.lists_of(posting)
    carriers = lists if consent.mode is Mode.DRY_RUN else posting.carriers
    maintainers = tuple(Address("", address) for address in consent.maintainers)
    people = _consenting(posting, lists, context)
    if consent.mode not in _TO_ALL:
        copies = _copies((*maintainers, *people), part, context)
        reason = "the list agreed to mails to author and maintainers only"
        return Recipients((part.author,), copies[: context.limit - 1], reason)
    named = tuple(address for address in (*part.to, *part.cc) if _may_be_copied(address, carriers, lists, context))
    copies = _copies((*named, *(Address("", carrier) for carrier in carriers), *people), part, context)
    if len(copies) < context.limit:
        return Recipients((part.author,), copies)
    consenting = {address.key for address in (*maintainers, *people)}
    wanted = consenting.union(carriers, context.owners(sorted(posting.paths)))
    copies = tuple(address for address in copies if address.key in wanted)
    reason = f"more than {context.limit} recipients: author, lists and maintainers only"
    return Recipients((part.author,), copies[: context.limit - 1], reason)


def _objection(posting: Posting, part: Part, context: RecipientContext) -> str:
    """Return why the author of the part may get no mail, or ""."""
    author = part.author
    if {author.key, posting.author.key} & context.ignored:
        return "the author wants no mail"
    if reason := context.book.objection(author):
        return f"the author cannot get mail: {reason}"
    if author.key in context.lists_of(posting) or may_be_rewritten(author):
        return f"the author is unknown: a list or relay put {author.key} into From"
    return ""


def _consenting(posting: Posting, lists: Sequence[str], context: RecipientContext) -> tuple[Address, ...]:
    """Return the people who consented to copies about their files or lists."""
    owners = context.owners(sorted(posting.paths)) if context.people else frozenset()
    return tuple(
        Address("", person.address)
        for person in context.people
        if person.address.lower() in owners or not person.lists.isdisjoint(lists)
    )


def _may_be_copied(address: Address, carriers: Sequence[str], lists: Sequence[str], context: RecipientContext) -> bool:
    """Return whether a recipient of the posting may get a copy: a person, or a list that carried the posting."""
    return address.key in carriers or (address.key not in lists and not context.book.objection(address))


def _copies(addresses: Iterable[Address], part: Part, context: RecipientContext) -> tuple[Address, ...]:
    """Return the addresses in order, without repetitions, the author, ourselves, and people who want no mail."""
    seen, copies = {part.author.key} | context.ignored, []
    for address in addresses:
        if address.key not in seen and not context.book.is_own(address.address):
            seen.add(address.key)
            copies.append(address)
    return tuple(copies)
