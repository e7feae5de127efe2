# SPDX-License-Identifier: GPL-2.0-or-later
"""The web applications over the database of the settings."""

from collections.abc import Callable

from bot.app.clock import SystemClock
from bot.outbox.brakes import StopFile
from bot.settings.tables import Settings
from bot.store.web import SqliteWebStore
from bot.version import VERSION
from bot.web.app import create_app, create_operator_app
from bot.web.http import Gate, LoopbackOnly


def build_web(settings: Settings) -> Gate:
    """Return the public application. It opens the database for each request, and never writes it."""
    store = SqliteWebStore(settings.database)
    return create_app(store, SystemClock(), settings.web.url, VERSION, _stop_file_exists(settings))


def build_operator_web(settings: Settings) -> LoopbackOnly:
    """Return the application for operators, to be served on loopback alone."""
    store = SqliteWebStore(settings.database)
    return create_operator_app(store, SystemClock(), VERSION, _stop_file_exists(settings))


def _stop_file_exists(settings: Settings) -> Callable[[], bool]:
    file = StopFile(settings.stop_file)
    return lambda: bool(file.reason())
