# SPDX-License-Identifier: GPL-2.0-or-later
"""The job that obeys commands by mail."""

from threading import Event
from typing import TYPE_CHECKING

from bot.app.kernel import MaintainersCache
from bot.app.lore import build_signature_verifier
from bot.mail.authority import Parties
from bot.mail.posting import Posting
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Executor
from bot.ports.running import Clock
from bot.settings.tables import Settings
from bot.store.repository import Repository

if TYPE_CHECKING:
    from bot.service.commands import CommandJob


def build_command_job(
    settings: Settings,
    store: Repository,
    analyse: Analyser,
    context: ReviewContext,
    clock: Clock,
    stop: Event,
    executor: Executor,
) -> "CommandJob | None":
    """Return the job that obeys commands, or None if the settings name no secret."""
    if not context.secret:
        return None
    from bot.service.commands import CommandJob, CommandPolicy
    from bot.service.recheck import RecheckJob

    chosen = settings.commands
    maintainers = MaintainersCache(settings, clock)
    everywhere = frozenset(address.lower() for address in chosen.maintainers)

    def parties(posting: Posting) -> Parties:
        lists = {name.lower() for name in posting.lists}
        paths = [path for patch in posting.series.patches for path in patch.paths]
        of_lists = {
            name.lower(): frozenset(address.lower() for address in table.maintainers)
            for name, table in settings.lists.items()
            if name.lower() in lists
        }
        return Parties(posting.author.key, maintainers().owners(paths), everywhere, of_lists)

    policy = CommandPolicy(
        context=context,
        parties=parties,
        attest=build_signature_verifier(settings, of_author_only=True),
        recheck=RecheckJob(store, analyse, context, clock).run,
        max_per_person=chosen.max_replies_per_person_per_day,
        max_per_day=chosen.max_replies_per_day,
    )
    return CommandJob(store, policy, clock, stop, executor)
