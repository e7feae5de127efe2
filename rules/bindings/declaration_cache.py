# SPDX-License-Identifier: GPL-2.0-or-later
"""What whole C texts declare, kept for a while: revisions of a series leave most files as the one before left them."""

from hashlib import blake2b
from typing import Final

from rules.source.c.source import CSource, scan

_ROOM: Final = 50_000  # declarations and members: about 50 MB


class DeclarationCache:
    """Scans texts, and remembers what came of the latest of them; how many that are goes by what they declare."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._kept: dict[bytes, tuple[CSource, int]] = {}
        self._used = 0

    def of(self, text: str) -> CSource:
        """The declarations of a whole C text."""
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).digest()
        if key in self._kept:
            found = self._kept[key] = self._kept.pop(key)
            return found[0]
        source = scan(text)
        size = 1 + len(source.includes) + sum(1 + len(one.members) for one in source.declarations)
        if size <= self._room // 4:
            self._kept[key] = source, size
            self._used += size
        while self._used > self._room:
            self._used -= self._kept.pop(next(iter(self._kept)))[1]
        return source


_SCANS: Final = DeclarationCache()


def scanned(text: str) -> CSource:
    """The declarations of a whole C text, as `scan` gives them."""
    return _SCANS.of(text)
