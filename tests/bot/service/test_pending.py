# SPDX-License-Identifier: GPL-2.0-or-later
"""The service keeps what pending postings do, tells both sides of a collision, and can make the table anew."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.review.model import ReviewFinding
from bot.service.pending import RebuildPendingJob
from bot.service.poll import PollJob
from bot.service.recheck import RecheckJob, RecheckResult
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.bindings.pending_facts import PendingKind
from rules.registry import by_id
from tests.bot.review.factories import Maker
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive
from tests.fakes.origin import FakeClock
from tests.fakes.pending import DAY, colliding


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + 2 * DAY)


@pytest.fixture
def context(make: Maker) -> ReviewContext:
    rule = by_id("collides-with-pending")
    assert rule is not None
    return ReviewContext((rule,), identity=make.identity, recipients=consenting(), pending=60 * DAY)


def _poll(store: Repository, *mails: bytes, name: str = "fake") -> None:
    PollJob([FakeArchive(mails, name)], store, assemble, Event(), Silent()).run()


def _review(store: Repository, context: ReviewContext, clock: FakeClock, *mails: bytes) -> None:
    _poll(store, *mails, name=f"{clock.now()}")
    ReviewJob(store, Analyser(), context, clock, Event(), Silent()).run()


def _findings(store: Repository, message_id: str) -> list[ReviewFinding]:
    record = store.review_of(message_id)
    return [] if record is None else list(record.review.current)


def _ids(store: Repository) -> list[str]:
    return [posting.message_id for posting in store.pending_postings()]


def test_the_later_posting_gets_the_finding_and_the_digest_the_pair_once(
    store: Repository, context: ReviewContext, clock: FakeClock
) -> None:
    since = clock.now()
    _review(store, context, clock, colliding("ada", 2), colliding("ben", 3, sent=START + timedelta(hours=1)))

    assert _findings(store, "ada.1@example.org") == []
    (finding,) = _findings(store, "ben.1@example.org")
    assert dict(finding.finding.facts)["message-id"] == "ada.1@example.org"
    clock.forward(days=1)
    _review(store, context, clock, colliding("ada", 4, sent=START + DAY, revision=2))

    assert [dict(finding.finding.facts)["message-id"] for finding in _findings(store, "ada.2@example.org")] == [
        "ben.1@example.org"
    ]
    (record,) = store.new_collisions(since, since + DAY)
    assert {record.posting.message_id, record.other.message_id} == {"ada.1@example.org", "ben.1@example.org"}
    assert (record.kind, record.name) == (PendingKind.REWRITE, "rust/kernel/lamp.rs")
    assert list(store.new_collisions(since + DAY, since + 9 * DAY)) == []


def test_only_the_newest_reviewed_revision_is_pending(
    store: Repository, context: ReviewContext, clock: FakeClock
) -> None:
    _review(store, context, clock, colliding("ada", 2), colliding("ada", 3, sent=START + DAY, revision=2))

    assert _ids(store) == ["ada.2@example.org"]


def test_refused_and_old_postings_are_not_pending(store: Repository, context: ReviewContext, clock: FakeClock) -> None:
    terms = replace(context.terms, bots=frozenset({"ada@example.org"}))
    mails = colliding("ada", 2), colliding("ben", 3, sent=START - 61 * DAY), colliding("cy", 4)

    _review(store, replace(context, terms=terms), clock, *mails)

    assert _ids(store) == ["cy.1@example.org"]


def test_an_applied_posting_collides_no_more(store: Repository, context: ReviewContext, clock: FakeClock) -> None:
    _review(store, context, clock, colliding("ada", 2))

    assert store.forget_pending(["ada.1@example.org"]) == 1
    clock.forward(minutes=1)
    _review(store, context, clock, colliding("ben", 3, sent=START + DAY))

    assert _findings(store, "ben.1@example.org") == []


def test_a_recheck_keeps_the_finding(store: Repository, context: ReviewContext, clock: FakeClock) -> None:
    _review(store, context, clock, colliding("ada", 2), colliding("ben", 3, sent=START + DAY))
    stored = store.find("ben.1@example.org")
    assert stored is not None

    result = RecheckJob(store, Analyser(), context, clock).run(stored.posting)

    assert isinstance(result, RecheckResult)
    assert result.changed.is_empty
    assert len(_findings(store, "ben.1@example.org")) == 1


def test_a_rebuild_changes_nothing(store: Repository, context: ReviewContext, clock: FakeClock) -> None:
    mails = colliding("ada", 2), colliding("ada", 5, sent=START + DAY, revision=2), colliding("ben", 3)
    _review(store, context, clock, *mails)
    _poll(store, colliding("cy", 4), name="not reviewed")
    before = store.pending_postings()
    keys = [store.pending_with([key]) for posting in before for key in sorted(posting.facts.keys)]
    assert store.forget_pending(["ada.2@example.org"]) == 1

    count, failures = RebuildPendingJob(store, Analyser(), context, clock, Silent()).run()

    assert (count, failures) == (2, ())
    assert store.pending_postings() == before
    assert [store.pending_with([key]) for posting in before for key in sorted(posting.facts.keys)] == keys


def test_a_rebuild_leaves_out_what_is_not_pending_any_more(
    store: Repository, context: ReviewContext, clock: FakeClock
) -> None:
    _review(store, context, clock, colliding("ada", 2))
    clock.forward(days=60)

    assert RebuildPendingJob(store, Analyser(), context, clock, Silent()).run() == (0, ())
    assert _ids(store) == []
