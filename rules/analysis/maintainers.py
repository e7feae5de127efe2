# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse MAINTAINERS, and find the entries of a file by their patterns F, X, N and K."""

import re as eager_re  # a pattern of the file that is not an expression fails at once, where it is caught
from collections.abc import Iterable, Iterator
from functools import lru_cache

from rules.lazy import dataclass, re

ALL_FILES = frozenset({"*", "*/"})
"""The patterns of "THE REST", which maintains every file, and no file in particular."""
_WILDCARD = re.compile(r"[*?\[]")
_TAG = re.compile(r"([A-Z]):\s(.*)")
_ADDRESS = re.compile(r"<([^<>\s@]++@[^<>\s]++)>|(?<![^\s<>()@])([^\s<>()@]++@[^\s<>()]++)")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with the addresses of people and lists.

    `files` and `excluded` are globs (F, X), `names` and `keywords` are regular expressions (N, K).
    """

    name: str
    people: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    def pattern_of(self, path: str) -> str:
        """Return the line that makes the file one of the entry: the longest F that matches, else N; "" if none does."""
        if not self.keeps(path):
            return ""
        covering = [pattern for pattern in self.files if _covers(pattern, path)]
        if covering:
            return f"F: {max(covering, key=len)}"
        return next((f"N: {pattern}" for pattern in self.names if _searches(pattern, path)), "")

    def keeps(self, path: str) -> bool:
        """Return whether the entry maintains the file, by F, X and N."""
        if any(_covers(pattern, path) for pattern in self.excluded):
            return False
        if any(_covers(pattern, path) for pattern in self.files):
            return True
        return any(_searches(pattern, path) for pattern in self.names)

    def specificity(self, path: str) -> int:
        """Return how specific the entry is for the file: the length of its longest F pattern that matches.

        It is 0 if the entry does not maintain the file. N is more specific than an F pattern for all files.
        """
        if not self.keeps(path):
            return 0
        return max((len(pattern) for pattern in self.files if _covers(pattern, path)), default=len("*/") + 1)

    def mentions(self, text: str) -> bool:
        """Return whether a text, of a patch or a file, matches K."""
        return any(_searches(pattern, text) for pattern in self.keywords)

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses of maintainers, reviewers and lists, in lower case."""
        return frozenset(address.lower() for address in (*self.people, *self.reviewers, *self.lists))


def parse(text: str) -> tuple[Entry, ...]:
    """Return the entries of a MAINTAINERS file, in order. The text before the first entry is ignored."""
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


@dataclass(frozen=True, slots=True)
class SubsystemMatch:
    """An entry that maintains files of a series: its name, the line that matches, as in "F: rust/", and the first file.

    `pattern` and `path` are "" where only the name was stored.
    """

    name: str
    pattern: str = ""
    path: str = ""


class Subsystems:
    """The entries of a MAINTAINERS file by the folders of their patterns, to look up the subsystem of many files."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._anywhere: list[tuple[int, Entry]] = []
        self._by_folder: dict[str, dict[int, Entry]] = {}
        for position, entry in enumerate(entries):
            if entry.names:
                self._anywhere.append((position, entry))
            for pattern in entry.files:
                folder = _WILDCARD.split(pattern, 1)[0].rpartition("/")[0]
                self._by_folder.setdefault(folder, {})[position] = entry
        self._max_folder = max(map(len, self._by_folder), default=0)

    def of(self, path: str) -> str:
        """Return the name of the most specific entry of the file, the first one of equals, or "" if it has none."""
        candidates = self._candidates(path)
        ranked = ((entry.specificity(path), -position, entry.name) for position, entry in candidates.items())
        specificity, _, name = max(ranked, default=(0, 0, ""))
        return name if specificity else ""

    def all_of(self, path: str) -> frozenset[str]:
        """Return the names of all entries that maintain the file."""
        return frozenset(entry.name for entry in self.entries_of(path))

    def entries_of(self, path: str) -> Iterator[Entry]:
        """Yield all entries that maintain the file."""
        return (entry for entry in self._candidates(path).values() if entry.keeps(path))

    def _candidates(self, path: str) -> dict[int, Entry]:
        """Return the entries that may maintain the file, by their positions."""
        candidates = dict(self._anywhere)
        folder = path[: self._max_folder + 1]
        while folder:
            folder = folder.rpartition("/")[0]
            candidates |= self._by_folder.get(folder, {})
        return candidates


def _entry(name: str, fields: list[tuple[str, str]]) -> Entry:
    def of(tag: str) -> tuple[str, ...]:
        return tuple(value for field, value in fields if field == tag)

    def addresses(tag: str) -> tuple[str, ...]:
        matches = (_ADDRESS.search(value) for value in of(tag))
        return tuple(match.group(1) or match.group(2) for match in matches if match is not None)

    return Entry(name, addresses("M"), addresses("R"), addresses("L"), of("F"), of("X"), of("N"), of("K"))


def _covers(pattern: str, path: str) -> bool:
    # MAINTAINERS has 8,000 patterns. A comparison of their beginnings saves compiling most of them.
    return path.startswith(_WILDCARD.split(pattern, 1)[0]) and glob(pattern).match(path) is not None


@lru_cache(maxsize=8192)
def glob(pattern: str) -> re.Pattern[str]:
    """Return the expression for a pattern of F or X, with the meaning that get_maintainer.pl gives to it.

    It matches a path with the same number of folders, or a folder above it. `*` and `?` do not match `/`, `**` does.
    """
    parts = re.split(r"(\*\*|\*|\?|\[[^\]\[]*+\])", pattern)
    expressions = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    start = "".join(expressions.get(part, part if part.startswith("[") else re.escape(part)) for part in parts)
    if pattern.endswith("/") or "**" in pattern:
        end = ""
    elif len(parts) == 1 and "." not in pattern.rpartition("/")[2]:
        end = r"(?:[^/]*|/.*)$"  # It may be a folder without its slash.
    else:
        end = r"[^/]*$"
    try:
        return eager_re.compile(start + end)
    except re.error:
        return eager_re.compile(r"(?!)")


def _searches(pattern: str, text: str) -> bool:
    expression = _perl(pattern)
    return expression is not None and expression.search(text) is not None


@lru_cache(maxsize=1024)
def _perl(pattern: str) -> re.Pattern[str] | None:
    """Return the expression, or None for the few Perl expressions that Python cannot compile: they match nothing."""
    try:
        return eager_re.compile(pattern, re.MULTILINE | re.VERBOSE)
    except re.error:
        return None
