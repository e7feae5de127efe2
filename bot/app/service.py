# SPDX-License-Identifier: GPL-2.0-or-later
"""The composition root: settings become adapters, adapters become jobs. Nothing else joins them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Final

from bot.app import commands as wiring_answers
from bot.app import digest as wiring_digest
from bot.app import identity as wiring_identity
from bot.app import lists as wiring_lists
from bot.app import lore as wiring_lore
from bot.app import recipients as wiring_recipients
from bot.app import sending as wiring_sending
from bot.app.data_files import make_private
from bot.inbox.assemble import assemble
from bot.inbox.mailbox import Writers
from bot.inbox.private import PrivateMailbox
from bot.inbox.sample import sample
from bot.inbox.screened import ScreenedArchive
from bot.inbox.source import open_source
from bot.kernel.repositories import KernelTrees, RepositorySpec, RepositorySpecs
from bot.mail.refusal import RefusalTerms
from bot.pipeline.analyse import LIMITS, Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.executor import ExecutorPool, ProcessExecutor
from bot.pool.guard import Executor, TimeLimit
from bot.ports import Archive, Clock, Progress
from bot.review.policy import Policy
from bot.service.backfill import BackfillJob
from bot.service.bounces import BounceJob
from bot.service.commands import CommandJob
from bot.service.deliver import DeliverJob, NoRecord
from bot.service.digest import DigestJob
from bot.service.mail_log import log_change
from bot.service.poll import PollJob
from bot.service.prune import PruneJob, Retention
from bot.service.review import ReviewJob
from bot.service.schedule import ScheduledJob
from bot.service.signatures import VerifySignaturesJob
from bot.service.stop import StopSwitch
from bot.service.watchdog import Watchdog
from bot.settings import Settings
from bot.store.database import Role, sole_worker
from bot.store.repository import Repository
from rules.bindings.mail_filter import MailFilter
from rules.registry import active

_DAY: Final = 86_400
_CONFIRM_SECONDS: Final = 0.4  # so that `patchwarden stop` is answered within a second
_MAX_FETCH: Final = 3600.0
"""Seconds that polling may give no sign: git has 900 s for a fetch and as many to pack, for each of an archive's epochs
that changed, of which there are two at most when a new one begins."""


@dataclass(frozen=True, slots=True)
class Service:
    """The jobs over one database, ready to run; `stop` ends each of them after the unit it is at.

    `delivering` is None where another process sends.
    """

    store: Repository
    poll: PollJob
    reviewing: ReviewJob
    stop_switch: StopSwitch
    stop: Event
    delivering: DeliverJob | None = None
    completing: BackfillJob | None = None
    attesting: VerifySignaturesJob | None = None
    answering: CommandJob | None = None
    digesting: DigestJob | None = None
    returning: BounceJob | None = None
    pruning: PruneJob | None = None
    pulse: Watchdog = field(default_factory=Watchdog)

    def repeated(self, settings: Settings) -> tuple[ScheduledJob, ...]:
        """The jobs at the pace of the settings."""
        pace = settings.schedule
        more = {
            "complete": self.completing,
            "attest": self.attesting,
            "answer": self.answering,
            "digest": self.digesting,
            "return": self.returning,
        }
        return (
            ScheduledJob("poll", self.poll.run, pace.poll_seconds, pace.jitter_seconds, _MAX_FETCH),
            ScheduledJob("review", self.reviewing.run, pace.review_seconds, pace.jitter_seconds),
            *_deliveries(self.delivering, self.stop_switch, settings),
            *(
                ScheduledJob(name, job.run, pace.review_seconds, pace.jitter_seconds)
                for name, job in more.items()
                if job
            ),
            *((ScheduledJob("prune", self.pruning.run, _DAY, pace.jitter_seconds),) if self.pruning else ()),
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """The job that sends what others wrote into one database, ready to run; `stop` ends it after the mail it is at."""

    store: Repository
    delivering: DeliverJob
    stop_switch: StopSwitch
    stop: Event
    pulse: Watchdog

    def repeated(self, settings: Settings) -> tuple[ScheduledJob, ...]:
        """The job at the pace of the settings."""
        return _deliveries(self.delivering, self.stop_switch, settings)


@contextmanager
def sender(settings: Settings, progress: Progress) -> Iterator[Sender]:
    """The only sender over the settings' database; another process may read and review meanwhile.

    Raises StoreError for a database that cannot be used, or from which another process sends, and SettingsError for
    the address of a list that looks misspelt.
    """
    stop, clock, pulse = Event(), wiring_lore.SystemClock(), Watchdog()
    with sole_worker(settings.database, Role.SENDER), _store(settings, pulse) as store:
        wiring_lists.check_lists(settings, store)
        switch = wiring_sending.stop_switch(settings, store, clock)
        yield Sender(store, _deliver_job(settings, store, clock, stop, progress, switch), switch, stop, pulse)


@contextmanager
def service(
    settings: Settings, sources: Sequence[Path], progress: Progress, *, deliver: bool = True, once: bool = False
) -> Iterator[Service]:
    """The service over the settings' database, which it alone works on until the end; who does not `deliver` leaves
    the sending to another process, and with `once` it polls but once.

    Raises InboxError for a source that is none, StoreError for a database that cannot be used or is in use, and
    SettingsError for the address of a list that looks misspelt.
    """
    stop, clock, pulse = Event(), wiring_lore.SystemClock(), Watchdog()
    own = (Path(settings.answers.mailbox),) if settings.answers.mailbox else ()
    writers = Writers(clock, once=once)
    archives = followed(settings, sources or (*settings.archives, *own), writers)
    archives += [] if sources else _screened(settings, clock, writers)
    online = bool(settings.lore.all_lists) and not sources
    if online:
        archives += wiring_lore.followed(settings, clock)
    with (
        sole_worker(settings.database, *((Role.REVIEWER, Role.SENDER) if deliver else (Role.REVIEWER,))),
        _store(settings, pulse) as store,
        ProcessExecutor(on_result=pulse.beat) as workers,
        ExecutorPool(settings.review.workers, LIMITS, stop) as review_executor,
        ProcessExecutor(1, on_result=pulse.beat) as signature_executor,  # their own: the DNS may let them wait
        # Their own: series do not hold up what people write to us.
        ProcessExecutor(1, stop=stop, on_result=pulse.beat) as command_executor,
    ):
        make_private(settings)
        wiring_lists.check_lists(settings, store)
        store.keep_private([archive(path).name for path in own])
        context = review_context(settings, store, clock)
        switch = wiring_sending.stop_switch(settings, store, clock)
        made = Service(
            store=store,
            poll=PollJob(
                archives or [sample(settings.sample)],
                store,
                assemble,
                stop,
                progress,
                workers,
                lambda: context.recipients().book,
            ),
            reviewing=ReviewJob(
                store,
                analyser(settings, store, review_executor),
                context,
                clock,
                stop,
                progress,
                settings.review.workers,
            ),
            stop_switch=switch,
            stop=stop,
            pulse=pulse,
            pruning=pruning(settings, store, stop),
            delivering=_deliver_job(settings, store, clock, stop, progress, switch) if deliver else None,
            completing=_backfill_job(settings, store, clock, stop, progress, command_executor) if online else None,
            attesting=VerifySignaturesJob(
                store, wiring_lore.signature_verifier(settings), signature_executor, clock, stop, progress
            )
            if online and settings.lore.verify
            else None,
            answering=wiring_answers.command_job(
                settings, store, analyser(settings, store, command_executor), context, clock, stop, command_executor
            ),
            digesting=wiring_digest.digesting(settings, store, clock) if settings.digest.recipients else None,
            returning=BounceJob(
                store,
                settings.identity.address,
                clock,
                stop,
                command_executor,
                wiring_identity.bounce_address(settings, store),
            )
            if wiring_identity.sends(settings)
            else None,
        )
        yield made


def _store(settings: Settings, pulse: Watchdog) -> Repository:
    """The database, in which each transaction is a sign of life and each change of a mail's state an event."""
    return Repository(settings.database, pulse.beat, log_change)


def _deliver_job(
    settings: Settings, store: Repository, clock: Clock, stop: Event, progress: Progress, switch: StopSwitch
) -> DeliverJob:
    """The job that sends, after it looked at what a killed sender left; only for the sole sender."""
    record = wiring_identity.continuity(settings, store, clock) if wiring_identity.sends(settings) else NoRecord()
    record.start()
    context = wiring_recipients.recipient_context(settings, clock)
    sending = wiring_sending.sending(settings, switch, context, terms(settings), record)
    mailers = wiring_sending.mailers(settings, switch, wiring_identity.bounce_address(settings, store))
    made = DeliverJob(store, mailers, sending, clock, stop, progress)
    wiring_sending.remove_parts(settings)
    made.recover()
    return made


def _deliveries(job: DeliverJob | None, switch: StopSwitch, settings: Settings) -> tuple[ScheduledJob, ...]:
    """The jobs of the sender: it delivers, and confirms to `patchwarden stop` that it saw the stop."""
    pace = settings.schedule
    if job is None:
        return ()
    return (
        ScheduledJob("deliver", job.run, pace.deliver_seconds, pace.jitter_seconds),
        ScheduledJob("confirm stop", switch.look, _CONFIRM_SECONDS, 0),
    )


def pruning(settings: Settings, store: Repository, stop: Event) -> PruneJob | None:
    """The job that removes old texts; None where everything is kept."""
    chosen = settings.retention
    mails, reviews = (timedelta(days=days) if days else None for days in (chosen.raw_mail_days, chosen.reviews_days))
    retention = Retention(mails, reviews)
    return PruneJob(store, retention, wiring_lore.SystemClock(), stop) if mails or reviews else None


def archive(path: Path, writers: Writers | None = None) -> Archive:
    """The source at that path under one name, from wherever it is called."""
    return open_source(path.resolve() if str(path) != "-" else path, writers)


def followed(settings: Settings, paths: Sequence[Path], writers: Writers) -> list[Archive]:
    """The sources at those paths; our own mailbox, whatever it is called here, brings private mails."""
    own = archive(Path(settings.answers.mailbox)).name if settings.answers.mailbox else ""
    found = [archive(path, writers) for path in paths]
    return [PrivateMailbox(source) if source.name == own else source for source in found]


def review_context(settings: Settings, store: Repository, clock: Clock) -> ReviewContext:
    """Return what decides about reviews and mails, with all that people replied so far.

    Raises KernelError for a kernel repository that is none.
    """
    KernelTrees(_repository_specs(settings))  # what is wrong with them is said now, not of each posting
    judging = ReviewContext(
        rules=active(),
        policy=policy(settings),
        identity=wiring_identity.identity(settings, store),
        recipients=wiring_recipients.recipient_context(settings, clock),
        terms=terms(settings),
    )
    return wiring_answers.with_replies(judging, settings, store, clock)


def analyser(settings: Settings, store: Repository, executor: Executor) -> Analyser:
    return Analyser(_repository_specs(settings), store.blobs, executor, TimeLimit(LIMITS.seconds))


def _screened(settings: Settings, clock: Clock, writers: Writers) -> list[Archive]:
    """The archives of lists that are not about Rust, each behind a look at its mails' bytes; none without a kernel."""
    whole = [*followed(settings, settings.kernel.screened, writers), *wiring_lore.screened(settings, clock)]
    newest = KernelTrees(_repository_specs(settings)).newest() if whole else None
    border = newest.border() if newest is not None else None
    if border is None:
        return []
    matters = MailFilter.of(border).may_matter
    return [ScreenedArchive(one, matters) for one in whole]


def _repository_specs(settings: Settings) -> RepositorySpecs:
    named = settings.kernel.repositories
    return RepositorySpecs(tuple(RepositorySpec(one.path, one.ref) for one in named), settings.kernel.index)


def terms(settings: Settings) -> RefusalTerms:
    """By what postings are refused. Where mails may leave, or lists are followed, nothing old is ever answered."""
    review = settings.review
    live = bool(settings.lore.all_lists) or wiring_identity.sends(settings)
    hours = review.stale_hours or (48 if live else 0)
    return RefusalTerms(
        own=frozenset({settings.identity.address.lower()}),
        bots=frozenset(address.lower() for address in review.bots),
        stale=timedelta(hours=hours) if hours else None,
        newest_only=live,
    )


def _backfill_job(
    settings: Settings, store: Repository, clock: Clock, stop: Event, progress: Progress, executor: Executor
) -> BackfillJob | None:
    lookup = wiring_lore.archive_lookup(settings, clock, executor)
    age = terms(settings).stale
    return None if lookup is None or age is None else BackfillJob(store, lookup, age, clock, stop, progress, executor)


def policy(settings: Settings) -> Policy:
    """What is said and what is kept."""
    review = settings.review
    return Policy(
        without=frozenset(review.without),
        severity=review.severity,
        confidence=review.confidence,
    )
