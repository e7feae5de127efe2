# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of the people and lists that a mail could go to: from the settings, and MAINTAINERS of the kernel."""

from collections.abc import Callable
from dataclasses import replace

from bot.app import commands as wiring_answers
from bot.app import sending as wiring_sending
from bot.mail.address_book import AddressBook
from bot.ports import Clock
from bot.review.recipients import PersonalConsent, RecipientContext
from bot.settings import Settings


def address_book(settings: Settings, lists: frozenset[str] = frozenset()) -> AddressBook:
    """Return the addresses that belong to no person, these lists among them."""
    return AddressBook(
        own=frozenset({settings.identity.address.lower()}),
        lists=lists.union(name.lower() for name in settings.lists),
        bots=frozenset(address.lower() for address in settings.review.bots),
    )


def rehearsed_context(settings: Settings) -> RecipientContext:
    """Return the context of what never sends: what mode `list` would do, whatever the lists consented to."""
    return RecipientContext(
        book=address_book(settings),
        ignored=frozenset(address.lower() for address in settings.review.ignored_authors),
        limit=settings.sending.recipients_cap,
    )


def recipient_context(settings: Settings, clock: Clock) -> Callable[[], RecipientContext]:
    """Return what gives the context of today: MAINTAINERS is read anew once a day."""
    maintainers = wiring_answers.MaintainersCache(settings, clock)
    known = replace(
        rehearsed_context(settings),
        consent=lambda lists: wiring_sending.consent(settings, lists),
        people=tuple(
            PersonalConsent(address, frozenset(name.lower() for name in person.lists))
            for address, person in settings.people.items()
        ),
    )

    def current() -> RecipientContext:
        known_maintainers = maintainers()
        return replace(known, book=address_book(settings, known_maintainers.lists), owners=known_maintainers.owners)

    return current
