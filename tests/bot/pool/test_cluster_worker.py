# SPDX-License-Identifier: GPL-2.0-or-later
"""What a worker of a cluster does with a chunk, without Dask."""

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import pytest

from bot.error import AdapterError
from bot.pool.cluster_worker import DONE, REFUSED, STOPPED, UNREADABLE, Chunk, end_run, identity, work_on_chunk
from bot.pool.guard import Crashed
from bot.pool.worker import Limits, packed


class _Sent(NamedTuple):
    """A number that only some machines can read."""

    number: int
    is_here: bool = True

    def received(self) -> int:
        if not self.is_here:
            raise AdapterError("not here")
        return self.number


def _fails() -> None:
    raise AdapterError("no repository")


def _chunk(run: str, items: list[object], check: Callable[[], object] | None = None) -> bytes:
    return packed(tuple(Chunk(run, check, Limits(), partial(divmod, 12), items)))


@pytest.fixture
def run() -> Iterator[str]:
    name = uuid4().hex
    yield name
    end_run(name)


def test_a_chunk_has_the_results_of_its_items(run: str) -> None:
    kind, results = work_on_chunk(identity(), _chunk(run, [5, _Sent(7), 0]))

    assert kind == DONE
    assert isinstance(results, bytes)
    *divided, crashed = pickle.loads(results)
    assert divided == [(2, 2), (1, 5)]
    assert isinstance(crashed, Crashed)
    assert crashed.reason.startswith("ZeroDivisionError")


def test_a_chunk_of_another_version_is_not_unpacked() -> None:
    kind, reason = work_on_chunk("patchwarden 0.0.0", b"no chunk")

    assert kind == REFUSED
    assert identity() in str(reason)
    assert "patchwarden 0.0.0" in str(reason)


def test_a_worker_that_cannot_start_processes_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]

    kind, reason = work_on_chunk(identity(), b"no chunk")

    assert kind == REFUSED
    assert "DASK_DISTRIBUTED__WORKER__DAEMON=False" in str(reason)


def test_a_machine_that_fails_the_check_refuses(run: str) -> None:
    assert (REFUSED, "no repository") == work_on_chunk(identity(), _chunk(run, [1], _fails))


def test_a_chunk_with_data_that_cannot_be_read_here_is_not_worked_on(run: str) -> None:
    assert (UNREADABLE, "not here") == work_on_chunk(identity(), _chunk(run, [_Sent(1), _Sent(2, is_here=False)]))


def test_a_run_that_has_ended_gets_no_work(run: str) -> None:
    end_run(run)

    assert STOPPED == work_on_chunk(identity(), _chunk(run, [1]))[0]
