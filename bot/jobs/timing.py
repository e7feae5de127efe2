# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock of one piece of work, in a process that has no other use for its alarm."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from bot.jobs.isolation import Broken, isolated

T = TypeVar("T")

_OWN_WORK: Final = 600.0


class _LateError(BaseException):
    """The time is over; no rule that catches its own mistakes catches this."""


def timed(what: str, seconds: float, work: Callable[[], T]) -> T | Broken:
    """What `isolated` gives, and Broken where it takes too long; for commands, whose main thread and clock they own.

    It costs no process. What a library does in one call ends only with that call; memory is not bounded.
    """

    def late(*_: object) -> None:
        raise _LateError

    before = signal.signal(signal.SIGALRM, late)
    # Again and again, for an exception in a destructor is lost.
    left = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        return isolated(what, work)
    except _LateError:
        return Broken(f"took longer than {seconds:g} s")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)


@contextmanager
def own_work() -> Iterator[None]:
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
