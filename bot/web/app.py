# SPDX-License-Identifier: GPL-2.0-or-later
"""The web application: pages, static files and limits around a store."""

from importlib import resources
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.ports.running import Clock
from bot.ports.web import WebStore
from bot.web.http import Gate
from bot.web.pages import Pages

_FILES: Final = {"style.css": "text/css", "icon.svg": "image/svg+xml"}


def create_app(store: WebStore, clock: Clock, url: str, version: str) -> Gate:
    """Return the application. `url` is its public address, "" if unknown."""
    files = {name: (resources.files("bot.web") / "static" / name).read_bytes() for name in _FILES}

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        return Response(files[name], media_type=_FILES[name]) if name in files else Response("no such file", 404)

    static = Route("/static/{name}", file, methods=["GET"])
    return Gate(Starlette(routes=[static, *Pages(store, clock, url, version).routes()]))
