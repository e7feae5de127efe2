# SPDX-License-Identifier: GPL-2.0-or-later
"""Mail addresses, read strictly: what is ambiguous is no address."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A name, decoded and maybe empty, and an address as written (`local@domain`)."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """What two spellings of one address have in common: lower case."""
        return self.address.lower()
