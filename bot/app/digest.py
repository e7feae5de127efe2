# SPDX-License-Identifier: GPL-2.0-or-later
"""What writes digests, from the settings."""

from collections.abc import Callable
from datetime import timedelta

from bot.app import commands as wiring_answers
from bot.app import sending as wiring_sending
from bot.app.identity import identity
from bot.digest.period import DigestSchedule
from bot.kernel.maintainers import Maintainers
from bot.mail.posting import Posting
from bot.ports import Clock
from bot.review.statistics import demoted
from bot.service.digest import DigestConfig, DigestJob
from bot.settings import Settings
from bot.store.repository import Repository


def digesting(settings: Settings, store: Repository, clock: Clock) -> DigestJob:
    """What writes the digests over the store."""
    chosen = settings.digest
    maintainers = wiring_answers.MaintainersCache(settings, clock)
    return DigestJob(
        store,
        DigestConfig(
            readers=chosen.recipients,
            rhythm=DigestSchedule(chosen.every, chosen.weekday, chosen.time, chosen.zone),
            identity=identity(settings, store),
            wanted=lambda reader: wanted(settings, maintainers(), reader),
            statistics=lambda: wiring_answers.statistics(store),
            demoted=lambda tallies: demoted(tallies, wiring_answers.threshold(settings)),
            mode=wiring_sending.DIGEST_MODES[chosen.mode],
            quiet=timedelta(days=chosen.quiet_days),
            largest=settings.sending.size_cap,
        ),
        clock,
    )


def wanted(settings: Settings, maintainers: Maintainers, reader: str) -> Callable[[Posting], bool]:
    """Which postings concern a reader: what touches his entries of MAINTAINERS, or came over his lists.

    His are the lists that the settings call him maintainer of. Who has neither entries nor lists gets everything.
    """
    entries = maintainers.of(reader)
    lists = {
        name.lower()
        for name, one in settings.lists.items()
        if reader.lower() in {address.lower() for address in one.maintainers}
    }

    def concerns(posting: Posting) -> bool:
        if lists & {name.lower() for name in posting.lists}:
            return True
        paths = {path for patch in posting.series.patches for path in patch.paths}
        return any(entry.keeps(path) for entry in entries for path in paths)

    return concerns if entries or lists else lambda _: True
