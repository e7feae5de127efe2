# SPDX-License-Identifier: GPL-2.0-or-later
"""A store with two reviewed series, and the job that obeys commands by mail about them."""

from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from threading import Event

import time_machine

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.attestation import Keys, attest
from bot.mail.address import Address
from bot.mail.authority import Parties, reply_address
from bot.mail.one_time_token import NUMBER_DIGITS, OneTimeToken, series_token
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Crashed
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from bot.review.recipients import RecipientContext
from bot.service.commands import CommandJob, CommandPolicy, CommandResult
from bot.service.poll import PollJob
from bot.service.recheck import RecheckJob, RecheckResult
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.registry import active
from tests.fakes.mails import START, FakeArchive, patch
from tests.fakes.origin import FakeClock
from tests.fakes.signing import Dns, signed

OWN = "bot@bot.example.org"
SECRET = b"0123456789abcdef0123456789abcdef"
ADA, OWNER, CHIEF = "ada@example.org", "owner@example.org", "chief@example.org"
LIST = "rust-for-linux@lists.example.org"
PATCH, OTHER = "1@example.org", "2@example.org"
NOW = START + timedelta(hours=3)
RULE = "missing-safety-comment"


@dataclass
class Harness:
    """A store with two reviewed series, somebody who listens, and what he did."""

    store: Repository
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    dns: Dns = field(default_factory=lambda: Dns(["example.org", "evil.example.com", "sub.example.org"]))
    keyring: Path | None = None
    chiefs: frozenset[str] = frozenset({CHIEF})
    mode: Mode = Mode.AUTHOR
    rechecked: list[str] = field(default_factory=list)
    max_per_person: int = 10
    max_per_day: int = 100
    came: int = 0
    written: int = 0

    def __post_init__(self) -> None:
        self.identity = Identity(Address("patchwarden", OWN), "1.0", "person@bot.example.org")
        self.review_context = ReviewContext(active(), Policy(), self.identity, self._context, secret=SECRET)
        self.ingest(patch(PATCH, "led"), patch(OTHER, "fan"))
        ReviewJob(self.store, Analyser(), self.review_context, self.clock, Event(), Silent()).run()

    def ingest(self, *mails: bytes) -> None:
        self.came += 1
        PollJob([FakeArchive(mails, f"archive {self.came}")], self.store, assemble, Event(), Silent()).run()

    def topic(self, message_id: str = PATCH) -> str:
        mail = self.store.find(message_id)
        assert mail is not None
        return mail.posting.topic

    def token(self, message_id: str = PATCH) -> str:
        return reply_address(OWN, SECRET, self.topic(message_id))

    def mail(self, body: str = "patchwarden: mute author\n", **changes: str) -> bytes:
        """A command of the author's, as it should be; a header that is changed to "" is left out.

        Each mail has a Date of its own: two with the same text in the same second would be copies.
        """
        self.written += 1
        fields = {
            "From": f"Ada <{ADA}>",
            "To": f"patchwarden <{self.token()}>",
            "Cc": LIST,
            "Subject": "Re: [PATCH] rust: led: read it",
            "Date": format_datetime(self.clock.now() - timedelta(seconds=self.written)),
            "Message-ID": "<command.1@example.org>",
            "In-Reply-To": f"<{PATCH}>",
            "References": f"<{PATCH}>",
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
        return f"{head}\n{body}".encode()

    def one_time_token(self, message_id: str = PATCH, number: int = 1) -> str:
        """A token as a page of the series makes it now."""
        series = series_token(self.token(message_id))
        return str(OneTimeToken(series, self.clock.now().date(), f"{number:0{NUMBER_DIGITS}x}"))

    def with_token(self, body: str = "patchwarden: mute author\n", **changes: str) -> bytes:
        """A command with a one-time token, of the author's."""
        return self.mail(f"{body}patchwarden: token {self.one_time_token()}\n", **changes)

    def _context(self) -> RecipientContext:
        return RecipientContext(consent=lambda _: Consent(self.mode))

    def sign(self, mail: bytes, **how: object) -> bytes:
        return signed(mail, self.clock.now(), **how)  # type: ignore[arg-type]  # handed through

    def receive(self, *mails: bytes) -> tuple[CommandResult, ...]:
        self.ingest(*mails)
        return self.run_commands()

    def run_commands(self) -> tuple[CommandResult, ...]:
        with time_machine.travel(self.clock.now(), tick=False):
            return self.job().run()

    def job(self) -> CommandJob:
        """A job as after a start of the service."""
        policy = CommandPolicy(
            context=self.review_context,
            parties=self._parties,
            attest=partial(attest, keys=Keys(self.dns, self.keyring, of_author_only=True)),
            recheck=self._recheck,
            max_per_person=self.max_per_person,
            max_per_day=self.max_per_day,
        )
        return CommandJob(self.store, policy, self.clock, Event())

    def effects(self) -> tuple[object, ...]:
        """All that a mail could change."""
        mails = [(mail.message_id, mail.state, mail.content) for mail in self.store.mails()]
        return self.store.dispositions(), self.store.mutes(), mails, list(self.rechecked)

    def answers(self) -> list[tuple[tuple[str, ...], str]]:
        return [(mail.envelope_to, mail.content.decode()) for mail in self.store.mails() if mail.kind == "answer"]

    def _parties(self, posting: Posting) -> Parties:
        return Parties(posting.author.key, frozenset({OWNER}), self.chiefs)

    def _recheck(self, posting: Posting) -> RecheckResult | Crashed:
        self.rechecked.append(posting.message_id)
        return RecheckJob(self.store, Analyser(), self.review_context, self.clock).run(posting)
