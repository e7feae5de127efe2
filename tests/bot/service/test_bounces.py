# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.command import Scope
from bot.outbox.brakes import StopFile
from bot.ports import MailState
from bot.review.disposition import Muted
from bot.service.bounces import BounceJob
from bot.service.deliver import DeliverJob, DeliveryResult, SendingContext
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.bot.service.test_deliver import FakeMailer
from tests.fakes.bounces import OURS, dsn
from tests.fakes.mails import FakeArchive, mail
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, queue_mail, series


class House:
    """A store with mails to send, what comes in, and who sends."""

    def __init__(self, store: Repository, clock: FakeClock, directory: Path) -> None:
        self.store = store
        self.clock = clock
        self.stop = StopFile(directory / "stop")
        self.archive = FakeArchive([], "list")
        self.mailer = FakeMailer()

    def write(self, *numbers: int) -> None:
        """A mail each, on a series of its own."""
        for number in numbers:
            posting = series(number, lists=("l@example.org",))
            content = f"Subject: Re: [PATCH]\nIn-Reply-To: <{posting.message_id}>\n\nour mail\n".encode()
            author = f"{number}@example.org"
            queue_mail(self.store, self.clock.now(), posting=posting, author=author, content=content)

    def deliver(self) -> DeliveryResult:
        """Polls, looks at what came back, and sends what may be sent."""
        PollJob([self.archive], self.store, assemble, Event(), Silent()).run()
        self.look()
        sending = SendingContext(self.stop, allow_all)
        return DeliverJob(self.store, {"list": self.mailer}, sending, self.clock, Event(), Silent()).run()

    def look(self) -> list[tuple[str, str]]:
        found = BounceJob(self.store, OURS, self.clock, Event()).run()
        return [(one.message_id, one.kind) for one in found]

    def comes(self, *raw: bytes) -> None:
        self.archive.mails += raw
        self.clock.forward(minutes=1)


@pytest.fixture
def house(store: Repository, clock: FakeClock, tmp_path: Path) -> House:
    return House(store, clock, tmp_path)


def test_three_bounced_mails_stop_everything_before_the_next(house: House) -> None:
    house.write(*range(1, 6))
    assert len(house.deliver().mails) == 5

    house.comes(*(dsn(f"{number}@bot.example.org") for number in (1, 2)))
    house.write(6)
    assert len(house.deliver().mails) == 1

    house.comes(dsn("3@bot.example.org"))
    house.write(7)
    assert house.deliver().mails == ()
    assert "3 of the 6 mails since yesterday were refused or bounced" in house.stop.reason()
    assert [mail.reason in house.stop.reason() for mail in house.store.mails(MailState.QUEUED)] == [True]


def test_one_mail_that_bounces_many_times_is_one(house: House) -> None:
    house.write(1)
    house.deliver()
    house.comes(*(dsn("1@bot.example.org", number=number) for number in range(9)))
    house.write(2)

    assert len(house.deliver().mails) == 1
    assert house.stop.reason() == ""


def test_bounces_of_mails_that_are_not_ours_or_went_to_others_are_nothing(house: House) -> None:
    house.write(1)
    house.deliver()
    house.comes(
        dsn("unknown@bot.example.org"), dsn("1@elsewhere.example.org"), dsn("1@bot.example.org", to="else@example.org")
    )
    PollJob([house.archive], house.store, assemble, Event(), Silent()).run()

    assert house.look() == []


def test_after_a_human_looked_old_bounces_do_not_count(house: House) -> None:
    house.write(*range(1, 6))
    house.deliver()
    house.comes(*(dsn(f"{number}@bot.example.org") for number in (1, 2, 3)))
    house.write(6)
    house.deliver()
    house.clock.forward(minutes=2)
    assert house.stop.lift()
    # The lifted file's time is the machine's, which is later than the test's clock.
    assert house.stop.lifted() > house.clock.now() - timedelta(days=1)

    assert len(house.deliver().mails) == 1


def _copy(list_name: str, body: str = "our mail") -> bytes:
    return mail("1@bot.example.org", "Re: [PATCH]", author=OURS, body=f"{body}\n").replace(
        b"Subject:", f"List-Id: <{list_name}.lists.example.org>\nSubject:".encode()
    )


def _notices(house: House) -> list[tuple[str, str]]:
    return [(message_id, kind) for message_id, kind, _ in house.store.notices(house.clock.now() - timedelta(days=1))]


def test_a_second_copy_on_a_list_is_a_notice_and_stops_nothing(house: House) -> None:
    house.write(1)
    house.deliver()
    house.comes(_copy("one"), _copy("two"))
    house.write(2)
    assert len(house.deliver().mails) == 1
    assert _notices(house) == []

    house.comes(_copy("one", "our mail, sent once more by a stranger"))
    house.write(3)

    assert len(house.deliver().mails) == 1
    assert house.stop.reason() == ""
    assert _notices(house) == [("1@bot.example.org", "repeat")]


@pytest.mark.parametrize("author", ["stranger@example.org", OURS])
def test_another_mail_under_our_id_is_a_notice_and_stops_nothing(house: House, author: str) -> None:
    house.write(1, 2)
    house.comes(mail("1@bot.example.org", "Re: [PATCH]", author=author, body="something else\n"))

    assert [sent.message_id for sent in house.deliver().mails] == ["1@bot.example.org", "2@bot.example.org"]
    assert house.stop.reason() == ""
    assert _notices(house) == [("1@bot.example.org", "foreign")]


def test_a_mail_that_the_archive_has_before_it_was_sent_is_never_sent(house: House) -> None:
    house.write(1, 2)
    house.comes(_copy("one"))

    assert [sent.message_id for sent in house.deliver().mails] == ["2@bot.example.org"]
    reasons = {sent.message_id: sent.reason for sent in house.store.mails(MailState.SENT)}
    assert reasons["1@bot.example.org"] == "an archive has it, but it was not sent from here"
    assert house.stop.reason() == ""


def test_our_own_mail_after_a_squatter_counts_as_sent(house: House) -> None:
    house.write(1)
    house.comes(mail("1@bot.example.org", "Re: [PATCH]", author="stranger@example.org", body="something else\n"))
    house.comes(_copy("one"))

    assert house.deliver().mails == ()
    assert [sent.state for sent in house.store.mails()] == ["sent"]


@pytest.mark.parametrize(
    ("scope", "by_mail", "stops"),
    [(Scope.LIST, True, True), (Scope.LIST, False, False), (Scope.SERIES, True, False), (Scope.AUTHOR, True, False)],
)
def test_a_maintainers_mute_of_a_list_stops_everything(house: House, scope: Scope, by_mail: bool, stops: bool) -> None:
    message_id = "mute@example.org" if by_mail else ""
    muted = Muted(scope, "other@lists.example.org", "maintainer@example.org", message_id, house.clock.now())
    house.store.mute(muted, house.clock.now())
    house.write(1)

    assert bool(house.deliver().mails) != stops
    assert ("other@lists.example.org by maintainer@example.org was muted" in house.stop.reason()) == stops
