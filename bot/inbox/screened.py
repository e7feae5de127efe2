# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive of a list that is not about Rust, of which only what may matter is kept: a look at the bytes decides."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bot.ports import Archive, Batch


class Screened:
    """bot.ports.Archive that lets through what `may_matter` says of the raw mail; the cursors are the archive's own."""

    def __init__(self, archive: Archive, may_matter: Callable[[bytes], bool]) -> None:
        self.name = archive.name
        self._archive = archive
        self._may_matter = may_matter

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        for batch in self._archive.batches(cursors, size):
            yield replace(batch, mails=tuple(mail for mail in batch.mails if self._may_matter(mail.raw)))

    def count(self, cursors: dict[str, str]) -> int:
        return self._archive.count(cursors)
