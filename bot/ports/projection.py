# SPDX-License-Identifier: GPL-2.0-or-later
"""The projection of stored postings and reviews: rows and columns for the pages and lists."""

from collections.abc import Callable, Iterable
from typing import Protocol

from rules.analysis.maintainers import SubsystemMatch
from rules.lazy import dataclass

FindSubsystems = Callable[[Iterable[str]], tuple[SubsystemMatch, ...]]
"""Returns the entries of MAINTAINERS for these files."""


@dataclass(frozen=True, slots=True)
class RebuildStep:
    """The postings of one step of a rebuild: the last of them, "" at the end, and how many got subsystems."""

    last: str = ""
    filled: int = 0


class Projection(Protocol):
    """The projection, which the store also writes with each posting and review."""

    def project_due(self, limit: int) -> int:
        """Write the rows of up to `limit` postings that an earlier version stored. Return their number."""

    def rebuild_projection(self, after: str, limit: int, find: FindSubsystems | None) -> RebuildStep:
        """Write the rows of the next `limit` postings after a message-id anew.

        Start with `after` "". The last call removes rows that belong to no posting. Reviews without subsystems, for
        example those of an earlier version, get those that `find` returns, and those without the reasons the reasons.
        """
