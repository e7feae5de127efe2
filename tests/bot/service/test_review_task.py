# SPDX-License-Identifier: GPL-2.0-or-later
"""One posting of many: it keeps its order, is stored once, and is in quarantine after its second failure."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.executor import ExecutorPool
from bot.pool.guard import Crashed
from bot.pool.worker import Limits
from bot.review.policy import Policy
from bot.service import review_task
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.service.review_task import ReviewTask
from bot.store.repository import Repository
from rules.registry import by_id
from tests.bot.review.factories import Maker
from tests.bot.service.hostile_rules import POISON, rule
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, patch
from tests.fakes.origin import FakeClock
from tests.fakes.pending import DAY, colliding
from tests.fakes.stored import opened

pytestmark = pytest.mark.postgresql


@pytest.fixture
def store(store: Repository) -> Repository:
    """A store with two revisions of one series and a queue."""
    store.queue().install()
    mails = [patch("1@x"), patch("2@x", number=" v2")]
    PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()
    return store


def _task(store: Repository, make: Maker, analyse: Callable[..., Any] | None = None) -> ReviewTask:
    context = ReviewContext((make.rule(),), Policy(), Identity(Address("", "bot@example.org"), "1"))
    job = ReviewJob(store, analyse or Analyser(), context, FakeClock(), Event(), Silent())
    return ReviewTask(store.queue(), job, Event())


def test_a_later_revision_waits_for_the_earlier_one(store: Repository, make: Maker) -> None:
    task = _task(store, make)

    assert not task.run("2@x")
    assert store.review_of("2@x") is None
    assert task.run("1@x")
    assert task.run("2@x")
    assert store.count_due_for_review() == 0


def test_a_posting_that_is_not_due_is_left_alone(store: Repository, make: Maker) -> None:
    task = _task(store, make)
    assert task.run("1@x")

    assert not task.run("1@x")
    assert not task.run("unknown@x")


def test_a_review_that_another_worker_stored_meanwhile_is_not_stored_again(store: Repository, make: Maker) -> None:
    first = _task(store, make)

    def analyse(*arguments: Any, **named: Any) -> Any:
        assert first.run("1@x")
        mails = store.mails()
        assert store.review_of("1@x") is not None
        analysed = Analyser()(*arguments, **named)
        assert store.mails() == mails
        return analysed

    assert not _task(store, make, analyse).run("1@x")


def test_a_posting_that_fails_twice_is_in_quarantine_and_the_next_goes_on(store: Repository, make: Maker) -> None:
    failing = _task(store, make, lambda *_, **__: Crashed("took longer than 60 s", exceeded=True))

    assert not failing.run("1@x")
    due = store.queue().due("1@x")
    assert due is not None
    assert due.tries == 1
    assert failing.run("1@x")
    assert store.queue().due("1@x") is None
    assert _task(store, make).run("2@x")


def test_of_two_postings_that_collide_the_later_one_has_the_finding_whichever_is_ready_first(
    tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    collides = by_id("collides-with-pending")
    assert collides is not None
    mails = [colliding("ada", 2), colliding("ben", 3, sent=START + timedelta(hours=1))]
    ada, ben = "ada.1@example.org", "ben.1@example.org"
    context = ReviewContext((collides,), identity=make.identity, recipients=consenting(), pending=60 * DAY)
    monkeypatch.setattr(review_task, "_IDLE_SECONDS", 0.1)
    with Repository(tmp_path / "pair.db") as store:
        store.queue().install()
        PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()

        def task(*, before: Callable[[], object] = lambda: None) -> ReviewTask:
            def analyse(*arguments: Any, **named: Any) -> Any:
                before()
                return Analyser()(*arguments, **named)

            job = ReviewJob(store, analyse, context, FakeClock(START + DAY), Event(), Silent())
            return ReviewTask(store.queue(), job, Event())

        assert not task().run(ben)
        assert store.review_of(ben) is None
        assert task(before=lambda: task().run(ben)).run(ada)
        assert task().run(ben)
        findings = [len(record.review.current) for record in map(store.review_of, (ada, ben)) if record is not None]

    assert findings == [0, 1]


@pytest.mark.parametrize(("how", "reason"), [("memory", "took more than 256 MB"), ("kill", "SIGKILL")])
def test_a_series_that_exceeds_its_limits_in_two_workers_is_in_quarantine(
    tmp_path: Path, how: str, reason: str
) -> None:
    context = ReviewContext((rule(how),), Policy(), Identity(Address("", "bot@example.org"), "1"), consenting())
    limits = Limits(seconds=60.0, memory=256 << 20)
    with (
        Repository(tmp_path / "shared.db") as first,
        Repository(tmp_path / "shared.db") as second,
        ExecutorPool(1, limits) as pool,
        ExecutorPool(1, limits) as other,
    ):
        first.queue().install()
        PollJob([FakeArchive([patch("bad@x", POISON), patch("good@x")])], first, assemble, Event(), Silent()).run()
        tasks = [
            ReviewTask(
                store.queue(),
                ReviewJob(store, Analyser(executor=executor), context, FakeClock(), Event(), Silent()),
                Event(),
            )
            for store, executor in ((first, pool), (second, other))
        ]

        assert not tasks[0].run("bad@x")
        assert tasks[1].run("good@x")
        assert tasks[1].run("bad@x")
        assert [reason in row.reason for row in second.quarantined_postings(9)] == [True]
        assert first.count_due_for_review() == 0


def test_a_job_that_overtook_an_earlier_posting_lets_it_come_first(tmp_path: Path, make: Maker) -> None:
    with Repository(tmp_path / "order.db") as store:
        store.queue().install()
        mails = [patch(f"{number}@x", f"led{number}") for number in range(5)]
        PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()
        with opened(tmp_path / "order.db") as database:
            database.execute("DELETE FROM procrastinate_jobs")
        for number in (4, 2, 3, 1):  # The job of the first posting was lost.
            store.queue().postpone(f"{number}@x", 0)
        task = _task(store, make)
        fetch = "SELECT args ->> 'posting_id' FROM procrastinate_fetch_job_v2(ARRAY['patchwarden'], NULL)"
        fetched = []
        for _ in range(6):
            with opened(tmp_path / "order.db") as database:
                (posting_id,) = database.execute(fetch).fetchone()
            fetched.append((posting_id, task.run(posting_id)))
            with opened(tmp_path / "order.db") as database:
                database.execute("DELETE FROM procrastinate_jobs WHERE status = 'doing'")

    assert [posting_id for posting_id, is_reviewed in fetched if is_reviewed] == [f"{number}@x" for number in range(5)]
    assert len([posting_id for posting_id, is_reviewed in fetched if not is_reviewed]) == 1
