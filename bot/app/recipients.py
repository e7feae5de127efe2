# SPDX-License-Identifier: GPL-2.0-or-later
"""The consent of lists, and the possible recipients of mails."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bot.app.kernel import MaintainersCache
from bot.mail.address_book import AddressBook
from bot.ports.running import Clock
from bot.review.consent import Consent, Mode, strictest
from bot.review.recipients import PersonalConsent, RecipientContext
from bot.settings.tables import Settings
from rules.lazy import replace


def build_address_book(settings: Settings, lists: frozenset[str] = frozenset()) -> AddressBook:
    """Return the addresses that do not belong to people, including these lists."""
    return AddressBook(
        own=frozenset({settings.identity.address.lower()}),
        lists=lists.union(name.lower() for name in settings.lists),
        bots=frozenset(address.lower() for address in settings.review.bots),
    )


def build_dry_run_recipients(settings: Settings) -> RecipientContext:
    """Return the context for commands that never send: mode `list`, whatever the lists agreed to."""
    return RecipientContext(
        book=build_address_book(settings),
        ignored=frozenset(address.lower() for address in settings.review.ignored_authors),
        limit=settings.sending.max_recipients,
    )


def build_recipients(settings: Settings, clock: Clock) -> Callable[[], RecipientContext]:
    """Return a function that returns the current context. MAINTAINERS is read again once a day."""
    maintainers = MaintainersCache(settings, clock)
    known = replace(
        build_dry_run_recipients(settings),
        consent=build_consent(settings),
        people=tuple(
            PersonalConsent(address, frozenset(name.lower() for name in person.lists))
            for address, person in settings.people.items()
        ),
    )

    def current() -> RecipientContext:
        known_maintainers = maintainers()
        return replace(
            known, book=build_address_book(settings, known_maintainers.lists), owners=known_maintainers.owners
        )

    return current


def build_consent(settings: Settings) -> Callable[[Sequence[str]], Consent]:
    """Return a function that returns the strictest consent of lists."""
    known = {
        name: Consent(
            mode=chosen.mode,
            maintainers=chosen.maintainers,
            embargo=timedelta(hours=chosen.embargo_hours) if chosen.mode.sends else timedelta(),
            quiet=(chosen.quiet_hours,) if chosen.quiet_hours else (),
            severity=chosen.severity,
            without=frozenset(chosen.withheld_rules),
            list_day=chosen.max_mails_per_day or None,
        )
        for name, chosen in settings.lists.items()
    }
    return lambda lists: strictest(lists, known, Consent(Mode(settings.default_mode)))
