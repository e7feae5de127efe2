# SPDX-License-Identifier: GPL-2.0-or-later
"""The database for commands that only look: they make none where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.error import SettingsError
from bot.settings import Settings
from bot.store.repository import Repository


def missing(settings: Settings) -> str:
    """What there is to say where there is no database yet; empty where there is one."""
    return "" if settings.database.exists() else f"there is no {settings.database} yet; `patchwarden run` makes it"


@contextmanager
def existing(settings: Settings) -> Iterator[Repository]:
    """The database that is there. Raises SettingsError where there is none."""
    if said := missing(settings):
        raise SettingsError(said)
    with Repository(settings.database) as store:
        yield store
