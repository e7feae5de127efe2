# SPDX-License-Identifier: GPL-2.0-or-later
"""Who keeps which files, by MAINTAINERS."""

from collections.abc import Iterable
from typing import Final

from rules.analysis import maintainers
from rules.analysis.maintainers import Entry

_OF_ALL: Final = frozenset({"*", "*/"})  # "THE REST": whoever keeps everything has no say about this in particular


class Maintainers:
    """All entries of one MAINTAINERS file; `lists` are the addresses of all lists that it names, in lower case."""

    def __init__(self, text: str) -> None:
        entries = maintainers.parse(text)
        self.entries = _with_people(entries)
        self.lists = frozenset(address.lower() for entry in entries for address in entry.lists)

    def owners(self, paths: Iterable[str]) -> frozenset[str]:
        """The addresses, in lower case, of those who maintain any of these files."""
        touched = tuple(paths)
        return frozenset(
            person.lower() for entry in self.entries if any(map(entry.keeps, touched)) for person in entry.people
        )

    def of(self, address: str) -> tuple[Entry, ...]:
        """The entries that somebody is a maintainer or reviewer of."""
        wanted = address.lower()
        return tuple(
            entry for entry in self.entries if wanted in (one.lower() for one in (*entry.people, *entry.reviewers))
        )


def _with_people(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that have people, and files of their own, in the file's order."""
    return tuple(one for one in entries if one.people + one.reviewers and (set(one.files) - _OF_ALL or one.names))
