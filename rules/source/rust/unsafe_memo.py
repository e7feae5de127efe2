# SPDX-License-Identifier: GPL-2.0-or-later
"""Remember the unsafe code of texts, because most fragments of a revision are those of the revision before.

A reading depends on its key alone, but for the numbers of its lines, so what a process read earlier changes no result.
A fragment that the next patch or revision moves to other lines has the same reading there. The work is counted each
time.
"""

from _thread import allocate_lock
from typing import Final

from rules.lazy import dataclass, replace
from rules.source.rust.docs import Docs
from rules.source.rust.model import UnsafeDeclaration, UnsafeSite

_MAX_BYTES: Final = 2 * 1024 * 1024  # of all texts together
_MAX_TEXT: Final = 64 * 1024  # bytes

Key = tuple[bytes, int, bool, bool]
"""A text, what matters of the number of its first line, whether it is complete, and whether its context is searched.

For items of a file the number is 0.
"""


def key_of(text: bytes, first_line: int, *, is_complete: bool, is_searched: bool) -> Key:
    """Return the key of a text. Of the place of a fragment it only matters whether lines are above it."""
    return text, first_line if is_complete else min(first_line, 2), is_complete, is_searched


@dataclass(frozen=True, slots=True)
class UnsafeReading:
    """The unsafe code of a text that begins on `first_line`, and the units of work that the reading takes, in order."""

    sites: tuple[UnsafeSite, ...] = ()
    declarations: tuple[UnsafeDeclaration, ...] = ()
    units: tuple[int, ...] = ()
    first_line: int = 1

    def at(self, first_line: int) -> "UnsafeReading":
        """Return the reading of the same text if it begins on another line."""
        lines = first_line - self.first_line
        if not lines:
            return self
        sites = tuple(_move_site(site, lines) for site in self.sites)
        declarations = tuple(_move_declaration(declaration, lines) for declaration in self.declarations)
        return UnsafeReading(sites, declarations, self.units, first_line)


def _move_site(site: UnsafeSite, lines: int) -> UnsafeSite:
    reading = site.reading
    if reading.line:
        reading = replace(reading, line=reading.line + lines)
    return replace(site, line=site.line + lines, statement=site.statement + lines, reading=reading)


def _move_declaration(declaration: UnsafeDeclaration, lines: int) -> UnsafeDeclaration:
    docs = Docs(
        tuple((number + lines, text) for number, text in declaration.docs.lines),
        tuple((number + lines, title) for number, title in declaration.docs.headings),
        declaration.docs.is_opaque,
    )
    section_line = declaration.section_line and declaration.section_line + lines
    return replace(declaration, line=declaration.line + lines, docs=docs, section_line=section_line)


class UnsafeMemo:
    """The readings of the latest texts, with a limit of bytes."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._readings: dict[Key, UnsafeReading] = {}
        self._max_bytes = self._left = max_bytes
        self._lock = allocate_lock()

    def __len__(self) -> int:
        return len(self._readings)

    def cache_clear(self) -> None:
        """Forget all readings, as the caches of functools do."""
        with self._lock:
            self._readings.clear()
            self._left = self._max_bytes

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
