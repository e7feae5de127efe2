# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from bot.error import AdapterError, ReplacedError
from bot.ports.jobs import JobRuns
from bot.service.job_record import JobRecorder
from bot.service.schedule import ScheduledJob, serve
from bot.store.repository import Repository

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


class Store:
    """Keeps what is written. Writing fails while `broken`."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.writes: list[list[JobRuns]] = []
        self.read: dict[str, datetime] = {}
        self.broken = False

    def start_jobs(self, process: str, jobs: Sequence[JobRuns], now: datetime) -> None:
        self.started += [job.name for job in jobs]

    def add_runs(
        self,
        process: str,
        runs: Sequence[JobRuns],
        read: Mapping[str, datetime],
        now: datetime,
    ) -> None:
        if self.broken:
            raise AdapterError("the disk is full")
        self.writes.append(list(runs))
        self.read |= read


class Timer:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def failing() -> None:
    raise AdapterError("locked")


def test_runs_are_added_up_and_written_once_a_minute() -> None:
    store, timer = Store(), Timer()
    recorder = JobRecorder(store, Clock(), "run", timer)

    def work() -> str:
        timer.seconds += 2
        return "done"

    assert "done" == recorder.run("poll", work)
    assert [[JobRuns("poll", 1, 0, 2.0, 2.0, NOW)]] == store.writes
    for _ in range(3):
        recorder.run("poll", work)
    assert 1 == len(store.writes)
    timer.seconds += 60
    recorder.note_read("l")
    recorder.run("poll", work)

    assert [JobRuns("poll", 4, 0, 8.0, 2.0, NOW)] == store.writes[1]
    assert {"l": NOW} == store.read


def test_a_failure_is_written_at_once_and_keeps_the_last_success() -> None:
    store = Store()
    recorder = JobRecorder(store, Clock(), "run", Timer())
    recorder.run("poll", lambda: None)
    with pytest.raises(AdapterError, match="locked"):
        recorder.run("poll", failing)
    with pytest.raises(AdapterError, match="locked"):
        recorder.run("poll", failing)

    assert 2 == len(store.writes)
    assert [JobRuns("poll", 1, 1, 0.0, 0.0, None)] == store.writes[1]
    recorder.flush()
    assert [JobRuns("poll", 1, 1, 0.0, 0.0, None)] == store.writes[2]


def test_a_job_is_not_disturbed_by_a_database_that_cannot_be_written() -> None:
    store = Store()
    store.broken = True

    assert 7 == JobRecorder(store, Clock(), "run", Timer()).run("poll", lambda: 7)


@pytest.mark.sqlite
def test_a_job_that_only_reads_ends_if_the_database_was_replaced(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        (tmp_path / "d.db").unlink()

        with pytest.raises(ReplacedError, match="it was deleted"):
            JobRecorder(store, Clock(), "run", Timer()).run("poll", lambda: store.cursors("list"))


def test_the_schedule_records_its_jobs() -> None:
    store, stop = Store(), Event()
    job = ScheduledJob("poll", stop.set, 3600, 0)

    serve([job], stop, recorder=JobRecorder(store, Clock(), "run"))

    assert ["poll"] == store.started
    (run,) = (run for runs in store.writes for run in runs)
    assert (run.name, run.runs, run.succeeded, run.max_gap) == ("poll", 1, NOW, job.max_gap)
