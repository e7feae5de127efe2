# SPDX-License-Identifier: GPL-2.0-or-later
"""The job that rebuilds the table of pending postings."""

from bot.app.clock import SystemClock
from bot.app.review_context import build_analyser, build_review_context
from bot.pool.guard import Executor
from bot.ports.running import Progress
from bot.service.pending import RebuildPendingJob
from bot.settings.tables import Settings
from bot.store.repository import Repository


def build_rebuild_job(
    settings: Settings, store: Repository, executor: Executor, progress: Progress
) -> RebuildPendingJob:
    """Return the job. Raises KernelError for a kernel repository that cannot be opened."""
    clock = SystemClock()
    context = build_review_context(settings, store, clock)
    return RebuildPendingJob(store, build_analyser(settings, store, executor), context, clock, progress)
