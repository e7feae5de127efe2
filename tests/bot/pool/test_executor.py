# SPDX-License-Identifier: GPL-2.0-or-later
import gc
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.pool.executor import ProcessExecutor, WorkerStartError
from bot.pool.guard import Crashed, TimeLimit
from bot.pool.worker import Limits, serve

LIMITS = Limits(seconds=60, memory=512 * 1024 * 1024)
# A busy machine may stop an innocent item for a second or two.
SLEEP_LIMIT = TimeLimit(3)
LOOP_LIMIT = TimeLimit(60, 0.5)


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessExecutor]:
    with ProcessExecutor(2, LIMITS) as running:
        yield running


def double(number: int) -> int:
    return number * 2


def process(_: int) -> int:
    return os.getpid()


def collector(_: int) -> tuple[bool, bool]:
    return gc.isenabled(), gc.get_freeze_count() > 0


def misbehave(how: str) -> str:
    if how == "loop":
        while True:
            pass
    if how == "regex":
        re.match(r"(a+)+$", "a" * 64 + "b")
    if how == "sleep":
        time.sleep(60)
    if how == "memory":
        return str(len(bytearray(1024 * 1024 * 1024)))
    if how == "recursion":
        return misbehave(how)
    if how == "exit":
        sys.exit(7)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise ValueError("odd mail")
    return how


def test_results_come_in_the_order_of_the_items(workers: ProcessExecutor) -> None:
    assert workers.map(double, range(100)) == [number * 2 for number in range(100)]


def test_what_streams_is_taken_little_ahead_and_comes_in_order(workers: ProcessExecutor) -> None:
    taken: list[int] = []
    results = workers.stream(double, (taken.append(number) or number for number in range(1000)))  # type: ignore[func-returns-value]

    assert [next(results) for _ in range(3)] == [0, 2, 4]
    assert len(taken) < 300
    assert list(results) == [number * 2 for number in range(3, 1000)]


def test_the_collector_of_a_worker_looks_only_at_its_own_objects(workers: ProcessExecutor) -> None:
    assert workers.map(collector, [0]) == [(True, True)]


def test_nothing_is_asked_of_nobody(workers: ProcessExecutor) -> None:
    assert workers.map(double, []) == []


def test_processes_are_kept(workers: ProcessExecutor) -> None:
    first = set(workers.map(process, range(40)))

    assert (set(workers.map(process, range(40))) <= first, len(first), os.getpid() in first) == (True, 2, False)


def test_the_fork_server_and_the_workers_are_the_only_processes() -> None:
    code = """
import os
from bot.pool.executor import ProcessExecutor
from bot.pool.memory import descendants
with ProcessExecutor(2) as workers:
    print(*workers.map(abs, [-1] * 40), sep="")
    print(len(descendants(os.getpid())))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (ended.stdout.split(), ended.stderr) == (["1" * 40, "4"], "")


def test_processes_that_do_not_stay_end_after_the_work() -> None:
    with ProcessExecutor(1, LIMITS, stays=False) as rare:
        (first,), (second,) = rare.map(process, [0]), rare.map(process, [0])

        assert isinstance(first, int)
        assert isinstance(second, int)
        for ended in (first, second):
            with pytest.raises(ProcessLookupError):
                os.kill(ended, 0)


@pytest.mark.parametrize(
    ("how", "time", "reason"),
    [
        ("loop", LOOP_LIMIT, "took more than 0.5 s of processor time, 2 times"),
        ("regex", LOOP_LIMIT, "took more than 0.5 s of processor time, 2 times"),
        ("sleep", SLEEP_LIMIT, "took longer than 3 s, 2 times"),
        ("memory", None, "took more than 512 MB, 2 times"),
        ("exit", None, "ended its process with status 7, 2 times"),
        ("kill", None, "ended its process by SIGKILL, 2 times"),
        ("raise", None, "ValueError in misbehave, line"),
        ("recursion", None, "RecursionError in misbehave"),
    ],
)
def test_one_bad_item_harms_no_other(workers: ProcessExecutor, how: str, time: TimeLimit | None, reason: str) -> None:
    fine = [f"mail {number}" for number in range(30)]
    results = workers.map(misbehave, [*fine[:15], how, *fine[15:]], time)
    bad = results.pop(15)

    assert results == fine
    assert isinstance(bad, Crashed)
    assert bad.reason.startswith(reason)


def test_many_bad_items_harm_no_other(workers: ProcessExecutor) -> None:
    results = workers.map(misbehave, ["kill", "fine", "exit", "kill", "fine", "raise", "kill", "exit", "fine"])

    assert [result if isinstance(result, str) else None for result in results] == [
        None, "fine", None, None, "fine", None, None, None, "fine",
    ]  # fmt: skip


def test_a_worker_that_died_while_idle_costs_nothing(workers: ProcessExecutor) -> None:
    for pid in set(workers.map(process, range(40))):
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)

    assert workers.map(double, range(40)) == [number * 2 for number in range(40)]


def count_try(folder: Path) -> None:
    (folder / f"try-{os.getpid()}").touch()
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_bad_item_is_tried_twice(tmp_path: Path) -> None:
    with ProcessExecutor(1, LIMITS) as workers:
        (result,) = workers.map(count_try, [tmp_path])

    assert isinstance(result, Crashed)
    assert result.reason.endswith(", 2 times")
    assert len(list(tmp_path.iterdir())) == 2


def serve_later(starts: Path, failing: int, *arguments: Any) -> None:
    """Serve as the process after `failing` ones that ended at once."""
    with starts.open("a") as file:
        file.write(".")
    if len(starts.read_text()) <= failing:
        sys.exit(9)
    serve(*arguments)


def test_no_item_is_at_fault_if_no_process_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.pool.executor.serve", partial(serve_later, tmp_path / "starts", 1_000))
    with ProcessExecutor(1, LIMITS) as executor:
        with pytest.raises(WorkerStartError, match="ended its process with status 9 before it began to work"):
            executor.map(double, range(100))
        assert len((tmp_path / "starts").read_text()) == 3

        monkeypatch.undo()
        assert executor.map(double, range(3)) == [0, 2, 4]


def test_a_start_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.pool.executor.serve", partial(serve_later, tmp_path / "starts", 2))
    with ProcessExecutor(1, LIMITS, tries=1) as executor:
        assert executor.map(double, range(100)) == [number * 2 for number in range(100)]
