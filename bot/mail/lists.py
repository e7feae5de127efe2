# SPDX-License-Identifier: GPL-2.0-or-later
"""Recognise addresses of mailing lists from a mail alone."""

from functools import lru_cache
from typing import Final

from rules.lazy import re

_LIST_HOSTS: Final = frozenset({"vger.kernel.org", "kvack.org", "googlegroups.com"})
_LIST_LABELS: Final = frozenset({"list", "lists"})
_RELAY: Final = re.compile(r"devnull\+([^@]*)@kernel\.org", re.IGNORECASE)


def is_list_host(host: str) -> bool:
    """Return whether the host name looks like a list host: a guess that is right for nine of ten kernel lists."""
    labels = host.lower().split(".")
    return host.lower() in _LIST_HOSTS or not _LIST_LABELS.isdisjoint(labels[:-1])


def list_address(list_id: str) -> str:
    """Return the address of the list whose List-Id this is: its first label is the local part."""
    name, _, host = list_id.partition(".")
    return f"{name}@{host}"


@lru_cache(4096)  # each mail names its lists several times
def may_be_list(address: str) -> bool:
    """Return whether the address may be a list's, by its host.

    `user=domain@host` is a rewritten person's address, and `list-bounces@host` gets the bounces of a list.
    """
    local, _, host = address.rpartition("@")
    return "=" not in local and not local.lower().endswith("-bounces") and is_list_host(host)


def relayed(address: str) -> str:
    """Return the user in a relay's address, with a dot for the @; "" if the address is not a relay's.

    Only the relay of kernel.org is known: anybody can make such an address at a host of their own.
    """
    match = _RELAY.fullmatch(address) if "+" in address else None
    return match[1].lower() if match else ""


def rewriting_list(address: str) -> str:
    """Return the list, in lower case, that put its own address into From; "" for a relay and for `user=domain@host`.

    A list may put its address for bounces there, which no person reads.
    """
    local, _, host = address.lower().rpartition("@")
    return "" if "=" in local or relayed(address) else f"{local.removesuffix('-bounces')}@{host}"
