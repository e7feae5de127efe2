# SPDX-License-Identifier: GPL-2.0-or-later
"""The job that reads the newest kernel tree for the pages."""

from typing import TYPE_CHECKING

from bot.app.kernel import build_repository_specs
from bot.pool.guard import Executor
from bot.ports.running import Clock
from bot.settings.tables import Settings
from bot.store.repository import Repository

if TYPE_CHECKING:
    from bot.service.kernel_tree import KernelTreeJob


def build_kernel_tree_job(
    settings: Settings, store: Repository, clock: Clock, executor: Executor
) -> "KernelTreeJob | None":
    """Return the job, or None if the settings name no kernel repository."""
    specs = build_repository_specs(settings)
    if not specs.repositories:
        return None
    from bot.pipeline.kernel_tree import KernelTreeReader
    from bot.service.kernel_tree import KernelTreeJob

    return KernelTreeJob(store, KernelTreeReader(specs, executor), clock)
