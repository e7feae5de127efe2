# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.error import InboxError
from bot.ports.raw_mail import RawMail
from bot.service.backfill import BackfillJob, BackfillResult
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.fakes.mails import START, FakeArchive, mail, patch, raw
from tests.fakes.origin import FakeClock

FIRST, SECOND = patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 2/2", to="1@x")


@dataclass
class FakeLookup:
    """An archive that gives what it has, or fails."""

    mails: tuple[bytes, ...] = ()
    error: str = ""
    asked: list[tuple[dict[int, str], tuple[int, ...]]] = field(default_factory=list)
    base: str = "https://lore.example.org/all"

    def missing(self, known: Mapping[int, str], absent: Sequence[int]) -> tuple[RawMail, ...]:
        self.asked.append((dict(known), tuple(absent)))
        if self.error:
            raise InboxError(self.error)
        return tuple(raw(content, 60) for content in self.mails)


@pytest.fixture
def lookup() -> FakeLookup:
    return FakeLookup()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + timedelta(minutes=11))


@pytest.fixture
def completing(store: Repository, lookup: FakeLookup, clock: FakeClock) -> BackfillJob:
    PollJob([FakeArchive([FIRST])], store, assemble, Event(), Silent()).run()
    return BackfillJob(store, lookup, timedelta(hours=48), clock, Event(), Silent())


def due(store: Repository) -> list[str]:
    PollJob([], store, assemble, Event(), Silent()).run()
    return [row.posting.message_id for row in store.due_for_review(9)]


def test_a_missing_part_is_asked_for_once(store: Repository, completing: BackfillJob, lookup: FakeLookup) -> None:
    lookup.mails = (FIRST, SECOND, mail("re@x", "Re: [PATCH 2/2] rust", to="2@x"))

    assert (completing.run(), completing.run()) == (BackfillResult(1, 1), BackfillResult(0, 0))
    assert lookup.asked == [({1: "1@x"}, (2,))]
    assert due(store) == ["1@x"]


def test_what_another_author_sent_is_not_taken(store: Repository, completing: BackfillJob, lookup: FakeLookup) -> None:
    lookup.mails = (SECOND.replace(b"ada@", b"eve@"),)

    assert (completing.run(), due(store)) == (BackfillResult(1, 0), [])


def test_what_is_nowhere_is_not_asked_for_again(completing: BackfillJob, lookup: FakeLookup, clock: FakeClock) -> None:
    for _ in range(5):
        completing.run()
        clock.forward(hours=2)

    assert len(lookup.asked) == 1


def test_a_part_that_may_still_come_is_left_to_the_list(
    completing: BackfillJob, lookup: FakeLookup, clock: FakeClock
) -> None:
    clock.time = START + timedelta(minutes=9)

    assert (completing.run(), lookup.asked) == (BackfillResult(0, 0), [])


def test_a_stale_series_is_not_completed(completing: BackfillJob, lookup: FakeLookup, clock: FakeClock) -> None:
    clock.forward(hours=49)

    assert (completing.run(), lookup.asked) == (BackfillResult(0, 0), [])


def test_failures_are_tried_again_later_and_later_and_then_no_more(
    completing: BackfillJob, lookup: FakeLookup, clock: FakeClock
) -> None:
    lookup.error = "https://lore.example.org/all/1@x/t.mbox.gz: answered 503"
    tried = []
    for minute in range(0, 600, 5):
        if completing.run().problems:
            tried.append(minute)
        clock.forward(minutes=5)

    assert tried == [0, 10, 30, 70, 130]


def test_after_a_failure_the_round_ends(store: Repository, completing: BackfillJob, lookup: FakeLookup) -> None:
    PollJob([FakeArchive([patch("9@x", "lamp", number=" 1/2")], "other")], store, assemble, Event(), Silent()).run()
    lookup.error = "answered 429"

    assert (completing.run().problems, len(lookup.asked)) == (("answered 429",), 1)
