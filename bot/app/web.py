# SPDX-License-Identifier: GPL-2.0-or-later
"""The web applications over the database of the settings."""

from collections.abc import Callable

from bot.app.clock import SystemClock
from bot.app.identity import can_send
from bot.outbox.brakes import StopFile
from bot.ports.web import Installation
from bot.settings.tables import Settings
from bot.store.roles import Role, running
from bot.store.web import SqliteWebStore
from bot.version import VERSION
from bot.web.app import create_app, create_operator_app
from bot.web.http import Gate, LoopbackOnly


def build_web(settings: Settings) -> Gate:
    """Return the public application. It opens the database for each request, and never writes it."""
    store = SqliteWebStore(settings.database, settings.server)
    is_stopped = _stop_file_exists(settings)
    return create_app(store, SystemClock(), settings.web.url, VERSION, is_stopped, _installation(settings))


def build_operator_web(settings: Settings) -> LoopbackOnly:
    """Return the application for operators, to be served on loopback alone."""
    store = SqliteWebStore(settings.database, settings.server)
    return create_operator_app(store, SystemClock(), VERSION, _stop_file_exists(settings), _installation(settings))


def _installation(settings: Settings) -> Installation:
    days, sends = settings.review.pending_days, can_send(settings)
    return Installation(lambda: running(settings.database, Role.REVIEWER), days, sends)


def _stop_file_exists(settings: Settings) -> Callable[[], bool]:
    file = StopFile(settings.stop_file)
    return lambda: bool(file.reason())
