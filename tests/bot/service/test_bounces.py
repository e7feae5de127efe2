# SPDX-License-Identifier: GPL-2.0-or-later
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
from bot.ports.outbox import Mailer
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
from tests.fakes.stored import opened

BOUNCES = "bounces+{token}@bounce.example.org"
KEY = b"k" * 32


class Harness:
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
        bounces = BounceJob(self.store, OURS, self.clock, Event(), bounces=BounceAddress(BOUNCES, KEY)).run()
        return [(bounce.message_id, bounce.kind) for bounce in bounces]

    def bounce(self, number: int, *, of: int | None = None, copy: int = 0) -> bytes:
        """Return a bounce of a mail at the address of that mail, or of another one."""
        sent = self.store.mail(f"{of or number}@bot.example.org")
        assert sent is not None
        return dsn(f"{number}@bot.example.org", to=_sender_of(sent), number=copy)

    def kinds(self) -> list[str]:
        """Return the kind of every row about what came back."""
        with opened(self.database) as connection:
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
def harness(store: Repository, clock: FakeClock, tmp_path: Path) -> Harness:
    return Harness(store, clock, tmp_path)


def test_three_bounced_mails_stop_everything_before_the_next(harness: Harness) -> None:
    harness.write(*range(1, 6))
    assert len(harness.deliver().mails) == 5

    harness.comes(*(harness.bounce(number) for number in (1, 2)))
    harness.write(6)
    assert len(harness.deliver().mails) == 1

    harness.comes(harness.bounce(3))
    harness.write(7)
    assert harness.deliver().mails == ()
    assert "3 of the 6 mails since yesterday were refused or bounced" in harness.stop.reason()
    assert [mail.reason in harness.stop.reason() for mail in harness.store.mails(MailState.QUEUED)] == [True]


def test_one_mail_that_bounces_many_times_is_one(harness: Harness) -> None:
    harness.write(1)
    harness.deliver()
    harness.comes(*(harness.bounce(1, copy=number) for number in range(9)))
    harness.write(2)

    assert len(harness.deliver().mails) == 1
    assert harness.stop.reason() == ""


def test_bounces_of_mails_that_are_not_ours_or_went_to_others_are_nothing(harness: Harness) -> None:
    harness.write(1)
    harness.deliver()
    harness.comes(
        dsn("unknown@bot.example.org"), dsn("1@elsewhere.example.org"), dsn("1@bot.example.org", to="else@example.org")
    )
    PollJob([harness.archive], harness.store, assemble, Event(), Silent()).run()

    assert harness.look() == []


def test_after_a_human_looked_old_bounces_do_not_count(harness: Harness) -> None:
    harness.write(*range(1, 6))
    harness.deliver()
    harness.comes(*(harness.bounce(number) for number in (1, 2, 3)))
    harness.write(6)
    harness.deliver()
    assert harness.stop.reason()
    harness.clock.forward(minutes=2)
    assert harness.stop.lift()
    # The lifted file's time is the machine's, which is later than the test's clock.
    assert harness.stop.lifted() > harness.clock.now() - timedelta(days=1)

    assert len(harness.deliver().mails) == 1


def _forged(harness: Harness, kind: str) -> list[bytes]:
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
        "that of a mail to the forger": lambda number: harness.bounce(number, of=9),
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
def test_a_forged_bounce_stops_nothing_and_keeps_no_mail_from_its_author(harness: Harness, kind: str) -> None:
    harness.write(*range(1, 10))
    harness.deliver()
    harness.comes(*_forged(harness, kind))
    harness.write(*range(10, 14), to="author@1.example.org")

    assert len(harness.deliver().mails) == 4
    assert harness.stop.reason() == ""
    assert set(harness.kinds()) <= {"unverified"}


def test_without_a_place_for_the_token_no_bounce_is_authentic(harness: Harness) -> None:
    harness.write(*range(1, 6))
    harness.deliver()
    harness.comes(*(dsn(f"{number}@bot.example.org") for number in range(1, 6)))
    PollJob([harness.archive], harness.store, assemble, Event(), Silent()).run()

    bounces = BounceJob(harness.store, OURS, harness.clock, Event()).run()

    assert [bounce.kind for bounce in bounces] == ["unverified"] * 5
    harness.write(6)
    assert len(harness.deliver().mails) == 1


def test_an_author_who_bounces_all_mails_to_himself_counts_once(harness: Harness) -> None:
    harness.write(*range(1, 8), to="author@one.example.org")
    harness.write(8, to="author@2.example.org")
    harness.deliver()
    harness.comes(*(harness.bounce(number) for number in range(1, 9)))
    harness.write(9)

    assert len(harness.deliver().mails) == 1
    assert (harness.stop.reason(), harness.kinds()) == ("", ["bounce"] * 8)


def test_bounces_of_mails_to_a_list_stop_nothing_as_its_readers_may_know_the_token(harness: Harness) -> None:
    harness.write(*range(1, 6), mode="list")
    harness.deliver()
    harness.comes(*(harness.bounce(number) for number in range(1, 6)))
    harness.write(6)

    assert len(harness.deliver().mails) == 1
    assert (harness.stop.reason(), harness.kinds()) == ("", ["bounce"] * 5)


def test_a_thousand_forged_bounces_leave_one_row_a_mail_and_one_notice(harness: Harness) -> None:
    harness.write(1, 2)
    harness.deliver()
    harness.comes(*(dsn(f"{1 + number % 2}@bot.example.org", number=number) for number in range(500)))
    harness.comes(*(dsn(f"{number}@bot.example.org", number=number) for number in range(500, 1000)))
    harness.write(3)

    assert len(harness.deliver().mails) == 1
    assert harness.kinds() == ["unverified"] * 2
    lines = notices(harness.store, harness.clock.now())
    assert len(lines) == 1
    assert "stopped (5.1.1; smtp; 550 5.1.1 <gone@example.org>: no such user); the same for 1 more" in lines[0]


def test_copies_from_a_thousand_invented_lists_are_remembered_up_to_a_limit(harness: Harness) -> None:
    harness.write(1)
    harness.deliver()
    harness.comes(*(_copy(f"list{number}") for number in range(200)))
    harness.look()
    harness.deliver()

    assert len(harness.kinds()) == MAX_PLACES


@pytest.mark.parametrize("header", ["To", "Delivered-To", "X-Original-To"])
def test_a_true_bounce_returns_to_the_envelope_sender_of_the_real_transport(
    harness: Harness, tmp_path: Path, header: str
) -> None:
    harness.write(*range(1, 4))
    with sink(tmp_path / "log") as server:
        harness.deliver(Smtp(Server("127.0.0.1", server.port, "none", timeout=60), str, sender_of=_sender_of))
    senders = [sender for sender, _ in server.envelopes]
    assert len(set(senders)) == 3
    assert not any(sender.partition("@")[0].encode() in content for sender in senders for content in server.taken)
    bounces = (dsn(f"{number}@bot.example.org", to=sender.upper()) for number, sender in enumerate(senders, start=1))
    harness.comes(*(raw.replace(b"\nTo: ", f"\n{header}: ".encode(), 1) for raw in bounces))
    harness.write(4)

    assert harness.deliver().mails == ()
    assert "3 of the 3 mails since yesterday were refused or bounced" in harness.stop.reason()


def _copy(list_name: str, body: str = "our mail") -> bytes:
    return mail("1@bot.example.org", "Re: [PATCH]", author=OURS, body=f"{body}\n").replace(
        b"Subject:", f"List-Id: <{list_name}.lists.example.org>\nSubject:".encode()
    )


def _notices(harness: Harness) -> list[tuple[str, str]]:
    return [
        (message_id, kind) for message_id, kind, _ in harness.store.notices(harness.clock.now() - timedelta(days=1))
    ]


def test_a_second_copy_on_a_list_is_a_notice_and_stops_nothing(harness: Harness) -> None:
    harness.write(1)
    harness.deliver()
    harness.comes(_copy("one"), _copy("two"))
    harness.write(2)
    assert len(harness.deliver().mails) == 1
    assert _notices(harness) == []

    harness.comes(_copy("one", "our mail, sent once more by a stranger"))
    harness.write(3)

    assert len(harness.deliver().mails) == 1
    assert harness.stop.reason() == ""
    assert _notices(harness) == [("1@bot.example.org", "repeat")]


@pytest.mark.parametrize("author", ["stranger@example.org", OURS])
def test_another_mail_under_our_id_is_a_notice_and_stops_nothing(harness: Harness, author: str) -> None:
    harness.write(1, 2)
    harness.comes(mail("1@bot.example.org", "Re: [PATCH]", author=author, body="something else\n"))

    assert [sent.message_id for sent in harness.deliver().mails] == ["1@bot.example.org", "2@bot.example.org"]
    assert harness.stop.reason() == ""
    assert _notices(harness) == [("1@bot.example.org", "foreign")]


def test_a_mail_that_the_archive_has_before_it_was_sent_is_never_sent(harness: Harness) -> None:
    harness.write(1, 2)
    harness.comes(_copy("one"))

    assert [sent.message_id for sent in harness.deliver().mails] == ["2@bot.example.org"]
    reasons = {sent.message_id: sent.reason for sent in harness.store.mails(MailState.SENT)}
    assert reasons["1@bot.example.org"] == "an archive has it, but it was not sent from here"
    assert harness.stop.reason() == ""


def test_our_own_mail_after_a_squatter_counts_as_sent(harness: Harness) -> None:
    harness.write(1)
    harness.comes(mail("1@bot.example.org", "Re: [PATCH]", author="stranger@example.org", body="something else\n"))
    harness.comes(_copy("one"))

    assert harness.deliver().mails == ()
    assert [sent.state for sent in harness.store.mails()] == ["sent"]


@pytest.mark.parametrize(
    ("scope", "by_mail", "stops"),
    [(Scope.LIST, True, True), (Scope.LIST, False, False), (Scope.SERIES, True, False), (Scope.AUTHOR, True, False)],
)
def test_a_maintainers_mute_of_a_list_stops_everything(
    harness: Harness, scope: Scope, by_mail: bool, stops: bool
) -> None:
    message_id = "mute@example.org" if by_mail else ""
    muted = ActiveMute(scope, "other@lists.example.org", "maintainer@example.org", message_id, harness.clock.now())
    harness.store.mute(muted, harness.clock.now())
    harness.write(1)

    assert bool(harness.deliver().mails) != stops
    assert ("other@lists.example.org by maintainer@example.org was muted" in harness.stop.reason()) == stops


@pytest.mark.parametrize(("domains", "stops"), [(1, False), (3, True)])
def test_what_the_mail_server_refuses_counts_once_per_domain(harness: Harness, domains: int, stops: bool) -> None:
    for number in range(1, 4):
        harness.write(number, to=f"author@{number if domains == 3 else 1}.example.org")
    harness.deliver(FakeMailer(*[RefusedError("550 no")] * 3))
    harness.write(4)

    assert [mail.message_id for mail in harness.deliver().mails] == ([] if stops else ["4@bot.example.org"])
    assert bool(harness.stop.reason()) == stops


def test_a_bounce_is_one_line_and_a_halt_names_the_service(harness: Harness, events: Events) -> None:
    harness.write(*range(1, 5))
    harness.deliver()
    harness.comes(*(harness.bounce(number) for number in (1, 2, 3)))
    harness.comes(harness.bounce(1, copy=1))
    harness.write(6)
    harness.deliver()
    harness.deliver()

    assert [line["message_id"] for line in events.named("bounce")] == [
        f"{number}@bot.example.org" for number in (1, 2, 3)
    ]
    assert events.named("sending-stopped") == [
        {"by": "service", "reason": "3 of the 4 mails since yesterday were refused or bounced"}
    ]


def test_a_mail_that_waits_for_a_cap_is_one_line_however_often_it_is_asked_for(
    harness: Harness, events: Events
) -> None:
    harness.write(*range(1, 7), mode="list")
    for _ in range(4):
        harness.deliver(caps=Caps())
        harness.clock.forward(hours=2)

    (waiting,) = events.named("mail-waiting")
    assert (waiting["message_id"], waiting["reason"]) == ("6@bot.example.org", "a list had 5 mails in a day")
