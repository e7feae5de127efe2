# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw mails of a whole archive in a temporary file, so that neither memory nor pipes have to hold them."""

import os
from collections.abc import Iterable
from typing import IO

from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a mail stands in the spool, and where it came from."""

    offset: int
    length: int
    origin: str


class Spool:
    """A file of raw mails. `put` returns slots; other processes read a slot by the file's path."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0

    def put(self, mails: Iterable[tuple[str, bytes]]) -> list[Slot]:
        """Write the mails, each with its origin, and yield their slots."""
        slots = []
        for origin, raw in mails:
            self._file.write(raw)
            slots.append(Slot(self._end, len(raw), origin))
            self._end += len(raw)
        self._file.flush()
        return slots


class Reader:
    """A reader of a spool's slots, for any process."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def get(self, slot: Slot) -> bytes:
        return os.pread(self._descriptor, slot.length, slot.offset)
