# SPDX-License-Identifier: GPL-2.0-or-later
"""Our own mailbox as a source: its mails are commands, bounces and copies of our mails, never patches."""

from collections.abc import Iterator

from bot.ports.archive import Archive
from bot.ports.raw_mail import Batch, Provenance
from rules.lazy import replace


class PrivateMailbox:
    """A wrapper of a bot.ports.Archive that marks its mails as private: no posting is made of them."""

    def __init__(self, archive: Archive) -> None:
        self.name = archive.name
        self._archive = archive

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        for batch in self._archive.batches(cursors, size):
            yield replace(batch, provenance=Provenance.PRIVATE)

    def count(self, cursors: dict[str, str]) -> int:
        return self._archive.count(cursors)
