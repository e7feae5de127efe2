# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock of one piece of work, in a process that has no other use for its alarm."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_OWN_WORK: Final = 600.0


@contextmanager
def deadline_suspended() -> Iterator[None]:
    """Within, the clocks of the work at hand stand: for what our own files take, whatever mail makes us read them."""
    left = {timer: signal.getitimer(timer)[0] for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF)}
    running = {timer: seconds for timer, seconds in left.items() if seconds}
    for timer in running:
        signal.setitimer(timer, _OWN_WORK)
    try:
        yield
    finally:
        for timer, seconds in running.items():
            signal.setitimer(timer, seconds)
