# SPDX-License-Identifier: GPL-2.0-or-later
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from bot.cli.database import notices
from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.command import Scope
from bot.mail.envelope import PLACE, envelope_sender
from bot.mail.outgoing import Outgoing
from bot.mail.reply import PUBLIC_KEY
from bot.mail.state import MailState
from bot.outbox.brakes import Caps, StopFile
from bot.outbox.error import RefusedError
from bot.outbox.permit import SendRules
from bot.outbox.smtp import Server, Smtp
from bot.ports import Mailer
from bot.review.disposition import ActiveMute
from bot.review.model import Recipients
from bot.service.bounces import BounceAddress, BounceJob
from bot.service.deliver import DeliverJob, DeliveryResult, SendingContext
from bot.service.poll import PollJob
from bot.store.bounces import MAX_PLACES
from bot.store.repository import Repository
from tests.bot.service.test_deliver import FakeMailer
from tests.fakes.bounces import OURS, dsn
from tests.fakes.events import Events
from tests.fakes.mails import FakeArchive, mail
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, queue_mail, series
from tests.fakes.sink import sink

BOUNCES = "bounces+{token}@bounce.example.org"
KEY = b"k" * 32


class House:
    """A store with mails to send, what comes in, and who sends."""

    def __init__(self, store: Repository, clock: FakeClock, directory: Path) -> None:
        self.store = store
        self.clock = clock
        self.stop = StopFile(directory / "stop")
        self.database = directory / "patchwarden.db"
        self.archive = FakeArchive([], "list")
        self.mailer = FakeMailer()

    def write(self, *numbers: int, mode: str = "author", to: str = "") -> None:
        """Queue a mail each, on a series of its own; by default each goes to a domain of its own."""
        for number in numbers:
            posting = series(number, lists=("l@example.org",))
            content = f"Subject: Re: [PATCH]\nIn-Reply-To: <{posting.message_id}>\n\nour mail\n".encode()
            author = to or f"author@{number}.example.org"
            queue_mail(
                self.store,
                self.clock.now(),
                posting=posting,
                author=author,
                envelope_to=(author,),
                mode=mode,
                content=content,
            )

    def deliver(self, mailer: Mailer | None = None, caps: Caps | None = None) -> DeliveryResult:
        """Poll, look at what came back, and send what may be sent."""
        PollJob([self.archive], self.store, assemble, Event(), Silent()).run()
        self.look()
        sending = SendingContext(self.stop, lambda: replace(_rules(), caps=caps or _rules().caps))
        mailers = dict.fromkeys(("list", "author"), mailer or self.mailer)
        return DeliverJob(self.store, mailers, sending, self.clock, Event(), Silent()).run()

    def look(self) -> list[tuple[str, str]]:
        found = BounceJob(self.store, OURS, self.clock, Event(), bounces=BounceAddress(BOUNCES, KEY)).run()
        return [(one.message_id, one.kind) for one in found]

    def bounce(self, number: int, *, of: int | None = None, copy: int = 0) -> bytes:
        """Return a bounce of a mail at the address of that mail, or of another one."""
        sent = self.store.mail(f"{of or number}@bot.example.org")
        assert sent is not None
        return dsn(f"{number}@bot.example.org", to=_sender_of(sent), number=copy)

    def kinds(self) -> list[str]:
        """Return the kind of every row about what came back."""
        with sqlite3.connect(self.database) as connection:
            return [kind for (kind,) in connection.execute("SELECT kind FROM delivery_event ORDER BY kind, message_id")]

    def comes(self, *raw: bytes) -> None:
        self.archive.mails += raw
        self.clock.forward(minutes=1)


def _sender_of(mail: Outgoing) -> str:
    return envelope_sender(BOUNCES, KEY, mail.message_id, mail.envelope_to)


def _rules() -> SendRules:
    """Rules under which every author gets every mail."""
    return allow_all(
        recipients_of=lambda posting, part: Recipients(
            (Address("", "author@one.example.org"), *(Address("", f"author@{n}.example.org") for n in range(1, 99)))
        )
    )


@pytest.fixture
def house(store: Repository, clock: FakeClock, tmp_path: Path) -> House:
    return House(store, clock, tmp_path)


def test_three_bounced_mails_stop_everything_before_the_next(house: House) -> None:
    house.write(*range(1, 6))
    assert len(house.deliver().mails) == 5

    house.comes(*(house.bounce(number) for number in (1, 2)))
    house.write(6)
    assert len(house.deliver().mails) == 1

    house.comes(house.bounce(3))
    house.write(7)
    assert house.deliver().mails == ()
    assert "3 of the 6 mails since yesterday were refused or bounced" in house.stop.reason()
    assert [mail.reason in house.stop.reason() for mail in house.store.mails(MailState.QUEUED)] == [True]


def test_one_mail_that_bounces_many_times_is_one(house: House) -> None:
    house.write(1)
    house.deliver()
    house.comes(*(house.bounce(1, copy=number) for number in range(9)))
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
    house.comes(*(house.bounce(number) for number in (1, 2, 3)))
    house.write(6)
    house.deliver()
    assert house.stop.reason()
    house.clock.forward(minutes=2)
    assert house.stop.lift()
    # The lifted file's time is the machine's, which is later than the test's clock.
    assert house.stop.lifted() > house.clock.now() - timedelta(days=1)

    assert len(house.deliver().mails) == 1


def _forged(house: House, kind: str) -> list[bytes]:
    """Return bounces of mails 1 to 5 as a stranger, or the author of mail 9, can write them."""
    senders = {
        "no token": lambda number: dsn(f"{number}@bot.example.org"),
        "the bare address": lambda number: dsn(f"{number}@bot.example.org", to="bounces@bot.example.org"),
        "no place for it": lambda number: dsn(f"{number}@bot.example.org", to=BOUNCES),
        "a wrong one": lambda number: dsn(f"{number}@bot.example.org", to=BOUNCES.replace(PLACE, "a" * 26)),
        "many wrong ones": lambda number: dsn(
            f"{number}@bot.example.org",
            to=", ".join(BOUNCES.replace(PLACE, letter * 26) for letter in "abcdefghijklmnopqrstuvwxyz"),
        ),
        "that of a mail to the forger": lambda number: house.bounce(number, of=9),
        "of the public key": lambda number: dsn(
            f"{number}@bot.example.org",
            to=envelope_sender(BOUNCES, PUBLIC_KEY, f"{number}@bot.example.org", [f"author@{number}.example.org"]),
        ),
        "of other recipients": lambda number: dsn(
            f"{number}@bot.example.org",
            to=envelope_sender(BOUNCES, KEY, f"{number}@bot.example.org", ["x@example.org"]),
        ),
    }
    return [senders[kind](number) for number in range(1, 6)]


@pytest.mark.parametrize(
    "kind",
    [
        "no token",
        "the bare address",
        "no place for it",
        "a wrong one",
        "many wrong ones",
        "that of a mail to the forger",
        "of the public key",
        "of other recipients",
    ],
)
def test_a_forged_bounce_stops_nothing_and_keeps_no_mail_from_its_author(house: House, kind: str) -> None:
    house.write(*range(1, 10))
    house.deliver()
    house.comes(*_forged(house, kind))
    house.write(*range(10, 14), to="author@1.example.org")

    assert len(house.deliver().mails) == 4
    assert house.stop.reason() == ""
    assert set(house.kinds()) <= {"unverified"}


def test_without_a_place_for_the_token_no_bounce_is_authentic(house: House) -> None:
    house.write(*range(1, 6))
    house.deliver()
    house.comes(*(dsn(f"{number}@bot.example.org") for number in range(1, 6)))
    PollJob([house.archive], house.store, assemble, Event(), Silent()).run()

    found = BounceJob(house.store, OURS, house.clock, Event()).run()

    assert [one.kind for one in found] == ["unverified"] * 5
    house.write(6)
    assert len(house.deliver().mails) == 1


def test_an_author_who_bounces_all_mails_to_himself_counts_once(house: House) -> None:
    house.write(*range(1, 8), to="author@one.example.org")
    house.write(8, to="author@2.example.org")
    house.deliver()
    house.comes(*(house.bounce(number) for number in range(1, 9)))
    house.write(9)

    assert len(house.deliver().mails) == 1
    assert (house.stop.reason(), house.kinds()) == ("", ["bounce"] * 8)


def test_bounces_of_mails_to_a_list_stop_nothing_as_its_readers_may_know_the_token(house: House) -> None:
    house.write(*range(1, 6), mode="list")
    house.deliver()
    house.comes(*(house.bounce(number) for number in range(1, 6)))
    house.write(6)

    assert len(house.deliver().mails) == 1
    assert (house.stop.reason(), house.kinds()) == ("", ["bounce"] * 5)


def test_a_thousand_forged_bounces_leave_one_row_a_mail_and_one_notice(house: House) -> None:
    house.write(1, 2)
    house.deliver()
    house.comes(*(dsn(f"{1 + number % 2}@bot.example.org", number=number) for number in range(500)))
    house.comes(*(dsn(f"{number}@bot.example.org", number=number) for number in range(500, 1000)))
    house.write(3)

    assert len(house.deliver().mails) == 1
    assert house.kinds() == ["unverified"] * 2
    lines = notices(house.store, house.clock.now())
    assert len(lines) == 1
    assert "stopped (5.1.1; smtp; 550 5.1.1 <gone@example.org>: no such user); the same for 1 more" in lines[0]


def test_copies_from_a_thousand_invented_lists_are_remembered_up_to_a_limit(house: House) -> None:
    house.write(1)
    house.deliver()
    house.comes(*(_copy(f"list{number}") for number in range(200)))
    house.look()
    house.deliver()

    assert len(house.kinds()) == MAX_PLACES


@pytest.mark.parametrize("header", ["To", "Delivered-To", "X-Original-To"])
def test_a_true_bounce_returns_to_the_envelope_sender_of_the_real_transport(
    house: House, tmp_path: Path, header: str
) -> None:
    house.write(*range(1, 4))
    with sink(tmp_path / "log") as server:
        house.deliver(Smtp(Server("127.0.0.1", server.port, "none", timeout=60), str, sender_of=_sender_of))
    senders = [sender for sender, _ in server.envelopes]
    assert len(set(senders)) == 3
    assert not any(sender.partition("@")[0].encode() in content for sender in senders for content in server.taken)
    bounces = (dsn(f"{number}@bot.example.org", to=sender.upper()) for number, sender in enumerate(senders, start=1))
    house.comes(*(raw.replace(b"\nTo: ", f"\n{header}: ".encode(), 1) for raw in bounces))
    house.write(4)

    assert house.deliver().mails == ()
    assert "3 of the 3 mails since yesterday were refused or bounced" in house.stop.reason()


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
    muted = ActiveMute(scope, "other@lists.example.org", "maintainer@example.org", message_id, house.clock.now())
    house.store.mute(muted, house.clock.now())
    house.write(1)

    assert bool(house.deliver().mails) != stops
    assert ("other@lists.example.org by maintainer@example.org was muted" in house.stop.reason()) == stops


@pytest.mark.parametrize(("domains", "stops"), [(1, False), (3, True)])
def test_what_the_mail_server_refuses_counts_once_per_domain(house: House, domains: int, stops: bool) -> None:
    for number in range(1, 4):
        house.write(number, to=f"author@{number if domains == 3 else 1}.example.org")
    house.deliver(FakeMailer(*[RefusedError("550 no")] * 3))
    house.write(4)

    assert [mail.message_id for mail in house.deliver().mails] == ([] if stops else ["4@bot.example.org"])
    assert bool(house.stop.reason()) == stops


def test_a_bounce_is_one_line_and_a_halt_names_the_service(house: House, events: Events) -> None:
    house.write(*range(1, 5))
    house.deliver()
    house.comes(*(house.bounce(number) for number in (1, 2, 3)))
    house.comes(house.bounce(1, copy=1))
    house.write(6)
    house.deliver()
    house.deliver()

    assert [line["message_id"] for line in events.named("bounce")] == [
        f"{number}@bot.example.org" for number in (1, 2, 3)
    ]
    assert events.named("sending-stopped") == [
        {"by": "service", "reason": "3 of the 4 mails since yesterday were refused or bounced"}
    ]


def test_a_mail_that_waits_for_a_cap_is_one_line_however_often_it_is_asked_for(house: House, events: Events) -> None:
    house.write(*range(1, 7), mode="list")
    for _ in range(4):
        house.deliver(caps=Caps())
        house.clock.forward(hours=2)

    (waiting,) = events.named("mail-waiting")
    assert (waiting["message_id"], waiting["reason"]) == ("6@bot.example.org", "a list had 5 mails in a day")
