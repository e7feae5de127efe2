# SPDX-License-Identifier: GPL-2.0-or-later
"""A service that follows a landing ref: a repository, a store, and the jobs over them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

from bot.cli.progress import Silent
from bot.digest.period import Period
from bot.inbox.assemble import assemble
from bot.kernel.specs import LandingSpec, RepositorySpec, RepositorySpecs
from bot.mail.address import Address
from bot.mail.outgoing import Outgoing
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser, open_kernels
from bot.pipeline.context import ReviewContext
from bot.pipeline.landing import LandingReader
from bot.pool.guard import Crashed, InlineExecutor, TimeLimit
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from bot.service.landing import LandingJob
from bot.service.landing_recheck import LandingRecheckJob
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.bindings.pending_facts import PendingFact, PendingFacts, PendingKind
from rules.finding import Anchor
from rules.registry import active
from tests.fakes.contexts import consenting
from tests.fakes.landing_history import USER, WIDER, History, day, linked
from tests.fakes.mails import START, FakeArchive
from tests.fakes.origin import FakeClock

T = TypeVar("T")
R = TypeVar("R")

TITLE: Final = "led: take flags"
IDENTITY: Final = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
CONTEXT: Final = ReviewContext(active(), Policy(), IDENTITY, consenting(Consent(Mode.LIST)), pending=timedelta(days=60))


class FreshExecutor(InlineExecutor):
    """Opens the repositories anew for each work, because SQLite keeps its connections to one thread."""

    def map(self, work: Callable[[T], R], items: Sequence[T], time: TimeLimit | None = None) -> list[R | Crashed]:
        open_kernels.cache_clear()
        return super().map(work, items, time)


class LandingWorld:
    """A repository, a store and the jobs over them."""

    def __init__(self, store: Repository, folder: Path, context: ReviewContext = CONTEXT) -> None:
        self.store = store
        self.history = History(folder / "kernel.git")
        self.clock = FakeClock(START + timedelta(days=1))
        self.context = context
        self.specs = RepositorySpecs((RepositorySpec(folder / "kernel.git"),), None, (LandingSpec("linux-next"),))
        self.history.set_ref("refs/heads/linux-next", self.history.base)

    def post(
        self,
        message_id: str = "led@x",
        files: Mapping[str, str] = WIDER,
        title: str = TITLE,
        *,
        name: str = "",
        revision: str = "",
    ) -> None:
        """Let a patch arrive, review it, and know it as pending; with `name` only as one that changes that C name."""
        raw = self.history.mail(message_id, self.history.commit(files, title, [self.history.base]), number=revision)
        PollJob([FakeArchive((raw,), message_id)], self.store, assemble, Event(), Silent()).run()
        ReviewJob(self.store, self.analyser, self.context, self.clock, Event(), Silent()).run()
        if name:
            (pending,) = self.store.pending_postings()
            place = Anchor(1, "include/linux/led.h", "pre", 3, 1, "")
            facts = PendingFacts((PendingFact(PendingKind.C_CHANGE, name, place),))
            self.store.rebuild_pending([replace(pending, facts=facts)])

    def move(self, files: dict[str, str] | None = None, number: int = 1) -> str:
        """Move the landing ref by one commit."""
        tip = self.history.commit(files or USER, linked(f"Step {number}"), [self.history.base], at=day(number))
        self.history.set_ref("refs/heads/linux-next", tip)
        return tip

    @property
    def analyser(self) -> Analyser:
        return Analyser(self.specs, self.store.blobs, FreshExecutor())

    @property
    def job(self) -> LandingJob:
        recheck = LandingRecheckJob(self.store, self.analyser, self.context, self.clock)
        return LandingJob(self.store, LandingReader(self.specs, FreshExecutor()), recheck, self.clock, Event())

    def findings(self, message_id: str = "led@x") -> list[tuple[str, bool]]:
        """Return the rules of the stored findings, and whether each is marked as not mailed."""
        record = self.store.review_of(message_id)
        assert record is not None
        return [(entry.finding.rule, entry.unmailed) for entry in record.review.current]

    def landing_mails(self) -> list[Outgoing]:
        return [mail for mail in self.store.mails() if mail.kind.startswith("landing-")]

    def digests(self, *days: int) -> list[int]:
        """Return how many series the landing section of the digest of each day has."""
        periods = [Period(START + timedelta(days=day), START + timedelta(days=day + 1)) for day in days]
        return [len(self.store.landing_records(period.since, period.until)) for period in periods]
