# SPDX-License-Identifier: GPL-2.0-or-later
"""A job that hangs is noticed, one that makes progress is not, however long it takes."""

import threading

import pytest

from bot.pool.executor import ProcessExecutor
from bot.pool.guard import TimeLimit
from bot.service.watchdog import Watchdog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    watchdog = Watchdog(clock)
    watchdog.watch("poll", 15, 3600)
    watchdog.watch("review", 15, 900)
    return watchdog


def _pass(watchdog: Watchdog, clock: Clock, seconds: float) -> str:
    """Let both jobs run for a moment, then time pass."""
    for name in ("poll", "review"):
        with watchdog.running(name):
            pass
    clock.now += seconds
    return watchdog.hung_job()


def test_jobs_that_run_at_their_pace_do_not_hang(watchdog: Watchdog, clock: Clock) -> None:
    assert {_pass(watchdog, clock, 900) for _ in range(9)} == {""}


def test_a_job_hangs_when_it_gives_no_sign_for_longer_than_one_unit_may_take(watchdog: Watchdog, clock: Clock) -> None:
    with watchdog.running("review"):
        clock.now += 900
        assert watchdog.hung_job() == ""
        watchdog.beat()
        clock.now += 900
        assert watchdog.hung_job() == ""
        clock.now += 1
        assert watchdog.hung_job() == "review"
        watchdog.beat()
        assert watchdog.hung_job() == ""
    clock.now += 900
    assert watchdog.hung_job() == ""


def test_a_job_hangs_when_it_does_not_start_any_more(watchdog: Watchdog, clock: Clock) -> None:
    clock.now += 916
    assert watchdog.hung_job() == "review"


def test_the_progress_of_one_job_is_no_sign_of_another(watchdog: Watchdog, clock: Clock) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hang() -> None:
        with watchdog.running("review"):
            entered.set()
            leave.wait(60)

    other = threading.Thread(target=hang)
    other.start()
    assert entered.wait(60)
    with watchdog.running("poll"):
        clock.now += 901
        watchdog.beat()
        assert watchdog.hung_job() == "review"
    leave.set()
    other.join()
    assert watchdog.hung_job() == ""


def _burn(item: int) -> int:
    while item == 1:
        pass
    return item


def test_workers_give_a_sign_for_each_result_and_each_try_that_ends() -> None:
    signs: list[int] = []
    with ProcessExecutor(1, on_result=lambda: signs.append(1)) as workers:
        workers.map(_burn, [0, 1, 2], TimeLimit(60, 0.5))

    assert len(signs) == 4  # two results, and two tries of what takes too long
