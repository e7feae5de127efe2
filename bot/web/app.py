# SPDX-License-Identifier: GPL-2.0-or-later
"""The web applications: pages, static files and limits around a store."""

from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.ports.running import Clock
from bot.ports.web import Installation, WebStore
from bot.web.http import ERRORS, Gate, LoopbackOnly
from bot.web.pages import Pages
from bot.web.static_site import STATIC_FILES, read_static_file

_INSTALLATION: Final = Installation()


def create_app(
    store: WebStore,
    clock: Clock,
    url: str,
    version: str,
    is_stopped: Callable[[], bool] = lambda: False,
    installation: Installation = _INSTALLATION,
) -> Gate:
    """Return the public application. `url` is its public address, "" if unknown.

    `is_stopped` tells whether the stop file exists.
    """
    pages = Pages(store, clock, url, version, is_stopped, installation)
    return Gate(Starlette(routes=[_static(), *pages.routes()]), pages.render_errors(ERRORS))


def create_operator_app(
    store: WebStore,
    clock: Clock,
    version: str,
    is_stopped: Callable[[], bool],
    installation: Installation = _INSTALLATION,
) -> LoopbackOnly:
    """Return the application for operators: the public pages, the outbox, the quarantine, and the metrics.

    Nothing tells who sent a request, so it must only be served on loopback.
    """
    from bot.web.operator import OperatorPages

    pages = OperatorPages(store, clock, "", version, is_stopped, installation)
    errors = pages.render_errors(ERRORS)
    routes = [_static(), *pages.operator_routes(), *pages.routes()]
    return LoopbackOnly(Gate(Starlette(routes=routes), errors), errors)


def _static() -> BaseRoute:
    files = {name: read_static_file(name) for name in STATIC_FILES}

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        return Response(files[name], media_type=STATIC_FILES[name]) if name in files else Response("no such file", 404)

    return Route("/static/{name}", file, methods=["GET"])
