# SPDX-License-Identifier: GPL-2.0-or-later
import errno
import os
import signal
import threading
import time
from threading import Event

import pytest

from bot.service import schedule
from bot.service.schedule import ScheduledJob, Wakeups, serve, stopped_by_signals
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
    stop, running, at_once, ended = Event(), [0], [0], [0]

    def slow() -> None:
        running[0] += 1
        at_once[0] = max(at_once[0], running[0])
        if ended[0] == 1:
            stop.set()
        time.sleep(0.5)  # ten intervals
        running[0] -= 1
        ended[0] += 1

    other = ScheduledJob("other", lambda: None, 3600, 0)  # whose thread is free for a second run
    serve([ScheduledJob("slow", slow, 0.05, 0), other], stop)

    assert (running, at_once) == ([0], [1])
    assert ended[0] >= 2  # a slow machine may begin another run before it ends


FULL_DISK = "database d.db: the disk is full"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreError(FULL_DISK), FULL_DISK),
        (OSError(errno.ENOSPC, "No space left on device", "/var/a"), "/var/a: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/var/a"), "/var/a: Permission denied"),
    ],
)
def test_an_error_is_logged_once_until_the_job_works_again(events: Events, error: Exception, reason: str) -> None:
    stop, runs = Event(), [0]

    def failing() -> None:
        runs[0] += 1
        if runs[0] in {1, 2, 4}:
            raise error
        if runs[0] == 5:
            stop.set()

    serve([ScheduledJob("poll", failing, 0.05, 0)], stop)

    assert runs[0] >= 5  # a slow machine may begin another run before it ends
    assert events.names() == ["job-failed", "job-recovered", "job-failed", "job-recovered", "service-stopping"]
    assert events.named("job-failed")[0] == {"job": "poll", "reason": reason}


def test_a_job_runs_when_it_is_woken_and_once_more_if_that_is_during_its_run() -> None:
    stop, wakeups, runs = Event(), Wakeups(), [0]

    def work() -> None:
        runs[0] += 1
        if runs[0] == 1:
            threading.Timer(0.1, wakeups.wake, ["work", "unknown"]).start()
        elif runs[0] == 2:
            for _ in range(9):
                wakeups.wake("work")
            time.sleep(0.2)
        else:
            threading.Timer(0.5, stop.set).start()

    serve([ScheduledJob("work", work, 3600, 0)], stop, wakeups=wakeups)

    assert 3 <= runs[0] <= 5  # nine wake-ups are one; on a slow machine, a run may end before its wake-up is seen


def test_the_news_of_a_job_start_the_jobs_after_it() -> None:
    stop, is_reviewed, order = Event(), Event(), list[str]()

    def poll() -> bool:
        is_reviewed.wait()  # Both jobs run at the start, and the review ends first.
        order.append("poll")
        return order.count("poll") == 2

    def review() -> None:
        order.append("review")
        is_reviewed.set()
        if order.count("review") == 2:
            stop.set()

    jobs = [ScheduledJob("poll", poll, 1, 0, before=("review",)), ScheduledJob("review", review, 3600, 0)]
    serve(jobs, stop)

    assert order[:3] == ["review", "poll", "poll"]
    assert order.count("review") == 2  # on a slow machine, polls without news are around the second one


def test_a_busy_job_runs_again_with_its_gap_until_it_is_not_busy_any_more() -> None:
    stop, wakeups, starts = Event(), Wakeups(), list[float]()

    def work() -> None:
        starts.append(time.monotonic())
        if len(starts) == 1:
            wakeups.wake("work", busy_seconds=60)
        if len(starts) == 4:
            stop.set()

    before = time.monotonic()
    serve([ScheduledJob("work", work, 3600, 0, min_gap=0.2)], stop, wakeups=wakeups)

    assert len(starts) >= 4  # a slow machine may begin another run before it ends
    assert starts[3] - before >= 0.59  # three gaps; a run may begin later than it notes, so one gap may look shorter


def test_all_jobs_run_at_once_after_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, runs, steps = Event(), {"a": 0, "b": 0}, [0]
    monkeypatch.setattr(schedule, "_LOOK_SECONDS", 0.2)

    def offset() -> float:
        """Set the clock back at each look until each job ran twice: a job that still runs is not started again."""
        if 0 < min(runs.values()) < 2:
            steps[0] += 1
        return -90_000.0 * steps[0]

    def count(name: str) -> None:
        runs[name] += 1
        if min(runs.values()) == 2:
            threading.Timer(0.7, stop.set).start()

    monkeypatch.setattr(schedule, "_clock_offset", offset)

    serve([ScheduledJob(name, lambda name=name: count(name), 3600, 0) for name in runs], stop)  # type: ignore[misc] # bound early

    assert all(2 <= number <= 1 + steps[0] for number in runs.values())


def test_a_wake_up_before_and_after_the_schedule_is_lost() -> None:
    stop, wakeups, runs = Event(), Wakeups(), [0]

    def work() -> None:
        runs[0] += 1
        stop.set()

    wakeups.wake("work")
    serve([ScheduledJob("work", work, 3600, 0)], stop, wakeups=wakeups)
    wakeups.wake("work")

    assert runs == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly_and_mean_afterwards_what_they_meant(number: signal.Signals) -> None:
    stop, before = Event(), signal.getsignal(number)
    with stopped_by_signals(stop):
        threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        serve([ScheduledJob("idle", lambda: None, 60, 0)], stop)

    assert stop.is_set()
    assert signal.getsignal(number) == before
