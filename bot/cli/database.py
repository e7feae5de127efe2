# SPDX-License-Identifier: GPL-2.0-or-later
"""The database for commands that must not create it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from bot.cli.command import echo
from bot.error import SettingsError
from bot.review.render.text import visible
from bot.settings.paths import displayed

if TYPE_CHECKING:
    from bot.service.stop import StoredStop
    from bot.settings.tables import Settings
    from bot.store.digest import DigestRows
    from bot.store.history import HistoryRows
    from bot.store.listing import ListingRows, StoreReader
    from bot.store.mutes import MuteWriter
    from bot.store.repository import Repository
    from bot.store.stop import StopWriter

    R = TypeVar("R", bound=StoreReader)

_MAX_NOTICES: Final = 10
_NOTICE_AGE: Final = timedelta(days=14)
_COUNTED: Final = ("unverified", "bounce")  # one line for each kind, so that a flood cannot hide other notices
_NOTICES: Final = {
    "foreign": "an archive has a mail of another sender with the message-id of our mail {}; nothing was stopped",
    "bounce": "our mail {} bounced",
    "unverified": "a bounce of our mail {} has no valid token, so it may be forged; nothing was stopped",
    "repeat": "a list delivered our mail {} twice, but we sent it once",
}


def database_name(settings: "Settings") -> str:
    """Return how messages name the database: its path, or its URL without the password."""
    from bot.store.dialect import name_of

    return name_of(settings.database, settings.server) if settings.server else displayed(settings.database)


def announce(settings: "Settings") -> None:
    """Say on standard error which database is opened, which takes longer than all that a command did before."""
    echo(f"opening {visible(database_name(settings))}", err=True)


def missing(settings: "Settings") -> str:
    """Return a message if the database does not exist yet, else ""."""
    try:
        if settings.server or settings.database.exists():
            return ""
    except PermissionError as error:
        from bot.store.error import OTHER_USER, StoreError

        raise StoreError(f"database {settings.database}: permission denied; {OTHER_USER}") from error
    return f"{displayed(settings.database)} does not exist yet; `patchwarden run` creates it"


def notices(store: "ListingRows", now: datetime) -> list[str]:
    """Return a line for each recent event that the operator should know of, and that did not stop sending."""
    events = store.notices(now - _NOTICE_AGE)
    lines = []
    for message_id, kind, detail in events:
        if kind not in _COUNTED:
            lines.append(visible(f"notice: {_NOTICES[kind].format(message_id)} ({detail})"))
    for kind in _COUNTED:
        same = [(message_id, detail) for message_id, counted, detail in events if counted == kind]
        if same:
            message_id, detail = same[0]
            more = f"; the same for {len(same) - 1:,} more" if len(same) > 1 else ""
            lines.insert(0, visible(f"notice: {_NOTICES[kind].format(message_id)} ({detail}){more}"))
    rest = len(lines) - _MAX_NOTICES
    return [*lines[:_MAX_NOTICES], *([f"notice: {rest:,} more notices are not shown"] if rest > 0 else ())]


def stop_notice(settings: "Settings", store: "StoredStop") -> str:
    """Return a line that says why all sending is stopped; "" if it is not."""
    from bot.outbox.brakes import StopFile
    from bot.service.stop import stop_reason

    reason = stop_reason(StopFile(settings.stop_file), store)
    return f"Nothing is sent: {visible(reason)}; run `patchwarden stop --lift` to resume." if reason else ""


def reading(settings: "Settings") -> "AbstractContextManager[StoreReader | Repository]":
    """Open the database for reading. Raises SettingsError if it does not exist."""
    from bot.store.listing import StoreReader

    return _light(settings, StoreReader(settings.database, settings.server), existing)


@contextmanager
def existing(settings: "Settings") -> "Iterator[Repository]":
    """Open the database. Raises SettingsError if it does not exist."""
    from bot.store.repository import Repository

    if reason := missing(settings):
        raise SettingsError(reason)
    with Repository(settings.database, server=settings.server) as store:
        yield store


def changing_stop(settings: "Settings") -> "AbstractContextManager[StopWriter | Repository]":
    """Open the database for stopping all sending. Raises SettingsError if it does not exist."""
    from bot.store.stop import StopWriter

    return _light(settings, StopWriter(settings.database, settings.server), existing)


def changing_mutes(
    settings: "Settings", full: "Callable[[Settings], AbstractContextManager[Repository]]"
) -> "AbstractContextManager[MuteWriter | Repository]":
    """Open the database for changing mutes; `full` opens one that does not exist or must be migrated."""
    from bot.store.mutes import MuteWriter

    return _light(settings, MuteWriter(settings.database, settings.server), full)


def reading_history(settings: "Settings") -> "AbstractContextManager[HistoryRows]":
    """Open the database for reading what happened to mails. Raises SettingsError if it does not exist."""
    from bot.store.history import HistoryReader

    return _light(settings, HistoryReader(settings.database, settings.server), existing)


def reading_digest(settings: "Settings") -> "AbstractContextManager[DigestRows]":
    """Open the database for reading what digests contain. Raises SettingsError if it does not exist."""
    from bot.store.digest import DigestReader

    return _light(settings, DigestReader(settings.database, settings.server), existing)


@contextmanager
def _light(
    settings: "Settings", store: "R", full: "Callable[[Settings], AbstractContextManager[Repository]]"
) -> "Iterator[R | Repository]":
    """Yield the store that loads little, or the full one if the database does not exist or must be migrated."""
    if not missing(settings) and store.is_current():
        yield store
        return
    with full(settings) as repository:  # which migrates the database, or says what is wrong with it
        yield repository


@contextmanager
def created(settings: "Settings") -> "Iterator[Repository]":
    """Open the database, or create it."""
    from bot.store.repository import Repository

    with Repository(settings.database, server=settings.server) as store:
        yield store
