# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the addresses of lists in the settings with MAINTAINERS and with the lists that delivered mails."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from bot.app.clock import SystemClock
from bot.app.kernel import MaintainersCache
from bot.error import SettingsError
from bot.ports.mails import CarrierCount
from bot.settings.tables import Settings
from bot.settings.types import WELL_KNOWN_LISTS, similar_list
from bot.store.repository import Repository
from rules.lazy import dataclass

_MIN_MAILS: Final = 20
_MIN_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class KnownLists:
    """Addresses of known lists, in lower case, in addition to the well-known ones.

    `maintainers` are those of the L: lines of MAINTAINERS. `archives` are the lists that delivered most mails of a
    followed archive, by List-Id. `seen` are all lists that delivered a mail. A sender can forge a List-Id, so addresses
    are not compared with lists that were only seen.
    """

    maintainers: frozenset[str] = frozenset()
    archives: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.seen.union(self._compared)

    @property
    def _compared(self) -> frozenset[str]:
        return self.maintainers.union(self.archives, WELL_KNOWN_LISTS)

    def meant(self, address: str) -> str:
        """Return the list that a misspelt address probably means; "" if it is known or resembles no list."""
        return "" if address.lower() in self.all else similar_list(address, self._compared)


def maintainers_lists(settings: Settings) -> frozenset[str]:
    """Return the lists in MAINTAINERS of the newest kernel; none without a kernel repository.

    Raises KernelError for an unusable repository.
    """
    return MaintainersCache(settings, SystemClock())().lists


def known_lists(maintainers: frozenset[str], store: Repository | None) -> KnownLists:
    """Return the lists that MAINTAINERS and the mails in the store name."""
    carried = () if store is None else store.carried()
    return KnownLists(
        maintainers,
        frozenset(name for source in {item.source for item in carried} for name in _main_lists(source, carried)),
        frozenset(name for item in carried for name in item.lists),
    )


def misspelt_lists(settings: Settings, known: KnownLists) -> list[str]:
    """Return a line for each misspelt address of a list in the settings, with its key and a suggestion."""
    return [
        f"{key}: {address} looks misspelt; did you mean {meant}?"
        for key, address in named_lists(settings)
        if (meant := known.meant(address))
    ]


def named_lists(settings: Settings) -> list[tuple[str, str]]:
    """Return the addresses of lists in the settings, each with its key."""
    people = [(f'people."{name}".lists', list_) for name, person in settings.people.items() for list_ in person.lists]
    return [*((f'lists."{name}"', name) for name in settings.lists), *people]


def check_lists(settings: Settings, store: Repository) -> None:
    """Raise SettingsError if the address of a list in the settings looks misspelt. Raises KernelError."""
    if not named_lists(settings):
        return
    if problems := misspelt_lists(settings, known_lists(maintainers_lists(settings), store)):
        raise SettingsError("\n".join(f"settings: {problem}" for problem in problems))


def _main_lists(source: str, carried: Iterable[CarrierCount]) -> list[str]:
    """Return the lists that delivered most mails of an archive; none for few mails."""
    total, mails = 0, Counter[str]()
    for item in carried:
        if item.source == source:
            total += item.mails
            mails.update(dict.fromkeys(item.lists, item.mails))
    return [name for name, number in mails.items() if number >= _MIN_MAILS and number > total * _MIN_SHARE]
