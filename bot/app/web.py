# SPDX-License-Identifier: GPL-2.0-or-later
"""The web applications over the database of the settings."""

from collections.abc import Callable

from bot.app.clock import SystemClock
from bot.app.web_options import WebOptions
from bot.outbox.brakes import StopFile
from bot.ports.web import Installation
from bot.store.roles import Role, running
from bot.store.web import SqliteWebStore
from bot.version import VERSION
from bot.web.app import create_app, create_operator_app
from bot.web.http import Gate, LoopbackOnly


def build_web(options: WebOptions) -> Gate:
    """Return the public application. It opens the database for each request, and never writes it."""
    store = SqliteWebStore(options.database, options.server)
    is_stopped = _stop_file_exists(options)
    return create_app(store, SystemClock(), options.url, VERSION, is_stopped, _installation(options))


def build_operator_web(options: WebOptions) -> LoopbackOnly:
    """Return the application for operators, to be served on loopback alone."""
    store = SqliteWebStore(options.database, options.server)
    return create_operator_app(store, SystemClock(), VERSION, _stop_file_exists(options), _installation(options))


def _installation(options: WebOptions) -> Installation:
    def process() -> str:
        return running(options.database, Role.REVIEWER, options.server)

    return Installation(process, options.pending_days, options.can_send)


def _stop_file_exists(options: WebOptions) -> Callable[[], bool]:
    file = StopFile(options.stop_file)
    return lambda: bool(file.reason())
