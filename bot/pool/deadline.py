# SPDX-License-Identifier: GPL-2.0-or-later
"""Suspend the deadline of the current work. The process must not use its alarm otherwise."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_MAX_SUSPENSION: Final = 600.0  # seconds


@contextmanager
def deadline_suspended() -> Iterator[None]:
    """Suspend the deadline for work that the input did not cause, such as indexing a kernel tree."""
    remaining = {timer: signal.getitimer(timer)[0] for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF)}
    running = {timer: seconds for timer, seconds in remaining.items() if seconds}
    for timer in running:
        signal.setitimer(timer, _MAX_SUSPENSION)
    try:
        yield
    finally:
        for timer, seconds in running.items():
            signal.setitimer(timer, seconds)
