# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.jobs.deliver import Delivering
from bot.outbox.error import DoubtError, OutboxError, RefusedError
from bot.ports import Outgoing
from bot.review.comment import Review
from bot.store.repository import Repository
from tests.bot.review.making import Maker
from tests.fakes.origin import FakeClock


class FakeMailer:
    """Keeps what it is given; raises `errors` first, one a mail."""

    done = "sent"

    def __init__(self, *errors: OutboxError, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.errors = list(errors)
        self.taken: list[Outgoing] = []

    def deliver(self, mail: Outgoing) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(mail)
        return "250 taken"


def _keep(store: Repository, make: Maker, clock: FakeClock, *states: str) -> list[Outgoing]:
    mails = []
    for number, state in enumerate(states, 1):
        posting = make.posting(revision=number)
        message_id = f"{number}@bot.example.org"
        mail = Outgoing(message_id, posting.message_id, "review", "b@x", ("a@x",), b"mail", clock.now(), state=state)
        store.save_review(Review(posting, ()), mail, clock.now())
        mails.append(mail)
    return mails


def _deliver(store: Repository, mailer: FakeMailer, clock: FakeClock, stop: Event | None = None) -> Delivering:
    return Delivering(store, {"dry-run": mailer}, clock, stop or Event(), Silent())


def _states(store: Repository) -> Sequence[tuple[str, str]]:
    return [(mail.state, mail.reason) for mail in reversed(store.mails())]


def test_what_is_due_is_delivered_once(store: Repository, make: Maker, clock: FakeClock) -> None:
    mails = _keep(store, make, clock, "queued", "approved", "held")
    mailer = FakeMailer()
    delivering = _deliver(store, mailer, clock)

    assert delivering.run().mails == tuple(mails[:2])
    assert delivering.run().mails == ()
    assert [mail.content for mail in mailer.taken] == [b"mail", b"mail"]
    assert {mail.state: mail.destination for mail in store.mails()} == {"sent": "250 taken", "held": ""}


def test_the_row_says_sending_before_the_mailer_is_asked(store: Repository, make: Maker, clock: FakeClock) -> None:
    _keep(store, make, clock, "queued")
    seen: list[tuple[str, str]] = []

    class Looking(FakeMailer):
        def deliver(self, mail: Outgoing) -> str:
            seen.extend(_states(store))
            return super().deliver(mail)

    _deliver(store, Looking(), clock).run()

    assert seen == [("sending", "")]


@pytest.mark.parametrize(
    ("error", "state"),
    [(OutboxError("busy"), "queued"), (RefusedError("no such user"), "refused"), (DoubtError("cut off"), "doubtful")],
)
def test_a_failed_attempt_ends_in_its_state(
    store: Repository, make: Maker, clock: FakeClock, error: OutboxError, state: str
) -> None:
    _keep(store, make, clock, "queued")
    delivered = _deliver(store, FakeMailer(error), clock).run()

    assert (delivered.mails, delivered.problems) == ((), (str(error),))
    assert _states(store) == [(state, str(error))]


def test_a_try_again_waits_longer_each_time(store: Repository, make: Maker, clock: FakeClock) -> None:
    _keep(store, make, clock, "queued")
    delivering = _deliver(store, FakeMailer(*[OutboxError("busy")] * 20), clock)
    waits = []
    for _ in range(10):
        delivering.run()
        due = store.mails()[0].due
        waits.append((due - clock.now()) / timedelta(minutes=1))
        clock.time = due

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_an_approved_mail_stays_approved_when_it_is_to_be_tried_again(
    store: Repository, make: Maker, clock: FakeClock
) -> None:
    _keep(store, make, clock, "approved")
    _deliver(store, FakeMailer(OutboxError("busy")), clock).run()

    assert _states(store) == [("approved", "busy")]


@pytest.mark.parametrize(("repeatable", "state"), [(True, "queued"), (False, "doubtful")])
def test_an_interrupted_attempt_is_made_again_only_where_that_is_harmless(
    store: Repository, make: Maker, clock: FakeClock, repeatable: bool, state: str
) -> None:
    (mail,) = _keep(store, make, clock, "queued")
    store.claim(mail.message_id, clock.now())
    delivering = _deliver(store, FakeMailer(repeatable=repeatable), clock)
    delivering.recover()

    assert _states(store) == [(state, "the attempt was interrupted")]


def test_a_mode_without_transport_holds_the_mail(store: Repository, make: Maker, clock: FakeClock) -> None:
    _keep(store, make, clock, "queued")
    Delivering(store, {}, clock, Event(), Silent()).run()

    assert _states(store) == [("held", "the settings name no transport for mode dry-run")]


def test_it_stops_between_two_mails(store: Repository, make: Maker, clock: FakeClock) -> None:
    _keep(store, make, clock, "queued", "queued")
    stop = Event()

    class Stopping(FakeMailer):
        def deliver(self, mail: Outgoing) -> str:
            stop.set()
            return super().deliver(mail)

    delivered = _deliver(store, Stopping(), clock, stop).run()

    assert len(delivered.mails) == 1
    assert sorted(state for state, _ in _states(store)) == ["queued", "sent"]
