# SPDX-License-Identifier: GPL-2.0-or-later
"""The consent that a list gave, and the strictest consent of several lists."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from bot.mail.posting import Posting
from rules.finding import Severity
from rules.lazy import dataclass


class Mode(StrEnum):
    """What may be done with a review, from nothing to a reply to all."""

    OFF = "off"
    DRY_RUN = "dry-run"
    MODERATE = "moderate"
    AUTHOR = "author"
    LIST = "list"

    @property
    def rank(self) -> int:
        return list(Mode).index(self)

    @property
    def needs_approval(self) -> bool:
        """Return whether a person has to approve each mail."""
        return self is Mode.MODERATE

    @property
    def sends(self) -> bool:
        """Return whether mails are sent in the end."""
        return self in {Mode.MODERATE, Mode.AUTHOR, Mode.LIST}


@dataclass(frozen=True, slots=True)
class NitLists:
    """The lists that ask for the findings of rules of scope `author`, and all known lists; in lower case."""

    asking: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    def ask_for(self, posting: Posting) -> bool:
        """Return whether all known lists that carried the posting or that its mails name ask for nits."""
        if not self.asking:
            return False
        named = {address.key for part in posting.parts for address in (*part.to, *part.cc)} & self.known
        lists = {name.lower() for name in (*posting.lists, *posting.carriers)} | named
        return bool(lists) and lists <= self.asking


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent of one list, or of several lists together.

    `maintainers` are the addresses of maintainers who consented to copies. No mail is sent before `embargo` is over or
    in `quiet` hours ("22-7", UTC). Findings below `severity` and findings of the rules `without` are not mailed.
    `list_day` is the maximum number of mails per day for this list.
    """

    mode: Mode = Mode.DRY_RUN
    maintainers: tuple[str, ...] = ()
    embargo: timedelta = timedelta()
    quiet: tuple[str, ...] = ()
    severity: Severity = Severity.NOTE
    without: frozenset[str] = frozenset()
    list_day: int | None = None

    def embargo_end(self, arrived: datetime, written: datetime) -> datetime:
        """Return when the embargo ends: it starts when the last part arrived, or when the mail was written if earlier.

        The Date of a mail does not matter, because its sender chooses it.
        """
        return min(arrived, written) + self.embargo


def deciding_lists(lists: Iterable[str], known: Mapping[str, Mode], other: Mode) -> tuple[Mode, tuple[str, ...]]:
    """Return the strictest mode of these lists, and those that have it; `other` is the mode of unknown lists."""
    by_key = {name.lower(): mode for name, mode in known.items()}
    modes = {name: by_key.get(name.lower(), other) for name in lists}
    mode = min(modes.values(), key=lambda mode: mode.rank, default=other)
    return mode, tuple(sorted(name for name in modes if modes[name] is mode))


def strictest(lists: Iterable[str], known: Mapping[str, Consent], other: Consent) -> Consent:
    """Return what all these lists allow together; `other` applies to unknown lists, and if there is no list."""
    by_key = {name.lower(): consent for name, consent in known.items()}
    consents = [by_key.get(name.lower(), other) for name in lists] or [other]
    least = min(consents, key=lambda consent: consent.mode.rank)
    caps = [consent.list_day for consent in consents if consent.list_day is not None]
    # Maintainers of all deciding lists are included, so that the order of the lists does not matter.
    addresses = (address for consent in consents if consent.mode is least.mode for address in consent.maintainers)
    return Consent(
        mode=least.mode,
        maintainers=tuple(dict.fromkeys(addresses)),
        embargo=max(consent.embargo for consent in consents),
        quiet=tuple(dict.fromkeys(hours for consent in consents for hours in consent.quiet)),
        severity=max((consent.severity for consent in consents), key=lambda severity: severity.rank),
        without=frozenset().union(*(consent.without for consent in consents)),
        list_day=min(caps, default=None),
    )
