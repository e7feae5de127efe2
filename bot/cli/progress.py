# SPDX-License-Identifier: GPL-2.0-or-later
"""Progress of the work: bars on a terminal, else a line for each step. All classes implement bot.ports.Progress."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from bot.ports.running import Progress as ProgressPort
from bot.review.render.text import visible


class Silent:
    """Progress that prints nothing."""

    def start(self, task: str, total: int) -> None:
        """Ignore the start of a step."""

    def advance(self, units: int = 1) -> None:
        """Ignore the units."""


class Lines:
    """Progress that prints a line for each step when the next step begins."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._done = 0
        self._began = 0.0

    def start(self, task: str, total: int) -> None:
        self.end()
        self._name, self._done, self._began = (visible(task), 0, time.monotonic()) if total else ("", 0, 0.0)

    def advance(self, units: int = 1) -> None:
        self._done += units

    def end(self) -> None:
        if self._name:
            self._console.print(
                f"{self._name}: {self._done:,} in {time.monotonic() - self._began:.1f} s", highlight=False
            )
        self._name = ""


class Bars:
    """Progress with a bar for each step that has work to do."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, task: str, total: int) -> None:
        self._task = self._progress.add_task(visible(task), total=total) if total else None

    def advance(self, units: int = 1) -> None:
        if self._task is not None:
            self._progress.advance(self._task, units)


@contextmanager
def show_progress(console: Console) -> Iterator[ProgressPort]:
    """Yield the progress for this console."""
    if not console.is_terminal:
        lines = Lines(console)
        yield lines
        lines.end()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")
