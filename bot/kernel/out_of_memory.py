# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether "not there" may be believed: libgit2 says it too where it had no memory to look."""

import mmap
from typing import Final

_ROOM: Final = 16 * 1024 * 1024  # far more than what opening a pack's index takes; it costs 10 µs to ask


def believable() -> None:
    """Raises MemoryError where so little memory is left to this process that something may only seem not to be there.

    Else what a series is judged by would depend on how much memory the judge has.
    """
    try:
        mmap.mmap(-1, _ROOM, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError as error:
        raise MemoryError from error
