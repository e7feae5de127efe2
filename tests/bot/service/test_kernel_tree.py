# SPDX-License-Identifier: GPL-2.0-or-later
"""The facts of the newest kernel tree are stored once for each commit, and replace those of the commit before."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from bot.kernel.error import KernelError
from bot.kernel.specs import RepositorySpec, RepositorySpecs
from bot.pipeline import kernel_tree as pipeline
from bot.pipeline.analyse import open_kernels
from bot.pipeline.kernel_tree import KernelTreeReader
from bot.pool.guard import InlineExecutor
from bot.service.kernel_tree import KernelTreeJob
from bot.service.projection import ProjectionJob
from bot.store.repository import Repository
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.events import Events
from tests.fakes.origin import FakeClock
from tests.fakes.stored import opened
from tests.rules.bindings.trees import FILES

MAINTAINERS = "LAMPS\nM:\tAda <Ada@example.org>\nR:\tBen <ben@example.org>\nF:\trust/kernel/lamp.rs\n\n"


@pytest.fixture(autouse=True)
def _reopened() -> Iterator[None]:
    """Kernels are opened once a process, and look at the refs then."""
    open_kernels.cache_clear()
    yield
    open_kernels.cache_clear()


def _job(store: Repository, clock: FakeClock, path: Path) -> KernelTreeJob:
    open_kernels.cache_clear()
    specs = RepositorySpecs((RepositorySpec(path, "main"),), None, ())
    return KernelTreeJob(store, KernelTreeReader(specs, InlineExecutor()), clock)


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with opened(path) as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_the_facts_of_a_commit_are_stored_once(
    store: Repository, clock: FakeClock, tmp_path: Path, events: Events
) -> None:
    kernel = repository(tmp_path / "kernel.git")
    first = commit(kernel, FILES | {"MAINTAINERS": MAINTAINERS}, 1_000_000_000)

    assert [_job(store, clock, tmp_path / "kernel.git").run() for _ in range(2)] == [True, False]
    assert store.kernel_tree_commit() == first
    database = tmp_path / "patchwarden.db"
    assert _rows(database, "SELECT path, line, form, text FROM used_place WHERE name = 'lamp_on'") == [
        ("rust/kernel/lamp.rs", 4, "bindings", "unsafe { bindings::lamp_on(lamp) }")
    ]
    assert _rows(database, "SELECT * FROM subsystem_person") == [
        ("ada@example.org", "LAMPS"),
        ("ben@example.org", "LAMPS"),
    ]
    assert [event["commit"] for event in events.named("kernel-tree-read")] == [first[:12]]


def test_a_new_commit_replaces_the_facts(store: Repository, clock: FakeClock, tmp_path: Path) -> None:
    kernel = repository(tmp_path / "kernel.git")
    commit(kernel, FILES | {"MAINTAINERS": MAINTAINERS}, 1_000_000_000)
    _job(store, clock, tmp_path / "kernel.git").run()
    other = {"rust/kernel/lamp.rs": "use crate::bindings;\nfn f() {\n    unsafe { bindings::light() }\n}\n"}
    second = commit(kernel, FILES | other, 1_100_000_000)

    assert _job(store, clock, tmp_path / "kernel.git").run()
    database = tmp_path / "patchwarden.db"
    assert _rows(database, "SELECT commit_id FROM kernel_tree") == [(second,)]
    assert _rows(database, "SELECT count(*) FROM used_place WHERE name = 'lamp_on'") == [(0,)]
    assert _rows(database, "SELECT count(*) FROM subsystem_person") == [(0,)]


def test_a_rebuild_lets_the_service_read_the_tree_again(store: Repository, clock: FakeClock, tmp_path: Path) -> None:
    commit(repository(tmp_path / "kernel.git"), FILES, 1_000_000_000)
    job = _job(store, clock, tmp_path / "kernel.git")
    job.run()
    with opened(tmp_path / "patchwarden.db") as connection:
        connection.execute("DELETE FROM used_place")
    ProjectionJob(store, Event()).rebuild()

    assert job.run()
    assert _rows(tmp_path / "patchwarden.db", "SELECT count(*) > 0 FROM used_place") == [(1,)]


def test_without_a_kernel_nothing_is_stored(store: Repository, clock: FakeClock) -> None:
    open_kernels.cache_clear()
    assert not KernelTreeJob(store, KernelTreeReader(RepositorySpecs(), InlineExecutor()), clock).run()
    assert store.kernel_tree_commit() == ""


def test_a_crash_while_reading_is_an_error_of_the_kernel(
    store: Repository, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository(tmp_path / "kernel.git"), FILES, 1_000_000_000)

    def fail(_: object) -> None:
        raise RuntimeError("hostile")

    monkeypatch.setattr(pipeline, "used_places", fail)
    with pytest.raises(KernelError, match="newest kernel tree"):
        _job(store, clock, tmp_path / "kernel.git").run()
