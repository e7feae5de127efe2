# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS: which entries a file belongs to, by the patterns F, X, N and K."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

_TAG = re.compile(r"^([A-Z]):\s+(.*?)\s*$")
_ADDRESS = re.compile(r"<([^<>\s]+@[^<>\s]+)>|([^\s<>()]+@[^\s<>()]+)")


@dataclass(slots=True)
class Entry:
    """One entry. `files` and `excluded` are globs, `names` and `keywords` regular expressions."""

    title: str
    people: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    status: str = ""
    files: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)

    def covers(self, path: str) -> bool:
        """Whether the file belongs here by F, X and N."""
        if any(glob(pattern).match(path) for pattern in self.excluded):
            return False
        if any(glob(pattern).match(path) for pattern in self.files):
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
    current: Entry | None = None
    previous = ""
    for line in text.split("\n"):
        match = _TAG.match(line)
        if match is None:
            if line.strip():
                current = None
            previous = line
            continue
        if current is None:
            current = Entry(previous.strip())
            entries.append(current)
        _add(current, match.group(1), match.group(2))
        previous = line
    return tuple(entry for entry in entries if entry.title)


def _add(entry: Entry, tag: str, value: str) -> None:
    match tag:
        case "M" | "R" | "L":
            found = _ADDRESS.search(value)
            if found is not None:
                target = {"M": entry.people, "R": entry.reviewers, "L": entry.lists}[tag]
                target.append(found.group(1) or found.group(2))
        case "F":
            entry.files.append(value)
        case "X":
            entry.excluded.append(value)
        case "N":
            entry.names.append(value)
        case "K":
            entry.keywords.append(value)
        case "S":
            entry.status = value


@lru_cache(maxsize=8192)
def glob(pattern: str) -> re.Pattern[str]:
    """A pattern of F or X: `*` and `?` stay within a folder, `**` does not, a folder means all that is below it."""
    parts = re.split(r"(\*\*|\*|\?|\[[^\]]*\])", pattern)
    signs = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    shown = "".join(signs.get(part, part if part.startswith("[") else re.escape(part)) for part in parts)
    end = "" if pattern.endswith("/") else r"(?:/.*)?$" if "." not in pattern.rpartition("/")[2] else "$"
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
        return re.compile(pattern, re.MULTILINE)
    except re.error:
        return None
