# SPDX-License-Identifier: GPL-2.0-or-later
"""The job that follows the landing refs."""

from threading import Event
from typing import TYPE_CHECKING, Final

from bot.app.kernel import build_repository_specs
from bot.app.review_context import build_analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Executor
from bot.pool.worker import Limits
from bot.ports.running import Clock
from bot.settings.tables import Settings
from bot.store.repository import Repository

if TYPE_CHECKING:
    from bot.service.landing import LandingJob

LANDING_LIMITS: Final = Limits(seconds=1800.0)
"""The limits of reading how the landing refs moved. The first time it reads all commits of two months."""


def build_landing_job(
    settings: Settings,
    store: Repository,
    context: ReviewContext,
    clock: Clock,
    stop: Event,
    executor: Executor,
    *,
    rechecks: bool = True,
) -> "LandingJob | None":
    """Return the job that follows the landing refs, or None if the settings name no kernel repository.

    Without `rechecks` other processes check the affected postings again.
    """
    specs = build_repository_specs(settings)
    if not specs.landing or not (specs.repositories or any(spec.path is not None for spec in specs.landing)):
        return None
    from bot.pipeline.landing import LandingReader
    from bot.service.landing import LandingJob
    from bot.service.landing_recheck import LandingRecheckJob

    recheck = LandingRecheckJob(store, build_analyser(settings, store, executor), context, clock) if rechecks else None
    return LandingJob(store, LandingReader(specs, executor), recheck, clock, stop)
