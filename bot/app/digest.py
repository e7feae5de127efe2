# SPDX-License-Identifier: GPL-2.0-or-later
"""The job that writes digests."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.app.identity import build_identity
from bot.app.kernel import MaintainersCache
from bot.app.precision import build_threshold, count_tallies
from bot.mail.posting import Posting
from bot.mail.reply import Identity
from bot.ports.running import Clock
from bot.review.consent import Mode

if TYPE_CHECKING:
    from bot.kernel.maintainers import Maintainers
    from bot.service.digest import DigestConfig, DigestJob, DigestWriter
    from bot.settings.tables import Settings
    from bot.store.digest import DigestRows
    from bot.store.repository import Repository

DIGEST_MODES: Final = {"dry-run": Mode.DRY_RUN, "moderate": Mode.MODERATE, "send": Mode.AUTHOR}
"""How digests are sent, by the words of the settings."""


def build_digest_job(settings: "Settings", store: "Repository", clock: Clock) -> "DigestJob":
    """Return the job that writes and queues the digests of the store."""
    from bot.service.digest import DigestJob

    return DigestJob(store, _build_config(settings, store, build_identity(settings, store), clock), clock)


def build_digest_writer(settings: "Settings", source: "DigestRows", clock: Clock) -> "DigestWriter":
    """Return what writes digests that are not sent."""
    from bot.service.digest import DigestWriter

    return DigestWriter(source, _build_config(settings, source, build_identity(settings), clock))


def _build_config(settings: "Settings", source: "DigestRows", identity: Identity, clock: Clock) -> "DigestConfig":
    from bot.digest.period import DigestSchedule
    from bot.review.statistics import demoted
    from bot.service.digest import DigestConfig

    chosen = settings.digest
    maintainers = MaintainersCache(settings, clock)
    return DigestConfig(
        readers=chosen.recipients,
        schedule=DigestSchedule(chosen.every, chosen.weekday, chosen.time, chosen.zone),
        identity=identity,
        build_filter=lambda reader: build_reader_filter(settings, maintainers(), reader),
        statistics=lambda: count_tallies(source),
        demoted=lambda tallies: demoted(tallies, build_threshold(settings)),
        mode=DIGEST_MODES[chosen.mode],
        inactive_after=timedelta(days=chosen.inactive_days),
        max_bytes=settings.sending.max_mail_bytes,
    )


def build_reader_filter(settings: "Settings", maintainers: "Maintainers", reader: str) -> Callable[[Posting], bool]:
    """Return a filter for the postings that concern a reader: by entries of MAINTAINERS, or by list.

    The lists of a reader are those whose `maintainers` in the settings name them. Without entries and lists the reader
    gets all postings.
    """
    entries = maintainers.of(reader)
    lists = {
        name.lower()
        for name, chosen in settings.lists.items()
        if reader.lower() in {address.lower() for address in chosen.maintainers}
    }

    def concerns(posting: Posting) -> bool:
        if lists & {name.lower() for name in posting.lists}:
            return True
        paths = {path for patch in posting.series.patches for path in patch.paths}
        return any(entry.keeps(path) for entry in entries for path in paths)

    return concerns if entries or lists else lambda _: True
