# SPDX-License-Identifier: GPL-2.0-or-later
"""What the service records of its jobs, so that other processes can see whether it works."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rules.lazy import dataclass


@dataclass(frozen=True, slots=True)
class JobRuns:
    """Runs of a job: how many, how many failed, and how many seconds they took together and the last one took.

    `succeeded` is when the last successful run ended. More than `max_gap` seconds between two successful runs mean that
    something is wrong; 0 means that the job has no schedule.
    """

    name: str
    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
    last_seconds: float = 0.0
    succeeded: datetime | None = None
    max_gap: float = 0.0


class JobStore(Protocol):
    """The records of jobs in the store."""

    def start_jobs(self, process: str, jobs: Sequence[JobRuns], now: datetime) -> None:
        """Record that a process begins to run exactly these jobs; forget others that it ran before."""

    def add_runs(self, process: str, runs: Sequence[JobRuns], read: Mapping[str, datetime], now: datetime) -> None:
        """Add runs to those that are recorded, and record when sources were read to their end."""
