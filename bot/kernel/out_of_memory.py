# SPDX-License-Identifier: GPL-2.0-or-later
"""Check for memory after libgit2 reports a missing object: it also reports that if it had no memory to search."""

import mmap
from typing import Final

_MIN_FREE: Final = 16 * 1024 * 1024  # bytes; opening the index of a pack takes far less, and this check takes 10 µs


def check_memory() -> None:
    """Raise MemoryError if this process has so little memory left that an existing object may seem to be missing.

    Otherwise the result of a check would depend on the free memory.
    """
    try:
        mmap.mmap(-1, _MIN_FREE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError as error:
        raise MemoryError from error
