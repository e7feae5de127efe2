# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of jobs and sources."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.ports.jobs import JobRuns
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.times import text_of

_RESTART: Final = "UPDATE job_run SET started = ? WHERE name = ?"
_ADD_RUNS: Final = """
INSERT INTO job_run (name, process, started, succeeded, runs, failures, seconds, last_seconds, max_gap)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
  process = excluded.process, max_gap = excluded.max_gap, runs = job_run.runs + excluded.runs,
  failures = job_run.failures + excluded.failures, seconds = job_run.seconds + excluded.seconds,
  last_seconds = CASE WHEN excluded.runs > 0 THEN excluded.last_seconds ELSE job_run.last_seconds END,
  succeeded = COALESCE(excluded.succeeded, job_run.succeeded)"""
_READ: Final = """
INSERT INTO source_read (source, read) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET read = excluded.read"""


class JobRows:
    """bot.ports.jobs.JobStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start_jobs(self, process: str, jobs: Sequence[JobRuns], now: datetime) -> None:
        names = [job.name for job in jobs]
        with self._database.changing() as connection:
            _add_runs(connection, process, jobs, now)
            connection.executemany(_RESTART, [(text_of(now), name) for name in names])
            others = "DELETE FROM job_run WHERE process = ? AND name NOT IN (SELECT value FROM json_each(?))"
            connection.execute(others, (process, json.dumps(names)))

    def add_runs(self, process: str, runs: Sequence[JobRuns], read: Mapping[str, datetime], now: datetime) -> None:
        with self._database.changing() as connection:
            _add_runs(connection, process, runs, now)
            connection.executemany(_READ, [(source, text_of(time)) for source, time in read.items()])


def _add_runs(connection: Plain, process: str, runs: Sequence[JobRuns], now: datetime) -> None:
    rows = [
        (
            *(job.name, process, text_of(now), None if job.succeeded is None else text_of(job.succeeded)),
            *(job.runs, job.failures, job.seconds, job.last_seconds if job.runs else 0.0, job.max_gap),
        )
        for job in runs
    ]
    connection.executemany(_ADD_RUNS, rows)
