# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds of settings that several tables have, and what to suggest for a name that is not known."""

import importlib
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Final

from pydantic import AfterValidator

from bot.mail.address import is_plain
from bot.mail.envelope import MAX_LOCAL, PLACE, TOKEN_LENGTH

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
_FAMILY: Final = "linux-"
"""How the names of many lists begin; it does not tell one from another."""
_NAME_LENGTHS: Final = (5, 9)
_HOST_LENGTHS: Final = (9, 12)
"""How long a known name or host must be so that one that differs in one letter, or in two, is a misspelling of it."""
_NUMBER: Final = re.compile(r"\d+")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a question that names the most similar known name, to be put after an error; "" if none is similar."""
    similar = get_close_matches(name, sorted(known), 1, 0.7)
    return f"; did you mean {similar[0]!r}?" if similar else ""


def _mailbox(value: str) -> str:
    local, at, domain = value.partition("@")
    if not (local and at and domain) or set(value) & set(" \t\r\n<>,;\"'()@") - {"@"} or "@" in domain:
        raise ValueError("not a plain address of the form local@domain")
    return value


def _bounce_address(value: str) -> str:
    """Refuse what is no plain address once the token is in it, and a local part that mail systems need not take."""
    filled = _mailbox(value.replace(PLACE, "2" * TOKEN_LENGTH))
    local = filled.partition("@")[0]
    if value.count("{") != value.partition("@")[0].count(PLACE) or not is_plain(filled):
        raise ValueError(f'not an address of the form "bounces+{PLACE}@your.domain"')
    if value.count(PLACE) > 1:
        raise ValueError(f"{PLACE} may stand there once only")
    if len(local) > MAX_LOCAL:
        longest = MAX_LOCAL - TOKEN_LENGTH
        raise ValueError(f"too long: besides {PLACE} there may be {longest} characters before the @")
    return value


def _list_address(value: str) -> str:
    """Refuse an address that is one letter away from a well-known list, or whose host is from a well-known host."""
    address = value.lower()
    host = address.partition("@")[2]
    if host not in _LIST_HOSTS and (meant := _misspelt_host(host)):
        raise ValueError(
            f"looks misspelt: no lists are known at {host}; did you mean {address.partition('@')[0]}@{meant}?"
        )
    if address not in WELL_KNOWN_LISTS and (meant := similar_list(address, WELL_KNOWN_LISTS)):
        raise ValueError(f"looks misspelt; did you mean {meant}?")
    return value


def similar_list(address: str, known: Iterable[str]) -> str:
    """Return the known list of which the address of another list looks like a misspelling, or "".

    The names of lists are close to each other (linux-api, linux-spi, linux-acpi), so a short name is a misspelling
    only if two letters are swapped, and names that differ in their numbers never are.
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
    """Return whether the texts differ in one letter, if the known one has the first length, in two by the second."""
    return _distance(text, known) <= sum(len(known) >= enough for enough in lengths)


def _misspelt_host(host: str) -> str:
    """Return the host of known lists that one added, lost, changed or swapped letter turns into this host, or ""."""
    return next((known for known in _LIST_HOSTS if _distance(host, known) == 1), "")


def _distance(left: str, right: str) -> int:
    """Return how many added, lost, changed or swapped letters turn one text into the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        new = [at]
        for place, other in enumerate(right, 1):
            edits = min(row[place] + 1, new[-1] + 1, row[place - 1] + (letter != other))
            if at > 1 and place > 1 and letter == right[place - 2] and other == left[at - 2]:
                edits = min(edits, before[place - 2] + 1)
            new.append(edits)
        before, row = row, new
    return row[-1]


def _rule_id(value: str) -> str:
    known = {rule.id for rule in importlib.import_module("rules.registry").RULES}  # most settings name no rule
    if value not in known:
        raise ValueError(f"no rule is called {value!r}{suggestion(value, known)}; `patchwarden rules` lists them")
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]
BounceAddress = Annotated[str, AfterValidator(_bounce_address)]
MailingList = Annotated[Mailbox, AfterValidator(_list_address)]
RuleId = Annotated[str, AfterValidator(_rule_id)]
