# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.pool.deadline import deadline_suspended
from bot.pool.forked import forked
from bot.pool.guard import Crashed
from bot.pool.worker import Limits

# A busy machine may stop an innocent item for a second.
LIMITS = Limits(seconds=2, memory=64 << 20, result=1 << 20)


def _misbehave(how: str) -> str:
    if how == "loop":
        re.match(r"(a+)+$", "a" * 64 + "b")
    if how == "memory":
        return str(len(bytearray(1 << 30)))
    if how.startswith("break"):
        held = bytearray(b"x") * ((61 if how == "break full" else 1) << 20)
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
        return str(len(held))
    if how == "exit":
        os._exit(7)
    if how == "talk":
        return "x" * (2 << 20)
    if how == "raise":
        raise ValueError("odd mail")
    return how


@pytest.mark.parametrize(
    ("how", "reason", "exceeded"),
    [
        ("loop", "took longer than 2 s", True),
        ("memory", "took more than 64 MB", True),
        ("break", "ended its process by SIGSEGV\n", True),
        ("break full", "ended its process by SIGSEGV at its limit of 64 MB\n", True),
        ("exit", "ended its process with status 7", True),
        ("talk", "returned more than 1 MB", True),
        ("raise", "ValueError in _misbehave, line", False),
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_bad_item_harms_no_other(how: str, reason: str, exceeded: bool, at: int) -> None:
    items = ["fine", "good"]
    items.insert(at, how)
    limits = LIMITS if how == "loop" else replace(LIMITS, seconds=60)
    results = list(forked(_misbehave, items, limits))
    bad = results.pop(at)

    assert results == ["fine", "good"]
    assert isinstance(bad, Crashed)
    assert (f"{bad.reason}\n".startswith(reason), bad.exceeded) == (True, exceeded)


def test_what_this_process_holds_is_not_the_memory_of_the_work() -> None:
    held = bytearray(128 << 20)

    assert list(forked(lambda item: len(item) + len(held), ["a"], LIMITS)) == [1 + len(held)]


def test_closures_and_what_a_test_replaced_are_known_in_the_child() -> None:
    calls: list[int] = []

    def work(item: int) -> tuple[int, int]:
        calls.append(item)
        return item, len(calls)

    assert list(forked(work, [5, 6], LIMITS)) == [(5, 1), (6, 2)]  # one child for both
    assert calls == []
    assert list(forked(work, [], LIMITS)) == []


def test_nobody_waits_for_a_child_that_is_not_wanted_any_more() -> None:
    results: Iterator[int | Crashed] = forked(lambda item: time.sleep(item) or os.getpid(), [0, 600], Limits(700))  # type: ignore[func-returns-value]
    child = next(results)
    assert isinstance(child, int)

    results.close()  # type: ignore[attr-defined]

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_what_our_own_files_take_is_not_counted() -> None:
    def work(_: int) -> str:
        with deadline_suspended():
            time.sleep(2.2)
        return "done"

    assert list(forked(work, [1], LIMITS)) == ["done"]
