# SPDX-License-Identifier: GPL-2.0-or-later
"""What the pages show of a kernel tree: where its Rust code uses C, and who maintains what."""

from datetime import datetime
from typing import Protocol

from rules.bindings.used_places import UsedPlace
from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class KernelTreeFacts:
    """The facts of one commit. `people` are pairs of the address of a maintainer or reviewer and a subsystem."""

    name: str
    commit: str
    places: tuple[UsedPlace, ...]
    people: tuple[tuple[str, str], ...]


class KernelTreeStore(Protocol):
    """The part of the store that has the facts of the newest kernel tree."""

    def kernel_tree_commit(self) -> str:
        """Return the commit whose facts are stored, "" if there is none."""

    def save_kernel_tree(self, facts: KernelTreeFacts, now: datetime) -> None:
        """Replace the stored facts in one transaction."""
