# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses that belong to no person: mailing lists, bots, unread mailboxes, and our own."""

from typing import Final

from bot.mail.address import Address
from bot.mail.bots import KNOWN_NAMES, is_bot
from bot.mail.lists import is_list_host
from rules.lazy import dataclass

_UNREAD: Final = frozenset(
    {"bounce", "bounces", "devnull", "donotreply", "mailerdaemon", "nobody", "noreply", "noresponse", "postmaster"}
)
_LOCAL_DOMAINS: Final = frozenset({"internal", "invalid", "local", "localdomain", "localhost"})


@dataclass(frozen=True, slots=True)
class AddressBook:
    """The addresses that belong to no person, in lower case: ours, known lists, and bots beyond the registry."""

    own: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    bots: frozenset[str] = frozenset()

    def is_own(self, address: str) -> bool:
        """Return whether the address is ours, with or without a detail (`local+detail@domain`)."""
        return address.lower() in self.own or _without_detail(address) in self.own

    def is_list(self, address: str) -> bool:
        """Return whether the address is a known list or on a list host."""
        return address.lower() in self.lists or is_list_host(address.rpartition("@")[2])

    def objection(self, address: Address) -> str:
        """Return why no mail may go to the address as to a person; "" if one may."""
        checks = (
            (self.is_own(address.address), "our own address"),
            (self.is_list(address.address), "the address of a list"),
            (is_bot(address.address) or address.key in self.bots, "a bot"),
            (address.name.lower() in KNOWN_NAMES, "a bot"),
            (is_unread(address.address), "an address that no person reads"),
            (_is_local(address.address), "an address of one machine or network"),
        )
        return next((f"{address.key} is {reason}" for applies, reason in checks if applies), "")


def is_unread(address: str) -> bool:
    """Return whether the address discards its mail (`no-reply@`, `devnull+detail@`, `@noreply.host`)."""
    local, _, host = _without_detail(address).partition("@")
    name = local.replace("-", "").replace("_", "").replace(".", "")
    return name in _UNREAD or name.endswith("noreply") or "noreply" in host.replace("-", "").split(".")


def _is_local(address: str) -> bool:
    """Return whether the host name is valid on one machine or network only, such as localhost."""
    labels = address.rpartition("@")[2].lower().split(".")
    return len(labels) == 1 or labels[-1] in _LOCAL_DOMAINS or labels[-1].isdigit()


def _without_detail(address: str) -> str:
    local, _, host = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{host}"
