# SPDX-License-Identifier: GPL-2.0-or-later
"""Cache the declarations of C texts, because the revisions of a series change few files and hunks."""

from hashlib import blake2b
from typing import Final

from rules.source.c.source import CSource, scan

_CAPACITY: Final = 3_000  # declarations and members, about 1.5 MB


class DeclarationCache:
    """A cache of the most recently used texts. Its capacity counts declarations and members."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._sources: dict[bytes, tuple[CSource, int]] = {}
        self._used = 0

    def scan(self, text: str, line: int = 1, is_complete: bool = True) -> CSource:
        """Return the declarations of a C text."""
        given = f"{line} {is_complete} {text}"
        key = blake2b(given.encode("utf-8", "surrogatepass"), digest_size=20).digest()
        if key in self._sources:
            self._sources[key] = self._sources.pop(key)  # the last entry is the most recently used
            return self._sources[key][0]
        source = scan(text, line, is_complete)
        size = 1 + len(source.includes) + sum(1 + len(declaration.members) for declaration in source.declarations)
        if size <= self._capacity // 4:
            self._sources[key] = source, size
            self._used += size
        while self._used > self._capacity:
            self._used -= self._sources.pop(next(iter(self._sources)))[1]
        return source


_CACHE: Final = DeclarationCache()


def scan_cached(text: str, line: int = 1, is_complete: bool = True) -> CSource:
    """Return the same result as `scan`."""
    return _CACHE.scan(text, line, is_complete)
