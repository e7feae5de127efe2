# SPDX-License-Identifier: GPL-2.0-or-later
"""The counts of unsafe debt: what the web pages read without the rules and readers that count it."""

from dataclasses import fields
from operator import add, attrgetter, sub
from typing import Final

from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one or more files.

    `undocumented` are unsafe blocks and impls without a SAFETY comment, and unsafe functions and traits without a
    Safety section. `placeholders` are comments such as `SAFETY: TODO`. `bindings` are names of C that drivers use.
    `requirements` are those of called functions and implemented traits, at each call and impl; SAFETY comments mention
    `addressed` of them.
    """

    files: int = 0
    blocks: int = 0
    functions: int = 0
    impls: int = 0
    traits: int = 0
    undocumented: int = 0
    placeholders: int = 0
    bindings: int = 0
    requirements: int = 0
    addressed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(add, values_of(self), values_of(other)))

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(*map(sub, values_of(self), values_of(other)))

    @property
    def coverage(self) -> float | None:
        """The share of the requirements that comments address, from 0 to 1; None if there are no requirements."""
        return self.addressed / self.requirements if self.requirements else None


NAMES: Final = tuple(field.name for field in fields(Counts))
values_of: Final = attrgetter(*NAMES)  # astuple() takes forty times as long


@dataclass(frozen=True, slots=True)
class FileDebt:
    """The counts of a file, or the problem because of which it is not counted.

    `has_failed` says that the problem is a bug and not the file's.
    """

    path: str
    counts: Counts = Counts()
    subsystem: str = ""
    problem: str = ""
    has_failed: bool = False
