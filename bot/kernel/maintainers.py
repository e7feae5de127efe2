# SPDX-License-Identifier: GPL-2.0-or-later
"""The entries of MAINTAINERS."""

from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from typing import Final

from rules.analysis import maintainers
from rules.analysis.maintainers import ALL_FILES, Entry, SubsystemMatch, Subsystems

_MAX_PATHS: Final = 1_000  # of a series whose subsystems are looked up


class Maintainers:
    """The entries of a MAINTAINERS file. `lists` are the addresses of all lists that it names, in lower case."""

    def __init__(self, text: str) -> None:
        entries = maintainers.parse(text)
        self.entries = _with_people(entries)
        self.lists = frozenset(address.lower() for entry in entries for address in entry.lists)

    def owners(self, paths: Iterable[str]) -> frozenset[str]:
        """Return the addresses, in lower case, of the maintainers of any of these files."""
        entries = (entry for path in paths for entry in self._index.entries_of(path))
        return frozenset(person.lower() for entry in entries for person in entry.people)

    def subsystems(self, paths: Iterable[str]) -> tuple[SubsystemMatch, ...]:
        """Return the entries that maintain any of these files, sorted, each with the first file that it maintains."""
        matches: dict[str, SubsystemMatch] = {}
        for path in islice(dict.fromkeys(paths), _MAX_PATHS):
            for entry in self._index.entries_of(path):
                if entry.name not in matches:
                    matches[entry.name] = SubsystemMatch(entry.name, entry.pattern_of(path), path)
        return tuple(match for _, match in sorted(matches.items()))

    @cached_property
    def _index(self) -> Subsystems:
        return Subsystems(self.entries)

    def of(self, address: str) -> tuple[Entry, ...]:
        """Return the entries that name the address as a maintainer or reviewer."""
        wanted = address.lower()
        return tuple(
            entry
            for entry in self.entries
            if wanted in (person.lower() for person in (*entry.people, *entry.reviewers))
        )


def _with_people(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries with people and with specific files, in the order of the file."""
    return tuple(
        entry for entry in entries if entry.people + entry.reviewers and (set(entry.files) - ALL_FILES or entry.names)
    )
