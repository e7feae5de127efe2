# SPDX-License-Identifier: GPL-2.0-or-later
"""A progress that notes its steps."""

from collections.abc import Callable


class CountingProgress:
    """Notes each step: its task, its total, and how many units were done."""

    def __init__(self) -> None:
        self.steps: list[list[object]] = []

    def start(self, task: str, total: int | Callable[[], int]) -> None:
        self.steps.append([task, total() if callable(total) else total, 0])

    def advance(self, units: int = 1) -> None:
        done = self.steps[-1][2]
        assert isinstance(done, int)
        self.steps[-1][2] = done + units
