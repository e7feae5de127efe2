# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden prune`: remove texts that exceed the age in the settings."""

from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

from bot.cli.command import Command, Option, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import announce, existing
from bot.error import SettingsError
from bot.store.error import StoreError
from bot.store.roles import sole_worker

if TYPE_CHECKING:
    from bot.settings.tables import Settings
    from bot.store.repository import Repository


def prune(
    context: GlobalOptions,
    dry_run: Annotated[bool, Option("--dry-run", help="Only print what would be removed.")] = False,
) -> None:
    """Remove the texts of mails, series and reviews that are older than the retention settings allow, and shrink the database.

    A running service does this once a day. Message-ids, hashes, states and verdicts stay, so that no mail is reviewed or sent again.

    \b
    Example:
      patchwarden prune --dry-run
      patchwarden prune

    Exit status: 0 done; 2 wrong settings, or the retention settings keep everything; 3 the database cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    settings, stop = context.settings(), Event()
    announce(settings)
    from bot.app.service import build_prune_job
    from bot.service.prune import summary
    from bot.service.schedule import stopped_by_signals

    with existing(settings) as store, stopped_by_signals(stop):
        job = build_prune_job(settings, store, stop)
        if job is None:
            raise SettingsError("[retention] keeps everything; set raw_mail_days or reviews_days")
        pruned = job.run(dry=dry_run)
        echo(f"{'would remove' if dry_run else 'removed'}: {summary(pruned)}")
        if not dry_run and not stop.is_set():
            _compact(settings, store)


def _compact(settings: "Settings", store: "Repository") -> None:
    """Compact the database, unless another process works on it."""
    try:
        with sole_worker(settings.database, server=settings.server):
            echo(f"{settings.database}: {store.compact():,} bytes smaller")
    except StoreError as error:
        echo(f"not compacted; new data will reuse the free space: {error}")


COMMAND: Final = Command(prune)
