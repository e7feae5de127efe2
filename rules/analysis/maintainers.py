# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS: which entries a file belongs to, by the patterns F, X, N and K."""

import re
from dataclasses import dataclass
from functools import lru_cache

_SIGN = re.compile(r"[*?\[]")
_TAG = re.compile(r"([A-Z]):\s(.*)")
_ADDRESS = re.compile(r"<([^<>\s@]++@[^<>\s]++)>|(?<![^\s<>()@])([^\s<>()@]++@[^\s<>()]++)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: addresses of people and lists; `files` and `excluded` are globs, the last two expressions."""

    name: str
    people: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    def keeps(self, path: str) -> bool:
        """Whether the file belongs here by F, X and N."""
        if any(_covers(pattern, path) for pattern in self.excluded):
            return False
        if any(_covers(pattern, path) for pattern in self.files):
            return True
        return any(_searches(pattern, path) for pattern in self.names)

    def mentions(self, text: str) -> bool:
        """Whether a text (of a patch, of a file) belongs here by K."""
        return any(_searches(pattern, text) for pattern in self.keywords)

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses of maintainers, reviewers and lists, in lower case."""
        return frozenset(one.lower() for one in (*self.people, *self.reviewers, *self.lists))


def parse(text: str) -> tuple[Entry, ...]:
    """The entries of a MAINTAINERS file, in its order; what stands before the first is left out."""
    entries: list[Entry] = []
    fields: list[tuple[str, str]] = []
    name = previous = ""
    for line in (*text.split("\n"), ""):
        match = _TAG.match(line)
        if match is not None:
            name = name if fields else previous
            fields.append((match.group(1), match.group(2).strip()))
        elif fields and not line.strip():
            entries += [_entry(name, fields)] if name else []
            fields = []
        previous = line.strip()
    return tuple(entries)


def _entry(name: str, fields: list[tuple[str, str]]) -> Entry:
    def of(tag: str) -> tuple[str, ...]:
        return tuple(value for each, value in fields if each == tag)

    def addresses(tag: str) -> tuple[str, ...]:
        found = (_ADDRESS.search(value) for value in of(tag))
        return tuple(match.group(1) or match.group(2) for match in found if match is not None)

    return Entry(name, addresses("M"), addresses("R"), addresses("L"), of("F"), of("X"), of("N"), of("K"))


def _covers(pattern: str, path: str) -> bool:
    # MAINTAINERS has 8,000 patterns: most are told apart by how they begin, and never compiled.
    return path.startswith(_SIGN.split(pattern, 1)[0]) and glob(pattern).match(path) is not None


@lru_cache(maxsize=8192)
def glob(pattern: str) -> re.Pattern[str]:
    """A pattern of F or X as get_maintainer.pl reads it: it begins a path of as many folders, or names one above it.

    `*` and `?` stay within a folder, `**` does not.
    """
    parts = re.split(r"(\*\*|\*|\?|\[[^\]\[]*+\])", pattern)
    signs = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    shown = "".join(signs.get(part, part if part.startswith("[") else re.escape(part)) for part in parts)
    if pattern.endswith("/") or "**" in pattern:
        end = ""
    elif len(parts) == 1 and "." not in pattern.rpartition("/")[2]:
        end = r"(?:[^/]*|/.*)$"  # it may be a folder that lacks its slash
    else:
        end = r"[^/]*$"
    try:
        return re.compile(shown + end)
    except re.error:
        return re.compile(r"(?!)")


def _searches(pattern: str, text: str) -> bool:
    found = _perl(pattern)
    return found is not None and found.search(text) is not None


@lru_cache(maxsize=1024)
def _perl(pattern: str) -> re.Pattern[str] | None:
    """The kernel's regular expressions are Perl's; the few that Python reads otherwise match nothing."""
    try:
        return re.compile(pattern, re.MULTILINE | re.VERBOSE)
    except re.error:
        return None
