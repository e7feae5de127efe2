# SPDX-License-Identifier: GPL-2.0-or-later
"""Keep what the pages show of the newest kernel tree."""

from contextlib import suppress

from bot.log import LogEvent, event
from bot.pipeline.kernel_tree import KernelTreeReader
from bot.pool.guard import StoppedError
from bot.ports.kernel_tree import KernelTreeStore
from bot.ports.running import Clock


class KernelTreeJob:
    """Store the facts of the newest kernel tree if it is another one than before."""

    def __init__(self, store: KernelTreeStore, reader: KernelTreeReader, clock: Clock) -> None:
        self._store = store
        self._reader = reader
        self._clock = clock

    def run(self) -> bool:
        """Return whether facts were stored. Raises KernelError."""
        with suppress(StoppedError):
            facts = self._reader.read(self._store.kernel_tree_commit())
            if facts is not None:
                self._store.save_kernel_tree(facts, self._clock.now())
                event(LogEvent.KERNEL_TREE_READ, ref=facts.name, commit=facts.commit[:12], places=len(facts.places))
                return True
        return False
