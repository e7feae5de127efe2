# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes between the writing of a mail and its sending count: the claim checks everything again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.cli.progress import Silent
from bot.mail.command import Scope
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Part, Posting, Waiting
from bot.mail.posting_codec import EncodedPosting
from bot.mail.refusal import RefusalTerms
from bot.mail.state import MailState
from bot.outbox.brakes import Caps, StopFile
from bot.outbox.sendmail import Maildir
from bot.ports.raw_mail import Batch, DeletedMail
from bot.review.consent import Consent, Mode
from bot.review.disposition import ActiveMute
from bot.review.model import Recipients
from bot.service.deliver import DeliverJob, SendingContext
from bot.store.repository import Repository
from tests.bot.review.factories import AUTHOR, LIST
from tests.bot.service.test_deliver import FakeMailer
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import READER, agreed, allow_all, queue_mail, refuse_recipients, series, store_posting


@dataclass
class Harness:
    """A store with one queued mail, the rules of the moment, and the transport that must get it or not."""

    store: Repository
    clock: FakeClock
    stop: StopFile
    mailer: FakeMailer

    def deliver(self, **changes: Any) -> tuple[str, str]:
        """Deliver under these rules. Return the state of the newest mail and its reason."""
        sending = SendingContext(self.stop, lambda: allow_all(**changes))
        modes = dict.fromkeys((mode.value for mode in Mode), self.mailer)
        DeliverJob(self.store, modes, sending, self.clock, Event(), Silent()).run()
        mail = self.store.mails()[0]
        assert bool(self.mailer.taken) == (mail.state is MailState.SENT and mail.reason == "")
        return mail.state.value, mail.reason


@pytest.fixture
def harness(store: Repository, clock: FakeClock, tmp_path: Path) -> Harness:
    return Harness(store, clock, StopFile(tmp_path / "stop"), FakeMailer())


def _queue(harness: Harness, **changes: Any) -> Outgoing:
    harness.clock.forward(seconds=1)
    harness.mailer.taken.clear()
    return queue_mail(harness.store, harness.clock.now(), **changes)


STATES = pytest.mark.parametrize("state", [MailState.QUEUED, MailState.APPROVED])


@STATES
def test_a_mail_that_is_still_allowed_is_sent(harness: Harness, state: MailState) -> None:
    _queue(harness, state=state)

    assert harness.deliver() == ("sent", "")


@STATES
@pytest.mark.parametrize("mode", [Mode.OFF, Mode.DRY_RUN])
def test_a_mail_is_withdrawn_once_its_list_gets_no_mails(harness: Harness, state: MailState, mode: Mode) -> None:
    _queue(harness, state=state)

    assert harness.deliver(consent_of=agreed(mode=mode)) == (
        "withdrawn",
        f"the mode was list when it was written and is {mode} now",
    )


def test_a_queued_mail_waits_for_approval_once_its_list_is_moderated(harness: Harness) -> None:
    mail = _queue(harness)
    moderated = {"consent_of": agreed(mode=Mode.MODERATE)}

    assert harness.deliver(**moderated) == ("held", "the mode is moderate now: it waits for approval")

    harness.store.decide(mail.message_id, [MailState.HELD], MailState.APPROVED, harness.clock.now(), "by hand")
    assert harness.deliver(**moderated) == ("sent", "")


@STATES
def test_a_mail_is_withdrawn_if_one_of_its_recipients_may_not_get_it_any_more(
    harness: Harness, state: MailState
) -> None:
    _queue(harness, state=state, envelope_to=(READER, "list@example.org"))

    assert harness.deliver(consent_of=agreed(mode=Mode.AUTHOR)) == ("withdrawn", "list@example.org may not get it now")


def test_a_recipient_that_is_withdrawn_names_the_reason(harness: Harness) -> None:
    _queue(harness)

    assert harness.deliver(recipients_of=refuse_recipients) == (
        "withdrawn",
        f"{READER} may not get it now: nobody agreed",
    )


def test_the_case_of_an_address_does_not_matter(harness: Harness) -> None:
    _queue(harness, envelope_to=(READER.upper(),))

    assert harness.deliver()[0] == "sent"


@STATES
@pytest.mark.parametrize("ignored", [AUTHOR.key, READER])
def test_a_mail_to_an_author_who_is_ignored_now_is_withdrawn(harness: Harness, state: MailState, ignored: str) -> None:
    _queue(harness, state=state)

    assert harness.deliver(ignored=frozenset({ignored})) == ("withdrawn", f"{ignored} wants no mail now")


@STATES
@pytest.mark.parametrize(
    ("scope", "subject"),
    [(Scope.SERIES, "series 1"), (Scope.AUTHOR, AUTHOR.key), (Scope.AUTHOR, READER), (Scope.LIST, LIST.key)],
)
def test_a_mail_about_what_was_muted_since_is_withdrawn(
    harness: Harness, state: MailState, scope: Scope, subject: str
) -> None:
    harness.store.mute(ActiveMute(scope, subject, "somebody", "", harness.clock.now()), harness.clock.now())
    _queue(harness, state=state)

    assert harness.deliver() == ("withdrawn", f"muted ({scope}) by somebody")


def test_a_mute_of_something_else_does_not_matter(harness: Harness) -> None:
    for scope in Scope:
        harness.store.mute(
            ActiveMute(scope, "other@example.org", "somebody", "", harness.clock.now()), harness.clock.now()
        )
    _queue(harness)

    assert harness.deliver()[0] == "sent"


@pytest.mark.parametrize(
    ("caps", "state", "after", "reason"),
    [
        (Caps(1, 9, 9, 9), MailState.QUEUED, "held", "the series had 1 mail"),
        (Caps(1, 9, 9, 9), MailState.APPROVED, "sent", ""),
        (Caps(9, 1, 9, 9), MailState.QUEUED, "queued", "the author had 1 mail in a day"),
        (Caps(9, 1, 9, 9), MailState.APPROVED, "approved", "the author had 1 mail in a day"),
        (Caps(9, 9, 1, 9), MailState.APPROVED, "approved", "a list had 1 mail in a day"),
        (Caps(9, 9, 9, 1), MailState.APPROVED, "approved", "1 mail left in an hour"),
    ],
)
def test_a_cap_that_was_lowered_since_holds(
    harness: Harness, caps: Caps, state: MailState, after: str, reason: str
) -> None:
    first = series(1)
    _queue(harness, posting=first)
    harness.deliver()
    _queue(harness, state=state, posting=replace(series(2), topic=first.topic))

    assert harness.deliver(caps=caps) == (after, reason)


@STATES
def test_an_embargo_that_was_lengthened_since_holds_until_its_end(harness: Harness, state: MailState) -> None:
    _queue(harness, state=state)
    rules = {"consent_of": agreed(embargo=timedelta(hours=6))}

    assert harness.deliver(**rules) == (state.value, "embargo")
    assert harness.store.mails()[0].due == harness.clock.now() + timedelta(hours=6)

    harness.clock.forward(hours=6)
    assert harness.deliver(**rules) == ("sent", "")


@STATES
def test_a_mail_waits_for_the_end_of_the_quiet_hours_of_its_lists(harness: Harness, state: MailState) -> None:
    _queue(harness, state=state)
    now = harness.clock.now()
    hours = f"{now.hour}-{(now.hour + 2) % 24}"
    rules = {"consent_of": agreed(quiet=("3-3", hours))}

    assert harness.deliver(**rules) == (state.value, f"quiet hours {hours} UTC")

    harness.clock.forward(seconds=(harness.store.mails()[0].due - now).total_seconds())
    assert harness.deliver(**rules) == ("sent", "")


@pytest.mark.parametrize("days", [-4000, -1, 1, 4000])
def test_the_date_of_a_mail_does_not_change_its_embargo(harness: Harness, days: int) -> None:
    date = harness.clock.now() + timedelta(days=days)
    posting = series(1, date=date)
    _queue(harness, posting=replace(posting, parts=tuple(replace(part, date=date) for part in posting.parts)))
    harness.clock.forward(hours=5)

    assert harness.deliver(consent_of=agreed(embargo=timedelta(hours=6)))[1] == "embargo"

    harness.clock.forward(hours=1)
    assert harness.deliver(consent_of=agreed(embargo=timedelta(hours=6)))[0] == "sent"


def test_an_archive_with_a_clock_in_the_future_does_not_lengthen_the_embargo(harness: Harness) -> None:
    mail = _queue(harness)
    with harness.store._database.writing() as session:
        session.connection().exec_driver_sql("UPDATE mail SET arrived = '2099-01-01 00:00:00'")
    harness.clock.forward(hours=6)

    assert harness.deliver(consent_of=agreed(embargo=timedelta(hours=6)))[0] == "sent"
    assert mail.content == harness.mailer.taken[0].content


@STATES
@pytest.mark.parametrize("days", [-4000, 0, 300])
def test_a_mail_about_a_series_with_a_newer_revision_is_withdrawn(
    harness: Harness, state: MailState, days: int
) -> None:
    _queue(harness, state=state)
    harness.clock.forward(hours=1)
    newer = replace(series(2), topic="series 1", date=harness.clock.now() + timedelta(days=days))
    newer = replace(newer, series=replace(newer.series, revision=2))
    store_posting(harness.store, newer, harness.clock.now())

    assert harness.deliver(terms=RefusalTerms()) == (
        "withdrawn",
        "the series is refused now: older-revision: v2 has arrived already",
    )


def _state(state: str, detail: str) -> Callable[[Harness, Posting], None]:
    """Return what puts the thread of the posting together otherwise."""

    def change(harness: Harness, posting: Posting) -> None:
        with harness.store._database.changing() as connection:
            connection.execute("UPDATE posting SET state = ?, detail = ?", (state, detail))

    return change


def _lose_a_part(harness: Harness, posting: Posting) -> None:
    """Let the series wait for a part, as if its thread was assembled in another way."""
    value = EncodedPosting.of(replace(posting, state=Waiting((2,)), expected=2)).value
    with harness.store._database.changing() as connection:
        connection.execute("UPDATE posting SET state = 'waiting', detail = '2', value = ?", (value,))


def _remove(harness: Harness, posting: Posting) -> None:
    """Have the archive remove the mail; its thread is not put together again yet."""
    (mail,) = harness.store.mails_with_id(posting.message_id)
    harness.store.ingest(Batch("list", "0", "later", (), (DeletedMail("0.git@1", mail.mail.raw),)))


@STATES
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_state("gone", "read otherwise"), "the series is gone now: read otherwise"),
        (
            _state("defective", "two patches have the number 1"),
            "the series is defective now: two patches have the number 1",
        ),
        (_lose_a_part, "the series is waiting now: patch 2 of 2"),
        (lambda harness, posting: harness.store.refuse(posting, "bot: x"), "the series is refused now: bot: x"),
        (lambda harness, posting: harness.store.quarantine(posting, "crash"), "the series is quarantined now: crash"),
        (_remove, "1.v1.1@example.org was removed from its archive"),
    ],
)
def test_a_mail_about_a_series_that_is_not_to_be_answered_any_more_is_withdrawn(
    harness: Harness, state: MailState, change: Callable[[Harness, Posting], None], reason: str
) -> None:
    posting = series(1)
    _queue(harness, state=state, posting=posting)
    change(harness, posting)

    assert harness.deliver() == ("withdrawn", reason)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (RefusalTerms(own=frozenset({AUTHOR.key})), "own: it is from"),
        (RefusalTerms(bots=frozenset({AUTHOR.key})), "bot: "),
    ],
)
def test_the_settings_of_refusals_are_asked_again(harness: Harness, terms: RefusalTerms, reason: str) -> None:
    _queue(harness)

    state, result = harness.deliver(terms=terms)

    assert (state, reason in result) == ("withdrawn", True)


def test_the_age_of_a_series_does_not_withdraw_its_mail(harness: Harness) -> None:
    """A mail may have waited for a person; it is not the series that waited too long."""
    _queue(harness, state=MailState.APPROVED)
    harness.clock.forward(days=30)

    assert harness.deliver(terms=RefusalTerms(stale=timedelta(hours=48)))[0] == "sent"


def test_a_series_that_lost_the_answered_mail_gets_none(harness: Harness) -> None:
    _queue(harness, content=b"In-Reply-To: <other@example.org>\n\nmail\n")

    assert harness.deliver() == ("withdrawn", "the mail that it answers is no longer part of the series")


def test_a_mail_about_a_series_that_is_not_stored_is_withdrawn(harness: Harness) -> None:
    _queue(harness)
    with harness.store._database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM posting")

    assert harness.deliver() == ("withdrawn", "its series is no longer stored")


def test_a_stop_between_the_claim_and_the_first_byte_keeps_the_mail(harness: Harness) -> None:
    """The transports look for themselves before the content; what they find makes the mail wait."""
    _queue(harness)

    def stop_meanwhile(posting: Posting, part: Part) -> Recipients:
        harness.stop.stop("now")
        return allow_all().recipients_of(posting, part)

    maildir = Maildir(harness.stop.path.parent / "maildir", harness.stop.reason)
    sending = SendingContext(harness.stop, lambda: allow_all(recipients_of=stop_meanwhile))
    DeliverJob(harness.store, {"list": maildir}, sending, harness.clock, Event(), Silent()).run()

    (mail,) = harness.store.mails()
    assert (mail.state, "now" in mail.reason) == (MailState.QUEUED, True)
    assert not (harness.stop.path.parent / "maildir").exists()


@STATES
def test_a_stop_holds_what_a_person_approved_too(harness: Harness, state: MailState) -> None:
    _queue(harness, state=state)
    harness.stop.stop("a rule is wrong")

    after, reason = harness.deliver()

    assert (after, "a rule is wrong" in reason) == (state.value, True)


def test_a_decision_that_a_bug_breaks_holds_the_mail_and_no_other(harness: Harness) -> None:
    first = _queue(harness)
    harness.clock.forward(seconds=1)
    _queue(harness)

    def consent_of(posting: Posting) -> Consent:
        if posting.message_id == first.posting_id:
            raise ZeroDivisionError
        return Consent(Mode.LIST)

    assert harness.deliver(consent_of=consent_of)[0] == "sent"
    held = harness.store.mail(first.message_id)
    assert held is not None
    assert (held.state, held.reason.startswith("it cannot be decided: ZeroDivisionError")) == (MailState.HELD, True)


# Replies to commands and digests: each with the rules that make sense for it.


@pytest.mark.parametrize(
    ("changes", "mail", "after", "reason"),
    [
        ({}, {}, "sent", ""),
        ({"commands": False}, {}, "withdrawn", "commands by mail are switched off now"),
        ({"ignored": frozenset({READER})}, {}, "withdrawn", f"{READER} wants no mail now"),
        (
            {"consent_of": agreed(mode=Mode.OFF)},
            {},
            "withdrawn",
            "the mode was list when it was written and is off now",
        ),
        ({"consent_of": agreed(mode=Mode.MODERATE)}, {}, "held", "the mode is moderate now: it waits for approval"),
        ({"recipients_of": refuse_recipients}, {}, "sent", ""),
        ({"consent_of": agreed(embargo=timedelta(days=1))}, {}, "sent", ""),
        ({}, {"envelope_to": (READER, "b@example.org")}, "withdrawn", "a reply to a command goes to its sender alone"),
        ({}, {"envelope_to": ("b@example.org",)}, "withdrawn", "a reply to a command goes to its sender alone"),
    ],
)
def test_a_reply_to_a_command(
    harness: Harness, changes: dict[str, Any], mail: dict[str, Any], after: str, reason: str
) -> None:
    _queue(harness, kind="answer", **mail)

    assert harness.deliver(**changes) == (after, reason)


def test_a_reply_counts_by_the_hour_alone(harness: Harness) -> None:
    posting = series(1)
    _queue(harness, posting=posting)
    harness.deliver()
    _queue(harness, kind="answer", posting=posting)

    assert harness.deliver(caps=Caps(1, 1, 1, 1))[1] == "1 mail left in an hour"
    harness.clock.forward(minutes=10)
    assert harness.deliver(caps=Caps(1, 1, 1, 2)) == ("sent", "")


def test_a_reply_about_a_mute_is_sent(harness: Harness) -> None:
    harness.store.mute(ActiveMute(Scope.SERIES, "series 1", READER, "m@x", harness.clock.now()), harness.clock.now())
    _queue(harness, kind="answer")

    assert harness.deliver()[0] == "sent"


@pytest.mark.parametrize(
    ("changes", "mail", "after", "reason"),
    [
        ({}, {}, "sent", ""),
        ({"readers": frozenset()}, {}, "withdrawn", f"{READER} is no longer a reader of digests"),
        ({"consent_of": agreed(mode=Mode.OFF), "recipients_of": refuse_recipients}, {}, "sent", ""),
        ({"digest_mode": Mode.DRY_RUN}, {}, "withdrawn", "the mode was author when it was written and is dry-run now"),
        ({"digest_mode": Mode.MODERATE}, {}, "held", "the mode is moderate now: it waits for approval"),
        ({"readers": frozenset()}, {"mode": "dry-run"}, "withdrawn", ""),
        ({}, {"envelope_to": ("b@example.org",)}, "withdrawn", "a digest goes to its reader alone"),
    ],
)
def test_a_digest(harness: Harness, changes: dict[str, Any], mail: dict[str, Any], after: str, reason: str) -> None:
    values = {"mode": "author", "envelope_to": (READER,)} | mail
    digest = Outgoing("d@x", "", "digest", "bot@x", content=b"\n", due=harness.clock.now(), author=READER, **values)
    assert harness.store.save_digest(READER, None, digest, harness.clock.now())

    if values["mode"] == "dry-run":  # a file reaches nobody
        after = "sent"

    assert harness.deliver(**changes) == (after, reason)


def test_a_dry_run_is_filed_whatever_the_settings_say_unless_the_list_is_off(harness: Harness) -> None:
    _queue(harness, mode="dry-run")
    nothing = {"recipients_of": refuse_recipients, "ignored": frozenset({READER}), "caps": Caps(0, 0, 0, 0)}
    assert harness.deliver(**nothing)[0] == "sent"

    _queue(harness, mode="dry-run")
    assert harness.deliver(consent_of=agreed(mode=Mode.OFF)) == (
        "withdrawn",
        "the mode was dry-run when it was written and is off now",
    )


def test_the_database_stops_sending_without_the_stop_file(harness: Harness) -> None:
    _queue(harness)
    harness.store.set_stop("a rule is wrong", harness.clock.now())

    assert harness.deliver() == ("queued", "a rule is wrong")
