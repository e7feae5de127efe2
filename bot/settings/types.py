# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of settings that several tables share."""

import importlib
from collections.abc import Iterable
from typing import Annotated, Final

from bot.mail.address import is_plain
from bot.mail.envelope import MAX_LOCAL, PLACE, TOKEN_LENGTH
from bot.suggestion import unknown_rule
from rules.lazy import re

_LIST_HOSTS: Final = (
    "vger.kernel.org",
    "lists.linux.dev",
    "lists.infradead.org",
    "lists.freedesktop.org",
    "lists.ozlabs.org",
    "lists.sourceforge.net",
    "kvack.org",
    "googlegroups.com",
    "alsa-project.org",
)
WELL_KNOWN_LISTS: Final = (
    "rust-for-linux@vger.kernel.org",
    "linux-kernel@vger.kernel.org",
    "linux-block@vger.kernel.org",
    "linux-kbuild@vger.kernel.org",
    "linux-fsdevel@vger.kernel.org",
    "driver-core@lists.linux.dev",
    "dri-devel@lists.freedesktop.org",
    "linux-arm-kernel@lists.infradead.org",
)
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_FAMILY: Final = "linux-"
"""A prefix that the names of many lists share. It is ignored when names are compared."""
_NAME_LENGTHS: Final = (5, 9)
_HOST_LENGTHS: Final = (9, 12)
"""Minimum lengths of a known name or host for which a name with one, or two, different letters is a misspelling."""
_NUMBER: Final = re.compile(r"\d+")


def _mailbox(value: str) -> None:
    local, at, domain = value.partition("@")
    if not (local and at and domain) or set(value) & set(" \t\r\n<>,;\"'()@") - {"@"} or "@" in domain:
        raise ValueError("not a plain address of the form local@domain")


def _bounce_address(value: str) -> None:
    """Refuse a text that is not a plain address with the token in it, and a local part that is too long for mail."""
    filled = value.replace(PLACE, "2" * TOKEN_LENGTH)
    _mailbox(filled)
    local = filled.partition("@")[0]
    if value.count("{") != value.partition("@")[0].count(PLACE) or not is_plain(filled):
        raise ValueError(f'not an address of the form "bounces+{PLACE}@your.domain"')
    if value.count(PLACE) > 1:
        raise ValueError(f"{PLACE} is there more than once")
    if len(local) > MAX_LOCAL:
        max_length = MAX_LOCAL - TOKEN_LENGTH
        raise ValueError(f"too long: at most {max_length} characters may precede the @, besides {PLACE}")


def _list_address(value: str) -> None:
    """Refuse an address with a misspelt list or host: it differs in one letter from a well-known list or host."""
    address = value.lower()
    host = address.partition("@")[2]
    if host not in _LIST_HOSTS and (meant := _misspelt_host(host)):
        raise ValueError(
            f"looks misspelt: no lists are known at {host}; did you mean {address.partition('@')[0]}@{meant}?"
        )
    if address not in WELL_KNOWN_LISTS and (meant := similar_list(address, WELL_KNOWN_LISTS)):
        raise ValueError(f"looks misspelt; did you mean {meant}?")


def similar_list(address: str, known: Iterable[str]) -> str:
    """Return the known list that the address probably means but misspells, or "".

    Names of lists are similar (linux-api, linux-spi, linux-acpi). So a short name is a misspelling only if two letters
    are swapped. Names that differ in their numbers are different lists.
    """
    name, _, host = address.lower().partition("@")
    for candidate in sorted(known):
        other, _, other_host = candidate.partition("@")
        if host == other_host and name != other and _is_misspelling(name, other):
            return candidate
        if name == other and host != other_host and _is_close(host, other_host, _HOST_LENGTHS):
            return candidate
    return ""


def _is_misspelling(name: str, known: str) -> bool:
    if _NUMBER.sub("0", name) == _NUMBER.sub("0", known):
        return False
    swapped = len(name) == len(known) and sorted(name) == sorted(known) and _distance(name, known) == 1
    return swapped or _is_close(name.removeprefix(_FAMILY), known.removeprefix(_FAMILY), _NAME_LENGTHS)


def _is_close(text: str, known: str, lengths: tuple[int, ...]) -> bool:
    """Return whether the texts differ in no more letters than the known text's length allows, by these lengths."""
    return _distance(text, known) <= sum(len(known) >= length for length in lengths)


def _misspelt_host(host: str) -> str:
    """Return the host of known lists that differs in one added, removed, changed or swapped letter, or ""."""
    return next((known for known in _LIST_HOSTS if _distance(host, known) == 1), "")


def _distance(left: str, right: str) -> int:
    """Return the number of added, removed, changed or swapped letters between two texts."""
    before_last: list[int] = []
    last = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            edits = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and other == left[row - 2]:
                edits = min(edits, before_last[column - 2] + 1)
            current.append(edits)
        before_last, last = last, current
    return last[-1]


def _rule_id(value: str) -> None:
    known = {
        rule.id for rule in importlib.import_module("rules.registry").RULES
    }  # slow, and most settings files name no rule
    if value not in known:
        raise ValueError(unknown_rule(value, known))


class Secret(str):
    """A text that a repr does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


Mailbox = Annotated[str, _mailbox]
BounceAddress = Annotated[str, _bounce_address]
MailingList = Annotated[Mailbox, _list_address]
RuleId = Annotated[str, _rule_id]
