# SPDX-License-Identifier: GPL-2.0-or-later
"""The service and the sender: build adapters from the settings, and jobs from adapters."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol

from bot.app.checks import build_check_job
from bot.app.clock import SystemClock
from bot.app.commands import build_command_job
from bot.app.continuity import build_continuity
from bot.app.data_files import make_private
from bot.app.digest import build_digest_job
from bot.app.identity import build_bounce_address, can_send
from bot.app.kernel_tree import build_kernel_tree_job
from bot.app.landing import LANDING_LIMITS, build_landing_job
from bot.app.lists import check_lists
from bot.app.lore import build_archive_lookup, build_followed_lists, build_signature_verifier
from bot.app.recipients import build_recipients
from bot.app.refusal_terms import build_refusal_terms
from bot.app.review_context import build_analyser, build_review_context
from bot.app.sending import build_mailers, build_sending_context, remove_partial_mails
from bot.app.sources import open_archive, open_archives, open_screened_archives
from bot.app.stop import build_stop_switch
from bot.app.watch import CONFIRM_STOP, open_watcher, watch_stop
from bot.inbox.assemble import assemble
from bot.inbox.mailbox import Writers
from bot.inbox.sample import sample
from bot.pipeline.analyse import LIMITS
from bot.pipeline.context import ReviewContext
from bot.pool.executor import ExecutorPool, ProcessExecutor, preload_all
from bot.pool.guard import ClosableExecutor, Executor
from bot.ports.archive import Archive
from bot.ports.running import Clock, Progress, Stop
from bot.service.backfill import BackfillJob
from bot.service.bounces import BounceJob
from bot.service.deliver import DeliverJob, NoRecord
from bot.service.job_record import JobRecorder
from bot.service.mail_log import log_change
from bot.service.poll import PollJob
from bot.service.projection import ProjectionJob
from bot.service.prune import PruneJob, Retention
from bot.service.review import ReviewJob
from bot.service.schedule import ScheduledJob, Wakeups
from bot.service.signatures import VerifySignaturesJob
from bot.service.source_watch import SourceWatcher
from bot.service.stop import StopSwitch
from bot.service.watchdog import Watchdog
from bot.settings.tables import Settings
from bot.store.repository import Repository
from bot.store.roles import HeldRoles, Role, sole_worker
from rules.lazy import dataclass

if TYPE_CHECKING:
    from bot.service.checks import CheckJob
    from bot.service.commands import CommandJob
    from bot.service.digest import DigestJob
    from bot.service.kernel_tree import KernelTreeJob
    from bot.service.landing import LandingJob

_DAY: Final = 86_400
_CONFIRM_SECONDS: Final = 0.4  # seconds, so that `patchwarden stop` is confirmed within a second
_CONFIRM_IDLE: Final = 60.0  # seconds, if each change of the stop file and of the database is noticed
_CONFIRM_BUSY: Final = 10.0
"""How long the stop is looked for after a file changed: the file changes before the transaction ends."""
_MAX_FETCH: Final = 3600.0
"""Maximum seconds of polling without progress: git may take 900 s to fetch and 900 s to pack each changed epoch of an
archive, and at most two epochs change when a new one begins."""


WOKEN_BY_MAILS: Final = ("signatures", "commands", "bounces")
"""The optional jobs that new mails concern."""


class _Job(Protocol):
    def run(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Service:
    """The jobs of a database, ready to run. `stop` ends each job after its current unit of work.

    A job that the settings disable is None. `deliver` is also None if another process sends.
    """

    store: Repository
    poll: PollJob
    review: ReviewJob
    projection: ProjectionJob
    stop_switch: StopSwitch
    stop: Event
    recorder: JobRecorder
    role: HeldRoles
    deliver: DeliverJob | None
    backfill: BackfillJob | None
    signatures: VerifySignaturesJob | None
    commands: "CommandJob | None"
    digest: "DigestJob | None"
    bounces: BounceJob | None
    prune: PruneJob | None
    landing: "LandingJob | None"
    kernel_tree: "KernelTreeJob | None"
    checks: "CheckJob | None"
    watchdog: Watchdog
    wakeups: Wakeups
    is_stop_watched: bool
    is_shared: bool

    def schedule(self, settings: Settings) -> tuple[ScheduledJob, ...]:
        """Return the jobs with the intervals of the settings, and the jobs that each of them wakes.

        If the work `is_shared`, the jobs of the queue read and review.
        """
        pace = settings.schedule
        poll = _scheduled(
            "poll",
            self.poll,
            pace.poll_seconds,
            settings,
            max_silence=_MAX_FETCH,
            before=("review", *WOKEN_BY_MAILS),
            has_news=lambda result: result.mails or result.threads,
        )
        review = _scheduled("review", self.review, pace.review_seconds, settings, before=("deliver",))
        return (
            *(() if self.is_shared else (*poll, *review)),
            *_scheduled("projection", self.projection, pace.review_seconds, settings),
            *_schedule_delivery(self.deliver, self.stop_switch, settings, is_stop_watched=self.is_stop_watched),
            *_scheduled("checks", self.checks, pace.review_seconds, settings),
            *_scheduled(
                "backfill",
                self.backfill,
                pace.review_seconds,
                settings,
                before=("poll",),
                has_news=lambda result: result.mails,
            ),
            *_scheduled("signatures", self.signatures, pace.review_seconds, settings),
            *_scheduled("commands", self.commands, pace.review_seconds, settings, before=("review", "deliver")),
            *_scheduled("digest", self.digest, pace.review_seconds, settings, before=("deliver",)),
            *_scheduled("bounces", self.bounces, pace.review_seconds, settings),
            *_scheduled("landing", self.landing, pace.landing_seconds, settings, max_silence=LANDING_LIMITS.seconds),
            *_scheduled(
                "kernel-tree", self.kernel_tree, pace.landing_seconds, settings, max_silence=LANDING_LIMITS.seconds
            ),
            *_scheduled("prune", self.prune, _DAY, settings),
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """The job that sends the mails of a database, ready to run. `stop` ends it after the current mail."""

    store: Repository
    deliver: DeliverJob
    stop_switch: StopSwitch
    stop: Event
    watchdog: Watchdog
    recorder: JobRecorder
    checks: "CheckJob | None"
    wakeups: Wakeups
    is_stop_watched: bool

    def schedule(self, settings: Settings) -> tuple[ScheduledJob, ...]:
        """Return the job with the interval of the settings."""
        delivery = _schedule_delivery(self.deliver, self.stop_switch, settings, is_stop_watched=self.is_stop_watched)
        return (*delivery, *_scheduled("checks", self.checks, settings.schedule.review_seconds, settings))


@contextmanager
def open_sender(settings: Settings, progress: Progress, stop: Event | None = None) -> Iterator[Sender]:
    """Open the only sender for the database. Another process may read and review meanwhile.

    Raises StoreError if the database cannot be used or another process sends from it, and SettingsError if the address
    of a list looks misspelt.
    """
    stop, clock, watchdog, wakeups = stop or Event(), SystemClock(), Watchdog(), Wakeups()
    with (
        sole_worker(settings.database, Role.SENDER, server=settings.server) as role,
        open_store(settings, watchdog) as store,
        open_watcher() as watcher,
    ):
        check_lists(settings, store)
        switch = build_stop_switch(settings, store, clock)
        job = _build_deliver_job(settings, store, clock, stop, progress, switch, role)
        is_watched = watch_stop(settings, watcher, partial(wakeups.wake, CONFIRM_STOP, busy_seconds=_CONFIRM_BUSY))
        checks = build_check_job(settings, store, clock, stop, switch)
        recorder = JobRecorder(store, clock, "deliver")
        yield Sender(store, job, switch, stop, watchdog, recorder, checks, wakeups, is_watched)


@contextmanager
def open_service(
    settings: Settings,
    sources: Sequence[Path],
    progress: Progress,
    *,
    deliver: bool = True,
    once: bool = False,
    shared: bool = False,
) -> Iterator[Service]:
    """Open the service for the database. No other process may work on it meanwhile.

    Without `deliver` another process sends. With `once` the service polls once. If the work is `shared`, the jobs of
    the queue read, review and check again. Raises InboxError for an invalid source, StoreError if the database cannot
    be used or is in use, and SettingsError if the address of a list looks misspelt.
    """
    stop, clock, watchdog, wakeups = Event(), SystemClock(), Watchdog(), Wakeups()
    online = bool(settings.lore.all_lists) and not sources
    preload_all()
    archives = [] if shared else open_sources(settings, sources, clock, Writers(clock, once=once))
    with (
        sole_worker(
            settings.database,
            *((Role.REVIEWER, Role.SENDER) if deliver else (Role.REVIEWER,)),
            server=settings.server,
        ) as role,
        open_store(settings, watchdog) as store,
        ProcessExecutor(on_result=watchdog.beat) as poll_executor,
        ExecutorPool(settings.review.workers, LIMITS, stop) as review_executor,
        # A separate process, because the DNS may be slow.
        ProcessExecutor(1, on_result=watchdog.beat) as signature_executor,
        # A separate process, so that series do not delay commands.
        ProcessExecutor(1, stop=stop, on_result=watchdog.beat) as command_executor,
        # A separate process, because a landing ref can move by thousands of commits.
        ProcessExecutor(1, LANDING_LIMITS, stop, watchdog.beat, stays=False) as landing_executor,
        nullcontext(None) if once or shared else open_watcher() as watcher,
        closing(SourceWatcher(watched_paths(settings, sources), watcher, partial(wakeups.wake, "poll"))) as changes,
    ):
        make_private(settings)
        check_lists(settings, store)
        store.keep_private([open_archive(path).name for path in _own_mailboxes(settings)])
        context = build_review_context(settings, store, clock)
        analyse = build_analyser(settings, store, review_executor)
        reviews = ReviewJob(store, analyse, context, clock, stop, progress, settings.review.workers)
        reviews.end_when_idle(review_executor.close)
        recheck = build_analyser(settings, store, command_executor)
        verify = build_signature_verifier(settings)
        own, bounces = settings.identity.address, build_bounce_address(settings, store)
        switch = build_stop_switch(settings, store, clock)
        is_stop_watched = watch_stop(settings, watcher, partial(wakeups.wake, CONFIRM_STOP, busy_seconds=_CONFIRM_BUSY))
        poll = build_poll_job(archives or [sample(settings.sample)], store, stop, progress, poll_executor, context)
        poll.read_only_changed(changes)
        recorder = JobRecorder(store, clock, "run")
        poll.report_read(recorder.note_read)
        yield Service(
            store=store,
            role=role,
            wakeups=wakeups,
            is_stop_watched=is_stop_watched,
            is_shared=shared,
            poll=poll,
            review=reviews,
            projection=ProjectionJob(store, stop),
            stop_switch=switch,
            stop=stop,
            recorder=recorder,
            watchdog=watchdog,
            prune=build_prune_job(settings, store, stop),
            deliver=_build_deliver_job(settings, store, clock, stop, progress, switch, role) if deliver else None,
            backfill=_build_backfill_job(settings, store, clock, stop, progress, command_executor) if online else None,
            signatures=VerifySignaturesJob(store, verify, signature_executor, clock, stop, progress)
            if online and settings.lore.verify
            else None,
            commands=build_command_job(settings, store, recheck, context, clock, stop, command_executor),
            digest=build_digest_job(settings, store, clock) if settings.digest.recipients else None,
            checks=build_check_job(settings, store, clock, stop, switch) if deliver else None,
            landing=build_landing_job(settings, store, context, clock, stop, landing_executor, rechecks=not shared),
            kernel_tree=build_kernel_tree_job(settings, store, clock, landing_executor),
            bounces=BounceJob(store, own, clock, stop, command_executor, bounces) if can_send(settings) else None,
        )


def open_store(settings: Settings, watchdog: Watchdog) -> Repository:
    """Open the database. Each transaction notifies the watchdog, and each change of a mail's state is logged."""
    return Repository(settings.database, watchdog.beat, log_change, settings.server)


def build_poll_job(
    archives: Sequence[Archive],
    store: Repository,
    stop: Stop,
    progress: Progress,
    executor: ClosableExecutor,
    context: ReviewContext,
) -> PollJob:
    """Return the job that reads the archives and assembles their threads."""
    return PollJob(archives, store, assemble, stop, progress, executor, lambda: context.recipients().book)


def build_prune_job(settings: Settings, store: Repository, stop: Event) -> PruneJob | None:
    """Return the job that removes old texts, or None if the settings never remove them."""
    chosen = settings.retention
    mails, reviews = (timedelta(days=days) if days else None for days in (chosen.raw_mail_days, chosen.reviews_days))
    return PruneJob(store, Retention(mails, reviews), SystemClock(), stop) if mails or reviews else None


def _own_mailboxes(settings: Settings) -> tuple[Path, ...]:
    return (Path(settings.commands.mailbox),) if settings.commands.mailbox else ()


def open_sources(settings: Settings, sources: Sequence[Path], clock: Clock, writers: Writers) -> list[Archive]:
    """Return the given sources, else those of the settings."""
    if sources:
        return open_archives(settings, sources, writers)
    archives = open_archives(settings, (*settings.archives, *_own_mailboxes(settings)), writers)
    archives += open_screened_archives(settings, clock, writers)
    return [*archives, *build_followed_lists(settings, clock)]


def _build_deliver_job(
    settings: Settings,
    store: Repository,
    clock: Clock,
    stop: Event,
    progress: Progress,
    switch: StopSwitch,
    role: HeldRoles,
) -> DeliverJob:
    """Return the job that sends, after it recovered the mails of a killed sender. Only for the sole sender."""
    record = build_continuity(settings, store, clock) if can_send(settings) else NoRecord()
    record.start()
    sending = build_sending_context(
        settings, switch, build_recipients(settings, clock), build_refusal_terms(settings), record, role
    )
    mailers = build_mailers(settings, switch, build_bounce_address(settings, store))
    job = DeliverJob(store, mailers, sending, clock, stop, progress)
    remove_partial_mails(settings)
    job.recover()
    return job


def _schedule_delivery(
    job: DeliverJob | None, switch: StopSwitch, settings: Settings, *, is_stop_watched: bool
) -> tuple[ScheduledJob, ...]:
    """Return the jobs of the sender: deliver mails, and confirm the stop to `patchwarden stop`."""
    pace = settings.schedule
    if job is None:
        return ()
    seconds = _CONFIRM_IDLE if is_stop_watched else _CONFIRM_SECONDS
    return (
        ScheduledJob("deliver", job.run, pace.deliver_seconds, pace.jitter_seconds),
        ScheduledJob(CONFIRM_STOP, switch.refresh, seconds, 0, min_gap=_CONFIRM_SECONDS),
    )


def _scheduled(
    name: str, job: _Job | None, seconds: float, settings: Settings, **options: Any
) -> tuple[ScheduledJob, ...]:
    """Return a job in its interval, with options of ScheduledJob; nothing for a job that the settings disable."""
    return () if job is None else (ScheduledJob(name, job.run, seconds, settings.schedule.jitter_seconds, **options),)


def watched_paths(settings: Settings, sources: Sequence[Path]) -> dict[str, Path]:
    """Return the paths of the local sources by their names. A pipe is read once."""
    paths = sources or (*settings.archives, *_own_mailboxes(settings), *settings.kernel.screened_archives)
    real = [path.resolve() for path in paths if str(path) != "-" and not path.is_fifo()]
    return {str(path): path for path in real}


def _build_backfill_job(
    settings: Settings, store: Repository, clock: Clock, stop: Event, progress: Progress, executor: Executor
) -> BackfillJob | None:
    lookup = build_archive_lookup(settings, clock, executor)
    age = build_refusal_terms(settings).stale
    return None if lookup is None or age is None else BackfillJob(store, lookup, age, clock, stop, progress, executor)
