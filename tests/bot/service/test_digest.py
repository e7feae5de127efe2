# SPDX-License-Identifier: GPL-2.0-or-later
"""Digests are written once a period, whatever is restarted, and not where there is nothing to say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.digest.period import DigestSchedule, Period
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.review.consent import Mode
from bot.review.policy import Policy
from bot.service.digest import DigestConfig, DigestJob
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.registry import active
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, patch
from tests.fakes.origin import FakeClock

IDENTITY = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
DIGEST_CONFIG = DigestConfig(
    readers=("ann@example.org", "Bob@example.org"),
    schedule=DigestSchedule("day", "mon", "07:00", "UTC"),
    identity=IDENTITY,
    build_filter=lambda reader: lambda posting: True,
    statistics=lambda: (),
    demoted=lambda tallies: {},
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


def _happen(store: Repository, clock: FakeClock, message_id: str = "1@example.org", name: str = "led") -> None:
    review_context = ReviewContext(active(), Policy(), IDENTITY, consenting())
    PollJob([FakeArchive((patch(message_id, name),), message_id)], store, assemble, Event(), Silent()).run()
    ReviewJob(store, Analyser(), review_context, clock, Event(), Silent()).run()


def _readers(store: Repository) -> list[str]:
    return sorted(mail.envelope_to[0] for mail in store.mails() if mail.kind == "digest")


def _findings(mail: Outgoing) -> bytes:
    """Return the section about findings in the text of a digest."""
    return mail.content.partition(b"\nFindings\n")[2].partition(b"<html")[0]


def test_a_new_reader_starts_with_the_next_period(store: Repository, clock: FakeClock) -> None:
    _happen(store, clock)

    assert () == DigestJob(store, DIGEST_CONFIG, clock).run()


def test_each_reader_gets_one_mail_a_period_however_often_it_is_asked(store: Repository, clock: FakeClock) -> None:
    DigestJob(store, DIGEST_CONFIG, clock).run()
    _happen(store, clock)
    clock.forward(days=1)

    first = DigestJob(store, DIGEST_CONFIG, clock).run()
    again = [DigestJob(store, DIGEST_CONFIG, clock).run() for _ in range(3)]

    assert 2 == len(first)
    assert [(), (), ()] == again
    assert ["Bob@example.org", "ann@example.org"] == _readers(store)
    assert {("queued", "dry-run")} == {(mail.state, mail.mode) for mail in first}


def test_after_a_long_stop_one_digest_has_all_that_happened(store: Repository, clock: FakeClock) -> None:
    DigestJob(store, DIGEST_CONFIG, clock).run()
    _happen(store, clock)
    clock.forward(days=30)
    _happen(store, clock, "2@example.org", "fan")
    clock.forward(days=1)

    (mail, _) = DigestJob(store, DIGEST_CONFIG, clock).run()

    assert f"digest, {START:%Y-%m-%d} to {clock.now():%Y-%m-%d}".encode() in mail.content
    assert all(name in _findings(mail) for name in (b"rust: led:", b"rust: fan:"))


def test_after_a_change_of_the_schedule_a_digest_begins_where_the_last_one_ended(
    store: Repository, clock: FakeClock
) -> None:
    DigestJob(store, DIGEST_CONFIG, clock).run()
    clock.forward(hours=1)
    _happen(store, clock)
    clock.forward(hours=22)
    assert 2 == len(DigestJob(store, DIGEST_CONFIG, clock).run())
    _happen(store, clock, "2@example.org", "fan")
    clock.forward(hours=2)

    later = replace(DIGEST_CONFIG, schedule=DigestSchedule("day", "mon", "09:30", "UTC"))
    (mail, _) = DigestJob(store, later, clock).run()

    assert [name in _findings(mail) for name in (b"rust: led:", b"rust: fan:")] == [False, True]


def test_digests_go_on_after_the_clock_was_ahead(store: Repository, clock: FakeClock) -> None:
    clock.forward(days=400)
    DigestJob(store, DIGEST_CONFIG, clock).run()
    clock.forward(days=-400)

    assert () == DigestJob(store, DIGEST_CONFIG, clock).run()
    _happen(store, clock)
    clock.forward(days=1)
    assert 2 == len(DigestJob(store, DIGEST_CONFIG, clock).run())


@pytest.mark.parametrize("days", [400, -400, -3, 3])
def test_a_wrong_clock_leaves_nothing_out_and_repeats_nothing(store: Repository, clock: FakeClock, days: int) -> None:
    job = DigestJob(store, DIGEST_CONFIG, clock)
    job.run()
    for number, name in enumerate(("led", "fan")):
        _happen(store, clock, f"{number}@example.org", name)
        clock.forward(days=1)
        assert 2 == len(job.run())
    _happen(store, clock, "2@example.org", "clk")

    clock.forward(days=days)
    if days < 0:  # Ahead, it writes the digest of the time until then.
        assert () == job.run()
    else:
        store.save_digest("ann@example.org", clock.now(), None, clock.now())
        store.save_digest("bob@example.org", clock.now(), None, clock.now())
    clock.forward(days=-days)
    assert () == job.run()

    clock.forward(days=1)
    mail, _ = job.run()
    assert b"rust/kernel/clk.rs" in mail.content
    assert b"rust/kernel/fan.rs" not in _findings(mail)


def test_an_empty_digest_is_not_sent_and_not_built_again(store: Repository, clock: FakeClock) -> None:
    DigestJob(store, DIGEST_CONFIG, clock).run()
    clock.forward(days=1)
    assert () == DigestJob(store, DIGEST_CONFIG, clock).run()
    before = store.digest_done_until("ann@example.org", clock.now())

    _happen(store, clock)

    assert () == DigestJob(store, DIGEST_CONFIG, clock).run()
    assert before == store.digest_done_until("ann@example.org", clock.now())


def test_a_reader_is_told_of_what_concerns_him(store: Repository, clock: FakeClock) -> None:
    def wanted(reader: str) -> Callable[[Posting], bool]:
        return lambda posting: reader == "ann@example.org"

    config = replace(DIGEST_CONFIG, build_filter=wanted)
    DigestJob(store, config, clock).run()
    _happen(store, clock)
    clock.forward(days=1)

    DigestJob(store, config, clock).run()

    assert ["ann@example.org"] == _readers(store)


def test_a_digest_that_breaks_harms_no_other(store: Repository, clock: FakeClock) -> None:
    def wanted(reader: str) -> Callable[[Posting], bool]:
        def broken(posting: Posting) -> bool:
            raise RuntimeError("a bug")

        return broken if reader == "ann@example.org" else lambda posting: True

    config = replace(DIGEST_CONFIG, build_filter=wanted)
    DigestJob(store, config, clock).run()
    _happen(store, clock)
    clock.forward(days=1)

    DigestJob(store, config, clock).run()

    assert ["Bob@example.org"] == _readers(store)


def test_one_that_is_held_waits_for_approval(store: Repository, clock: FakeClock) -> None:
    config = replace(DIGEST_CONFIG, mode=Mode.MODERATE)
    DigestJob(store, config, clock).run()
    _happen(store, clock)
    clock.forward(days=1)

    assert {("held", "waits for approval")} == {
        (mail.state, mail.reason) for mail in DigestJob(store, config, clock).run()
    }


def test_a_large_one_is_cut_to_fit(store: Repository, clock: FakeClock) -> None:
    DigestJob(store, DIGEST_CONFIG, clock).run()
    for number in range(40):
        _happen(store, clock, f"{number}@example.org", f"led{number}")
    clock.forward(days=1)

    (mail, _) = DigestJob(store, DIGEST_CONFIG, clock).run()

    assert 10_000 < len(mail.content) <= 20_000
    assert b"more series." in mail.content
    assert "queued" == mail.state


def test_one_on_demand_is_sent_once_and_changes_no_other(store: Repository, clock: FakeClock) -> None:
    job = DigestJob(store, DIGEST_CONFIG, clock)
    job.run()
    _happen(store, clock)
    period = Period(START - timedelta(days=1), START + timedelta(days=1))
    digest = job.digest("ann@example.org", job.collect(period))

    assert job.send(digest) is not None
    assert job.send(digest) is None
    clock.forward(days=1)
    assert 2 == len(job.run())
