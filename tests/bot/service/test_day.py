# SPDX-License-Identifier: GPL-2.0-or-later
"""A day of a live list in virtual time, with everything on it that makes mail loops."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.address_book import AddressBook
from bot.mail.envelope import envelope_sender
from bot.mail.outgoing import Outgoing
from bot.mail.reply import Identity
from bot.outbox.brakes import Caps, StopFile
from bot.outbox.smtp import Server, Smtp
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from bot.review.recipients import RecipientContext
from bot.service.bounces import BounceAddress, BounceJob
from bot.service.deliver import DeliverJob, SendingContext
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.registry import active
from tests.fakes.bounces import dsn
from tests.fakes.mails import START, FakeArchive, mail, patch
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import allow_all, of_context
from tests.fakes.sink import Sink

OURS = "bot@bot.example.org"
BOUNCES = BounceAddress("bounces+{token}@bot.example.org", b"k" * 32)
CAPS = Caps(series=3, author_day=99, list_day=30, hour=4)


class LiveList:
    """A list on which a series comes every half hour and every mail of ours meets an echo, a vacation and a bounce."""

    def __init__(self, server: Sink, *, bouncing: bool = False) -> None:
        self.archive = FakeArchive([], "live")
        self._bouncing = bouncing
        self._server = server
        self._heard = 0

    def half_an_hour(self, number: int) -> None:
        self.archive.mails.append(patch(f"{number}@x", f"led{number}", author=f"a@{number}.example.org"))
        for sent in self._server.taken[self._heard :]:
            self.archive.mails += [sent, *_reactions(sent)]
        if self._bouncing:
            for content, (sender, _) in list(zip(self._server.taken, self._server.envelopes, strict=True))[
                self._heard :
            ]:
                self.archive.mails.append(dsn(_header(content, b"Message-ID"), to=sender))
        self._heard = len(self._server.taken)


def _reactions(sent: bytes) -> Iterator[bytes]:
    ours = _header(sent, b"Message-ID")
    subject = _header(sent, b"Subject")
    yield mail(f"away.{ours}", f"Automatic reply: {subject}", to=ours, author="away@example.org").replace(
        b"\n\n", b"\nAuto-Submitted: auto-replied\n\n", 1
    )
    yield mail(f"bounce.{ours}", "Undelivered Mail Returned to Sender", to=ours, author="mailer-daemon@example.org")
    # The worst of them: it sends the patch back as if it were its own.
    yield mail(
        f"echo.{ours}", subject.removeprefix("Re: "), to=ours, author=OURS, body=sent.decode().split("\r\n\r\n")[1]
    )


def _header(sent: bytes, name: bytes) -> str:
    return sent.partition(b"\r\n" + name + b": ")[2].partition(b"\r\n")[0].decode().strip("<>")


def test_a_day_of_two_instances_and_loops_brings_one_mail_a_posting_within_the_caps(
    tmp_path: Path, server: Sink
) -> None:
    sent_at = _a_day(tmp_path, server, LiveList(server))
    with Repository(tmp_path / "d.db") as store:
        mails = store.mails()

    answered = Counter(_header(content, b"In-Reply-To") for content in server.taken)
    assert set(answered.values()) == {1}
    assert set(answered) <= {f"{number}@x" for number in range(48)}
    assert len(mails) == 48
    assert len(server.taken) == 30
    assert max(sum(at - timedelta(hours=1) < time <= at for time in sent_at) for at in sent_at) <= 4


def test_a_day_of_a_list_that_bounces_ends_when_the_third_mail_came_back(tmp_path: Path, server: Sink) -> None:
    _a_day(tmp_path, server, LiveList(server, bouncing=True), Mode.AUTHOR)

    assert len(server.taken) == 3
    assert "3 of the 3 mails since yesterday were refused or bounced" in StopFile(tmp_path / "stop").reason()


def _a_day(directory: Path, server: Sink, live: LiveList, mode: Mode = Mode.LIST) -> list[timedelta]:
    """Two instances on one database for 48 half hours; when their mails left."""
    clock, stop, quiet = FakeClock(START), Event(), Silent()
    sent_at: list[timedelta] = []
    with Repository(directory / "d.db") as first, Repository(directory / "d.db") as other:
        for number in range(48):
            live.half_an_hour(number)
            for store in (first, other):
                PollJob([live.archive], store, assemble, stop, quiet).run()
                BounceJob(store, OURS, clock, stop, bounces=BOUNCES).run()
                ReviewJob(store, Analyser(), _review_context(mode), clock, stop, quiet).run()
            for store in (other, first):
                sent_at += [clock.now() - START] * len(_delivering(store, directory, server, clock, mode).run().mails)
            clock.forward(minutes=30)
    return sent_at


def _delivering(store: Repository, directory: Path, server: Sink, clock: FakeClock, mode: Mode) -> DeliverJob:
    mailer = Smtp(Server("127.0.0.1", server.port, "none", timeout=60), str, sender_of=_sender_of)
    sending = SendingContext(StopFile(directory / "stop"), lambda: allow_all(**of_context(_context(mode)), caps=CAPS))
    return DeliverJob(store, {mode.value: mailer}, sending, clock, Event(), Silent())


def _sender_of(sent: Outgoing) -> str:
    return envelope_sender(BOUNCES.address, BOUNCES.key, sent.message_id, sent.envelope_to)


def _context(mode: Mode) -> RecipientContext:
    return RecipientContext(consent=lambda lists: Consent(mode), book=AddressBook(own=frozenset({OURS})))


def _review_context(mode: Mode) -> ReviewContext:
    return ReviewContext(active(), Policy(), Identity(Address("bot", OURS), "1.0"), partial(_context, mode))
