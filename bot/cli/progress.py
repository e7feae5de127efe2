# SPDX-License-Identifier: GPL-2.0-or-later
"""Progress of the work: a line for each step, or bars on a terminal (bot.cli.bars), or none."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.cli.command import echo
from bot.ports.running import Progress
from bot.review.render.text import visible


class Silent:
    """Progress that prints nothing."""

    def start(self, task: str, total: int | Callable[[], int]) -> None:
        """Ignore the start of a step."""

    def advance(self, units: int = 1) -> None:
        """Ignore the units."""


class Lines:
    """Progress that prints a line for each step when the next step begins."""

    def __init__(self) -> None:
        self._name = ""
        self._done = 0
        self._began = 0.0
        self._is_counted = True

    def start(self, task: str, total: int | Callable[[], int]) -> None:
        self.end()
        self._name, self._done, self._began = (visible(task), 0, time.monotonic()) if total else ("", 0, 0.0)
        self._is_counted = not callable(total)

    def advance(self, units: int = 1) -> None:
        self._done += units

    def end(self) -> None:
        if self._name and (self._done or self._is_counted):
            echo(f"{self._name}: {self._done:,} in {time.monotonic() - self._began:.1f} s", err=True)
        self._name = ""


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield the progress for standard error."""
    if sys.stderr.isatty():
        from bot.cli.bars import show_bars

        with show_bars() as bars:
            yield bars
        return
    lines = Lines()
    yield lines
    lines.end()
