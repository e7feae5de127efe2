# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of jobs and sources."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import col, delete

from bot.ports.jobs import JobRuns
from bot.store.database import Database
from bot.store.tables import JobRunRow, SourceReadRow


class JobRows:
    """bot.ports.jobs.JobStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start_jobs(self, process: str, jobs: Sequence[JobRuns], now: datetime) -> None:
        self.add_runs(process, jobs, {}, now)
        names = [job.name for job in jobs]
        with self._database.writing() as session:
            session.exec(delete(JobRunRow).where(col(JobRunRow.process) == process, col(JobRunRow.name).not_in(names)))
            for name in names:
                session.get_one(JobRunRow, name).started = now

    def add_runs(self, process: str, runs: Sequence[JobRuns], read: Mapping[str, datetime], now: datetime) -> None:
        with self._database.writing() as session:
            for job in runs:
                row = session.get(JobRunRow, job.name) or _row(job.name, process, now)
                row.process, row.max_gap = process, job.max_gap
                row.runs += job.runs
                row.failures += job.failures
                row.seconds += job.seconds
                if job.runs:
                    row.last_seconds = job.last_seconds
                row.succeeded = job.succeeded or row.succeeded
                session.add(row)
            for source, time in read.items():
                session.merge(SourceReadRow(source=source, read=time))


def _row(name: str, process: str, now: datetime) -> JobRunRow:
    return JobRunRow(
        name=name, process=process, started=now, runs=0, failures=0, seconds=0.0, last_seconds=0.0, max_gap=0.0
    )
