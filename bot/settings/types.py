# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds of settings that several tables have, and what to suggest for a name that is not known."""

import importlib
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
_LISTS: Final = (
    "rust-for-linux@vger.kernel.org",
    "linux-kernel@vger.kernel.org",
    "linux-block@vger.kernel.org",
    "linux-kbuild@vger.kernel.org",
    "linux-fsdevel@vger.kernel.org",
    "driver-core@lists.linux.dev",
    "dri-devel@lists.freedesktop.org",
    "linux-arm-kernel@lists.infradead.org",
)


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
    if host not in _LIST_HOSTS and (meant := _misspelt(host, _LIST_HOSTS)):
        raise ValueError(
            f"looks misspelt: no lists are known at {host}; did you mean {address.partition('@')[0]}@{meant}?"
        )
    if address not in _LISTS and (meant := _misspelt(address, _LISTS)):
        raise ValueError(f"looks misspelt; did you mean {meant}?")
    return value


def _misspelt(name: str, known: Iterable[str]) -> str:
    """Return the known name that one added, lost, changed or swapped letter turns into this name, or ""."""
    return next((candidate for candidate in known if _is_one_edit(name, candidate)), "")


def _is_one_edit(left: str, right: str) -> bool:
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end, other = left[start:], right[start:]
    swapped = end[:2] == other[1::-1] and end[2:] == other[2:] and len(other) > 1
    return left != right and (end[1:] == other[1:] or end[1:] == other or end == other[1:] or swapped)


def _rule_id(value: str) -> str:
    known = {rule.id for rule in importlib.import_module("rules.registry").RULES}  # most settings name no rule
    if value not in known:
        raise ValueError(f"no rule is called {value!r}{suggestion(value, known)}; `patchwarden rules` lists them")
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]
BounceAddress = Annotated[str, AfterValidator(_bounce_address)]
MailingList = Annotated[Mailbox, AfterValidator(_list_address)]
RuleId = Annotated[str, AfterValidator(_rule_id)]
