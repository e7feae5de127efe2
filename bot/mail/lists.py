# SPDX-License-Identifier: GPL-2.0-or-later
"""Recognise addresses of mailing lists from a mail alone."""

from functools import lru_cache
from typing import Final

from rules.lazy import re

_LIST_HOSTS: Final = frozenset({"vger.kernel.org", "kvack.org", "googlegroups.com"})
_LIST_LABELS: Final = frozenset({"list", "lists"})
_BOUNCES: Final = "-bounces"
_REQUEST: Final = "-request"
# What list software adds to the name of a list for addresses that it reads itself.
_SOFTWARE: Final[tuple[str, ...]] = (
    *(_BOUNCES, _REQUEST, "-owner", "-join", "-leave", "-subscribe", "-unsubscribe", "-confirm"),
    *("+owner", "+subscribe", "+unsubscribe", "+help"),
)
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

    `user=domain@host` is a rewritten person's address, and a program reads `list-bounces@host` or `list-request@host`.
    """
    local, _, host = address.rpartition("@")
    return "=" not in local and not local.lower().endswith(_SOFTWARE) and is_list_host(host)


def relayed(address: str) -> str:
    """Return the user in a relay's address, with a dot for the @; "" if the address is not a relay's.

    Only the relay of kernel.org is known: anybody can make such an address at a host of their own.
    """
    match = _RELAY.fullmatch(address) if "+" in address else None
    return match[1].lower() if match else ""


def rewriting_list(address: str) -> str:
    """Return the list, in lower case, that put its own address into From; "" for a relay and for `user=domain@host`.

    A list may put its address for bounces there, which no person reads, or as LISTSERV does one that it makes for the
    author: `000012a-dmarc-request@host`.
    """
    local, _, host = address.lower().rpartition("@")
    if "=" in local or local.endswith(_REQUEST) or relayed(address):
        return ""
    return f"{local.removesuffix(_BOUNCES)}@{host}"
