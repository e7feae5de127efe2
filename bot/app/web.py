# SPDX-License-Identifier: GPL-2.0-or-later
"""The web application over the database of the settings."""

from bot.app.clock import SystemClock
from bot.settings.tables import Settings
from bot.store.web import SqliteWebStore
from bot.version import VERSION
from bot.web.app import create_app
from bot.web.http import Gate


def build_web(settings: Settings) -> Gate:
    """Return the application. It opens the database for each request, and never writes it."""
    return create_app(SqliteWebStore(settings.database), SystemClock(), settings.web.url, VERSION)
