# SPDX-License-Identifier: GPL-2.0-or-later
"""Remember the unsafe code of texts, because most fragments of a revision are those of the revision before.

A reading depends on its key alone, so what a process read earlier changes no result. The work is counted each time.
"""

from _thread import allocate_lock
from typing import Final

from rules.lazy import dataclass
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite

_MAX_BYTES: Final = 2 * 1024 * 1024  # of all texts together
_MAX_TEXT: Final = 64 * 1024  # bytes

Key = tuple[bytes, int, bool, bool]
"""A text, the number of its first line, whether it is a complete file, and whether its context is searched."""


@dataclass(frozen=True, slots=True)
class UnsafeReading:
    """The unsafe code of a text, and the units of work that the reading takes, in their order."""

    sites: tuple[UnsafeSite, ...] = ()
    declarations: tuple[UnsafeDeclaration, ...] = ()
    units: tuple[int, ...] = ()


class UnsafeMemo:
    """The readings of the latest texts, with a limit of bytes."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._readings: dict[Key, UnsafeReading] = {}
        self._left = max_bytes
        self._lock = allocate_lock()

    def get(self, key: Key) -> UnsafeReading | None:
        """Return the reading of a text, None if it is not remembered."""
        return self._readings.get(key)

    def put(self, key: Key, reading: UnsafeReading) -> None:
        """Remember a reading and forget the oldest ones beyond the limit. A long text is not remembered."""
        if len(key[0]) > _MAX_TEXT:
            return
        with self._lock:
            if key not in self._readings:
                self._readings[key] = reading
                self._left -= len(key[0])
            while self._left < 0:
                oldest = next(iter(self._readings))
                del self._readings[oldest]
                self._left += len(oldest[0])
