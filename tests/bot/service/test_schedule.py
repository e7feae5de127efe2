# SPDX-License-Identifier: GPL-2.0-or-later
import os
import signal
import threading
import time
from threading import Event

import pytest

from bot.service.schedule import ScheduledJob, serve, stopped_by_signals
from bot.store.error import StoreError
from tests.fakes.events import Events


def test_every_job_runs_at_once_and_again() -> None:
    stop, runs = Event(), {"a": 0, "b": 0}

    def count(name: str) -> None:
        runs[name] += 1
        if min(runs.values()) == 2:
            stop.set()

    serve([ScheduledJob(name, lambda name=name: count(name), 1, 0) for name in runs], stop)  # type: ignore[misc] # bound early

    assert min(runs.values()) >= 2


def test_a_slow_job_never_runs_twice_at_once_and_is_waited_for() -> None:
    stop, running, ended = Event(), [0], [0]

    def slow() -> None:
        running[0] += 1
        assert running[0] == 1
        if ended[0] == 1:
            stop.set()
        time.sleep(0.8)
        running[0] -= 1
        ended[0] += 1

    serve([ScheduledJob("slow", slow, 1, 0)], stop)

    assert (running, ended) == ([0], [2])


def test_a_database_error_is_logged_once_until_the_job_works_again(events: Events) -> None:
    stop, runs = Event(), [0]

    def failing() -> None:
        runs[0] += 1
        if runs[0] in {1, 2, 4}:
            raise StoreError("database d.db: the disk is full")
        if runs[0] == 5:
            stop.set()

    serve([ScheduledJob("poll", failing, 0.05, 0)], stop)

    assert runs == [5]
    assert events.names() == ["job-failed", "job-recovered", "job-failed", "job-recovered", "service-stopping"]
    assert events.named("job-failed")[0] == {"job": "poll", "reason": "database d.db: the disk is full"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly_and_mean_afterwards_what_they_meant(number: signal.Signals) -> None:
    stop, before = Event(), signal.getsignal(number)
    with stopped_by_signals(stop):
        threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        serve([ScheduledJob("idle", lambda: None, 60, 0)], stop)

    assert stop.is_set()
    assert signal.getsignal(number) == before
