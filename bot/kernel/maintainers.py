# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS as values: who keeps which files, by the kernel's own rules for its patterns."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.mail.address import Address, parse_address

_FIELD = re.compile(r"([A-Z]):\s*(\S.*)")
_OF_ALL: Final = frozenset({"*", "*/"})  # "THE REST": whoever keeps everything has no say about this in particular


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its maintainers and reviewers, its lists, and the patterns of what is its and what is not."""

    name: str
    maintainers: tuple[Address, ...] = ()
    reviewers: tuple[Address, ...] = ()
    lists: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def keeps(self, path: str) -> bool:
        """Whether the file is this entry's."""
        if any(_pattern(each).match(path) for each in self.excluded):
            return False
        return any(_pattern(each).match(path) for each in self.files) or any(
            (found := _expression(each)) is not None and found.search(path) for each in self.names
        )


class Maintainers:
    """All entries of one MAINTAINERS file."""

    def __init__(self, text: str) -> None:
        self.entries = parse(text)

    def owners(self, paths: Iterable[str]) -> frozenset[str]:
        """The addresses, in lower case, of those who maintain any of these files."""
        touched = tuple(paths)
        return frozenset(
            person.key for entry in self.entries if any(map(entry.keeps, touched)) for person in entry.maintainers
        )

    def of(self, address: str) -> tuple[Entry, ...]:
        """The entries that somebody is a maintainer or reviewer of."""
        wanted = address.lower()
        return tuple(
            entry for entry in self.entries if any(each.key == wanted for each in entry.maintainers + entry.reviewers)
        )


def parse(text: str) -> tuple[Entry, ...]:
    """The entries of a MAINTAINERS file, in its order; what is no entry of files and people is passed over."""
    entries: list[Entry] = []
    name, fields = "", []
    for line in (*text.splitlines(), ""):
        if match := _FIELD.match(line):
            fields.append((match[1], match[2].strip()))
            continue
        if name and fields:
            entries.append(_entry(name, fields))
        name, fields = line.strip(), []
    return tuple(entry for entry in entries if entry.maintainers + entry.reviewers and entry.files + entry.names)


def _entry(name: str, fields: list[tuple[str, str]]) -> Entry:
    people = {
        kind: tuple(found for each, value in fields if each == kind and (found := parse_address(value)) is not None)
        for kind in "MR"
    }
    return Entry(
        name=name,
        maintainers=people["M"],
        reviewers=people["R"],
        lists=tuple(value.split()[0].lower() for kind, value in fields if kind == "L"),
        files=tuple(value for kind, value in fields if kind == "F" and value not in _OF_ALL),
        excluded=tuple(value for kind, value in fields if kind == "X"),
        names=tuple(value for kind, value in fields if kind == "N"),
    )


@lru_cache(maxsize=20_000)
def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern of F: or X:. One that ends with "/" is all below it; a "*" stops at a "/", "**" does not."""
    pieces = re.split(r"(\*\*|\*|\?)", glob)
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(wild.get(piece, re.escape(piece)) for piece in pieces)
    return re.compile(body if glob.endswith("/") else f"{body}(?:/.*)?$" if "*" not in glob else f"{body}$")


@lru_cache(maxsize=2000)
def _expression(text: str) -> re.Pattern[str] | None:
    """An expression of N:, which the kernel's own tools wrote for Perl; None for one that Python cannot read."""
    try:
        return re.compile(text)
    except re.error:
        return None
