# SPDX-License-Identifier: GPL-2.0-or-later
"""The database for commands that only look: they make none where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from bot.error import SettingsError
from bot.review.render.text import visible
from bot.settings import Settings
from bot.settings.paths import displayed
from bot.store.repository import Repository

_MAX_NOTICES: Final = 10
_NOTICE_AGE: Final = timedelta(days=14)
_COUNTED: Final = ("unverified", "bounce")  # one line each, so that a flood hides no other notice
_NOTICES: Final = {
    "foreign": "an archive has a mail of somebody else with the message-id of our mail {}; nothing was stopped",
    "bounce": "our mail {} came back",
    "unverified": "a bounce of our mail {} came without its token, so anybody may have written it; nothing was stopped",
    "repeat": "a list brought our mail {} a second time; it was not sent a second time from here",
}


def missing(settings: Settings) -> str:
    """What there is to say where there is no database yet; empty where there is one."""
    return (
        ""
        if settings.database.exists()
        else f"there is no {displayed(settings.database)} yet; `patchwarden run` makes it"
    )


def notices(store: Repository, now: datetime) -> list[str]:
    """Return a line for each thing of the last days that the operator should know of, and that stops nothing."""
    found = store.notices(now - _NOTICE_AGE)
    lines = []
    for message_id, kind, detail in found:
        if kind not in _COUNTED:
            lines.append(visible(f"notice: {_NOTICES[kind].format(message_id)} ({detail})"))
    for kind in _COUNTED:
        same = [(message_id, detail) for message_id, counted, detail in found if counted == kind]
        if same:
            message_id, detail = same[0]
            more = f"; so did bounces of {len(same) - 1:,} more mails" if len(same) > 1 else ""
            lines.insert(0, visible(f"notice: {_NOTICES[kind].format(message_id)} ({detail}){more}"))
    rest = len(lines) - _MAX_NOTICES
    return [*lines[:_MAX_NOTICES], *([f"notice: {rest:,} more like these"] if rest > 0 else ())]


@contextmanager
def existing(settings: Settings) -> Iterator[Repository]:
    """The database that is there. Raises SettingsError where there is none."""
    if said := missing(settings):
        raise SettingsError(said)
    with Repository(settings.database) as store:
        yield store
