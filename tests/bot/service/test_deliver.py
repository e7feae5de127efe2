# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.cli.progress import Silent
from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.outbox.brakes import Caps, StopFile
from bot.outbox.error import DeliveryUnconfirmedError, OutboxError, RefusedError, UnfitError
from bot.ports.mails import ParsedMail
from bot.ports.outbox import Send
from bot.ports.raw_mail import Batch
from bot.review.consent import Mode
from bot.service.deliver import DeliverJob, SendingContext
from bot.service.unconfirmed import ResendPolicy
from bot.store.error import StoreError
from bot.store.repository import Repository
from tests.fakes.mails import raw
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import agreed, allow_all, queue_mail


class FakeMailer:
    """Keeps what it is given; raises `errors` first, one a mail."""

    done = MailState.SENT

    def __init__(self, *errors: OutboxError, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.errors = list(errors)
        self.taken: list[Outgoing] = []

    def deliver(self, mail: Outgoing) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(mail)
        return "250 taken"


def _keep(store: Repository, clock: FakeClock, *states: str, **more: Any) -> list[Outgoing]:
    """Keep one mail for each state, each about a series of its own."""
    return [queue_mail(store, clock.now(), MailState(state), **more) for state in states]


@pytest.fixture
def sending(tmp_path: Path) -> SendingContext:
    return SendingContext(StopFile(tmp_path / "stop"), allow_all)


def _deliver(
    store: Repository,
    mailer: FakeMailer,
    clock: FakeClock,
    stop: Event | None = None,
    sending: SendingContext | None = None,
) -> DeliverJob:
    sending = sending or SendingContext(StopFile(Path("absent/stop")), allow_all)
    modes = ("dry-run", "list", "author", "moderate")
    return DeliverJob(store, dict.fromkeys(modes, mailer), sending, clock, stop or Event(), Silent())


def _states(store: Repository) -> Sequence[tuple[str, str]]:
    return [(mail.state, mail.reason) for mail in reversed(store.mails())]


def test_what_is_due_is_delivered_once(store: Repository, clock: FakeClock) -> None:
    mails = _keep(store, clock, "queued", "approved", "held")
    mailer = FakeMailer()
    job = _deliver(store, mailer, clock)

    assert job.run().mails == tuple(mails[:2])
    assert job.run().mails == ()
    assert [mail.content for mail in mailer.taken] == [mail.content for mail in mails[:2]]
    assert {mail.state: mail.destination for mail in store.mails()} == {"sent": "250 taken", "held": ""}


def test_the_row_says_sending_before_the_mailer_is_asked(store: Repository, clock: FakeClock) -> None:
    _keep(store, clock, "queued")
    seen: list[tuple[str, str]] = []

    class Looking(FakeMailer):
        def deliver(self, mail: Outgoing) -> str:
            seen.extend(_states(store))
            return super().deliver(mail)

    _deliver(store, Looking(), clock).run()

    assert seen == [("sending", "")]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OutboxError("busy"), "queued"),
        (RefusedError("no such user"), "refused"),
        (DeliveryUnconfirmedError("cut off"), "unconfirmed"),
        (UnfitError("a NUL"), "held"),
    ],
)
def test_a_failed_attempt_ends_in_its_state(
    store: Repository, clock: FakeClock, error: OutboxError, state: str
) -> None:
    _keep(store, clock, "queued")
    delivered = _deliver(store, FakeMailer(error), clock).run()

    assert (delivered.mails, delivered.problems) == ((), (str(error),))
    assert _states(store) == [(state, str(error))]


def test_a_try_again_waits_longer_each_time(store: Repository, clock: FakeClock) -> None:
    _keep(store, clock, "queued")
    job = _deliver(store, FakeMailer(*[OutboxError("busy")] * 20), clock)
    waits = []
    for _ in range(10):
        job.run()
        due = store.mails()[0].due
        waits.append((due - clock.now()) / timedelta(minutes=1))
        clock.time = due

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_an_approved_mail_stays_approved_when_it_is_to_be_tried_again(store: Repository, clock: FakeClock) -> None:
    _keep(store, clock, "approved")
    _deliver(store, FakeMailer(OutboxError("busy")), clock).run()

    assert _states(store) == [("approved", "busy")]


@pytest.mark.parametrize(("repeatable", "state"), [(True, "queued"), (False, "unconfirmed")])
def test_an_interrupted_attempt_is_made_again_only_where_that_is_harmless(
    store: Repository, clock: FakeClock, repeatable: bool, state: str
) -> None:
    (mail,) = _keep(store, clock, "queued")
    store.claim(mail.message_id, clock.now(), clock.now(), lambda candidate: Send())
    job = _deliver(store, FakeMailer(repeatable=repeatable), clock)
    job.recover()

    assert _states(store) == [(state, "the attempt was interrupted")]


def test_a_mode_without_transport_holds_the_mail(store: Repository, clock: FakeClock) -> None:
    _keep(store, clock, "queued", mode="moderate")
    sending = SendingContext(StopFile(Path("absent/stop")), allow_all)
    DeliverJob(store, {"list": FakeMailer()}, sending, clock, Event(), Silent()).run()

    assert _states(store)[-1] == ("held", "no transport is set for mode moderate")


def test_it_stops_between_two_mails(store: Repository, clock: FakeClock) -> None:
    _keep(store, clock, "queued", "queued")
    stop = Event()

    class Stopping(FakeMailer):
        def deliver(self, mail: Outgoing) -> str:
            stop.set()
            return super().deliver(mail)

    delivered = _deliver(store, Stopping(), clock, stop).run()

    assert len(delivered.mails) == 1
    assert sorted(state for state, _ in _states(store)) == ["queued", "sent"]


def test_the_stop_file_holds_every_mail_but_files(store: Repository, clock: FakeClock, sending: SendingContext) -> None:
    _keep(store, clock, "queued", mode="list")
    _keep(store, clock, "queued", mode="dry-run")
    sending.stop.stop("a rule is wrong")
    mailer = FakeMailer()
    job = _deliver(store, mailer, clock, sending=sending)

    assert [mail.mode for mail in job.run().mails] == ["dry-run"]
    assert "a rule is wrong" in store.mails(MailState.QUEUED)[0].reason

    assert isinstance(sending.stop, StopFile)
    sending.stop.lift()
    clock.forward(minutes=2)

    assert [mail.mode for mail in job.run().mails] == ["list"]


@pytest.mark.parametrize(
    ("caps", "sent"),
    [
        (Caps(series=9, author_day=9, list_day=2, hour=9), 2),
        (Caps(series=9, author_day=3, list_day=9, hour=9), 3),
        (Caps(series=9, author_day=9, list_day=9, hour=1), 1),
        (Caps(series=9, author_day=9, list_day=9, hour=9), 5),
    ],
)
def test_caps_hold_back_what_is_over_them(
    store: Repository, clock: FakeClock, sending: SendingContext, caps: Caps, sent: int
) -> None:
    _keep(store, clock, *["queued"] * 5, mode="list", lists=("l@example.org",), author="a@example.org")
    job = _deliver(store, FakeMailer(), clock, sending=replace(sending, rules=lambda: allow_all(caps=caps)))

    assert len(job.run().mails) == sent
    assert all(" mail" in mail.reason for mail in store.mails(MailState.QUEUED))


def test_a_list_may_have_a_cap_of_its_own(store: Repository, clock: FakeClock, sending: SendingContext) -> None:
    _keep(store, clock, *["queued"] * 3, mode="list", lists=("l@example.org",))
    strict = replace(sending, rules=lambda: allow_all(consent_of=agreed(list_day=1)))

    assert len(_deliver(store, FakeMailer(), clock, sending=strict).run().mails) == 1


def test_caps_do_not_hold_back_files(store: Repository, clock: FakeClock, sending: SendingContext) -> None:
    _keep(store, clock, *["queued"] * 30, mode="dry-run")

    assert len(_deliver(store, FakeMailer(), clock, sending=sending).run().mails) == 30


def test_quiet_hours_pass(store: Repository, clock: FakeClock, sending: SendingContext) -> None:
    clock.time = clock.time.replace(hour=23)
    _keep(store, clock, "queued", mode="list")
    calm = replace(sending, rules=lambda: allow_all(consent_of=agreed(quiet=("22-7",))))
    job = _deliver(store, FakeMailer(), clock, sending=calm)

    assert job.run().mails == ()
    assert store.mails()[0].reason == "quiet hours 22-7 UTC"

    clock.forward(hours=8)

    assert len(job.run().mails) == 1


def test_what_waited_too_long_is_not_sent(store: Repository, clock: FakeClock, sending: SendingContext) -> None:
    _keep(store, clock, "queued", mode="list")
    clock.forward(hours=73)

    assert _deliver(store, FakeMailer(), clock, sending=sending).run().mails == ()
    assert _states(store) == [("expired", "waited too long")]


def test_a_unconfirmed_mail_that_the_archive_has_was_sent(
    store: Repository, clock: FakeClock, sending: SendingContext
) -> None:
    (mail,) = _keep(store, clock, "queued", mode="list")
    mailer = FakeMailer(DeliveryUnconfirmedError("cut off"))
    job = _deliver(store, mailer, clock, sending=replace(sending, resend=ResendPolicy(resend=True)))
    job.run()
    store.ingest(Batch("l", "0", "1", (raw(b"our mail, as the list sent it"),)))
    store.index([ParsedMail(store.unparsed(1)[0].id, mail.message_id, (), "d")], [])
    job.run()
    clock.forward(hours=24)
    job.run()

    assert _states(store) == [("sent", "found in the archive")]
    assert mailer.taken == []


def test_a_unconfirmed_mail_that_never_came_goes_once_more_with_the_same_bytes(
    store: Repository, clock: FakeClock, sending: SendingContext
) -> None:
    (mail,) = _keep(store, clock, "queued", mode="list")
    mailer = FakeMailer(DeliveryUnconfirmedError("cut off"))
    job = _deliver(store, mailer, clock, sending=replace(sending, resend=ResendPolicy(resend=True)))
    job.run()
    clock.forward(hours=5)
    assert job.run().mails == ()

    clock.forward(hours=2)
    job.run()

    assert [mail.content for mail in mailer.taken] == [mail.content]
    assert store.mails()[0].attempts == 2


def test_a_second_unconfirmed_attempt_is_left_to_a_human(
    store: Repository, clock: FakeClock, sending: SendingContext
) -> None:
    _keep(store, clock, "queued", mode="list")
    mailer = FakeMailer(DeliveryUnconfirmedError("cut off"), DeliveryUnconfirmedError("cut off again"))
    job = _deliver(store, mailer, clock, sending=replace(sending, resend=ResendPolicy(resend=True)))
    for _ in range(5):
        job.run()
        clock.forward(hours=7)

    assert _states(store) == [("unconfirmed", "cut off again")]
    assert mailer.taken == []


def test_without_leave_to_resend_an_unconfirmed_mail_is_left_to_a_human(
    store: Repository, clock: FakeClock, sending: SendingContext
) -> None:
    (mail,) = _keep(store, clock, "queued", mode="list")
    mailer = FakeMailer(DeliveryUnconfirmedError("cut off"))
    job = _deliver(store, mailer, clock, sending=sending)
    job.run()
    clock.forward(hours=7)
    job.run()
    assert _states(store) == [("unconfirmed", "cut off")]

    assert store.decide(mail.message_id, [MailState.UNCONFIRMED], MailState.APPROVED, clock.now(), "by hand")
    assert len(job.run().mails) == 1


def test_an_end_that_could_not_be_written_is_unconfirmed_in_the_next_round(
    store: Repository, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _keep(store, clock, "queued")
    mailer = FakeMailer()
    job = _deliver(store, mailer, clock)

    def full(*arguments: object, **named: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store, "settle", full)
        with pytest.raises(StoreError):
            job.run()
    assert _states(store) == [("sending", "")]

    job.run()

    assert _states(store) == [("unconfirmed", "the attempt was interrupted")]
    assert len(mailer.taken) == 1


def test_after_the_last_attempt_a_mail_is_refused(store: Repository, clock: FakeClock, sending: SendingContext) -> None:
    _keep(store, clock, "approved")
    mailer = FakeMailer(*[OutboxError("451 busy")] * 9)
    job = _deliver(store, mailer, clock, sending=replace(sending, max_attempts=3))
    for _ in range(9):
        job.run()
        clock.forward(hours=2)

    assert _states(store) == [("refused", "451 busy; gave up after 3 attempts")]
    assert len(mailer.errors) == 6


def test_the_attempts_of_a_dry_run_are_not_limited(
    store: Repository, clock: FakeClock, sending: SendingContext
) -> None:
    _keep(store, clock, "queued", mode="dry-run")
    mailer = FakeMailer(*[OutboxError("the disk is full")] * 5, repeatable=True)
    job = _deliver(store, mailer, clock, sending=replace(sending, max_attempts=3))
    for _ in range(6):
        job.run()
        clock.forward(hours=2)

    assert _states(store) == [("sent", "")]


def test_an_unconfirmed_mail_is_not_sent_once_more_where_the_settings_forbid_it_now(
    store: Repository, clock: FakeClock, sending: SendingContext
) -> None:
    _keep(store, clock, "queued")
    mailer = FakeMailer(DeliveryUnconfirmedError("cut off"))
    policy = ResendPolicy(resend=True)
    _deliver(store, mailer, clock, sending=replace(sending, resend=policy)).run()
    clock.forward(hours=7)
    moderated = replace(sending, resend=policy, rules=lambda: allow_all(consent_of=agreed(mode=Mode.MODERATE)))
    _deliver(store, mailer, clock, sending=moderated).run()

    assert _states(store) == [("held", "the mode is moderate now: it waits for approval")]
    assert mailer.taken == []
