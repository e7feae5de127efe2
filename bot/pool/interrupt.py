# SPDX-License-Identifier: GPL-2.0-or-later
"""Delay Ctrl-C while code runs that cannot be interrupted."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupt_delayed() -> Iterator[None]:
    """Deliver a Ctrl-C of this thread at the end. Threads and processes that are started within never get one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
