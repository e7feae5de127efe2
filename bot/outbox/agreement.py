# SPDX-License-Identifier: GPL-2.0-or-later
"""What a list agreed to, and what follows for a posting that went to several lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What happens to a review, from nothing to an answer to all."""

    OFF = "off"
    DRY_RUN = "dry-run"
    MODERATE = "moderate"
    AUTHOR = "author"
    LIST = "list"

    @property
    def rank(self) -> int:
        return list(Mode).index(self)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One list's: `maintainers` are the addresses of those who consented to be told."""

    mode: Mode = Mode.DRY_RUN
    maintainers: tuple[str, ...] = ()


def strictest(lists: Iterable[str], known: Mapping[str, Agreement], other: Agreement) -> Agreement:
    """The agreement of the list that allows least; `other` stands for a list that is not known, and for no list."""
    by_key = {name.lower(): agreement for name, agreement in known.items()}
    found = [by_key.get(name.lower(), other) for name in lists] or [other]
    return min(found, key=lambda agreement: agreement.mode.rank)
