# SPDX-License-Identifier: GPL-2.0-or-later
"""One posting of many: it keeps its order, is stored once, and is in quarantine after its second failure."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Crashed
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.service.review_task import ReviewTask
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes.mails import FakeArchive, patch
from tests.fakes.origin import FakeClock

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
    return ReviewTask(store.queue(), job)


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
