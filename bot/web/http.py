# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules for every request: the methods, the limits, the headers of the response, and errors without internals."""

import asyncio
import gc
import hashlib
import json
import logging
import signal
import threading
from collections.abc import Mapping
from typing import Final

import h11
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.log import bug

MAX_TARGET: Final = 4096  # bytes of the path and the query
MAX_HEADERS: Final = 16_384  # bytes of all headers
_MAX_CONNECTION: Final = 30.0  # seconds of a connection, whatever is sent over it
_MAX_CONNECTIONS: Final = 128
_KEEP_ALIVE: Final = 5  # seconds
_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
)
LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost")
ERRORS: Final = {
    403: ("These pages are only for this machine", "Ask for them by the address 127.0.0.1."),
    405: ("Nothing can be changed here", "Only GET and HEAD are answered: these pages cannot change anything."),
    413: ("The request is too large", "A request must not have a body."),
    414: ("The address is too long", "Shorten the search."),
    431: ("The request is too large", "The request has too many headers. Delete the cookies of this host."),
    500: ("The page could not be made", "The log of the server says why. Tell its operator."),
}
"""The title and the text of each error that is answered before or after a page."""


class Gate:
    """The outermost application. It refuses what is too large or could write, and completes every answer.

    `pages` are the HTML pages of `ERRORS`, made in advance, because an error may come from what makes pages.
    """

    def __init__(self, app: ASGIApp, pages: Mapping[int, bytes]) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._pages)
        refused = _refusal(scope)
        if refused:
            await answer.error(refused)
            return
        try:
            await self._app(scope, receive, answer.collect)
        except Exception as error:  # noqa: BLE001 the edge of the process: the page says nothing, the log everything
            bug("a page failed", error)
            await answer.error(500)
        else:
            await answer.finish()
        gc.collect(1)  # what a template imports refers to itself, and so keeps all values of its page


class _Answer:
    """Collects an answer, and sends it with an ETag of its content; all answers are small."""

    def __init__(self, scope: Scope, send: Send, pages: Mapping[int, bytes]) -> None:
        self._scope = scope
        self._send = send
        self._pages = pages
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    async def error(self, status: int) -> None:
        if str(self._scope.get("path", "")).startswith("/api/"):
            kind, body = b"application/json", json.dumps({"error": ". ".join(ERRORS[status])}).encode()
        else:
            kind, body = b"text/html; charset=utf-8", self._pages[status]
        self._status, self._body = status, bytearray(body)
        self._headers = [(b"content-type", kind)] + ([(b"allow", b"GET, HEAD")] if status == 405 else [])
        await self.finish()

    async def finish(self) -> None:
        body = bytes(self._body)
        headers = [pair for pair in self._headers if pair[0] not in (b"content-length", b"etag")]
        if self._status == 200:
            tag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
            headers.append((b"etag", tag))
            known = dict(self._scope["headers"]).get(b"if-none-match", b"")
            if tag in (item.strip().removeprefix(b"W/") for item in known.split(b",")):
                self._status, body = 304, b""
        headers += [*_HEADERS, (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": self._status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})


def _refusal(scope: Scope) -> int:
    """Return the status with which a request is refused, 0 for a good one."""
    headers = scope["headers"]
    if scope["method"] not in ("GET", "HEAD"):
        return 405
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
        return 414
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
        return 431
    named = dict(headers)
    if named.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in named:
        return 413
    return 0


class BoundedProtocol(H11Protocol):
    """HTTP over a connection that ends after some seconds, so that slow senders cannot hold connections.

    If there are too many connections, the oldest one ends: it is a slow sender, because an answer takes milliseconds.
    """

    end: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self.end = self.loop.call_later(_MAX_CONNECTION, transport.abort)
        # An aborted connection is among them until the next round of the event loop.
        connections = (other for other in self.connections if isinstance(other, BoundedProtocol))
        opened = [other for other in connections if not other.transport.is_closing()]
        if len(opened) > _MAX_CONNECTIONS:
            min(opened, key=lambda other: other.end.when()).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, with the headers of every answer."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *_HEADERS]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=msg.encode("ascii")),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def serve(*listening: tuple[ASGIApp, str, int]) -> None:
    """Answer requests to each application on its host and port, until SIGTERM or Ctrl-C.

    Each has its own limit of connections, so that visitors of one cannot keep others out of another. What is loaded
    stays until the end, so the garbage collector does not look at it: that would take longer than most pages.
    """
    servers = [uvicorn.Server(configuration(app, host, port)) for app, host, port in listening]

    def end(*_: object) -> None:
        for server in servers:
            server.should_exit = True

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)  # uvicorn raises a signal again at its end, which would kill the process
    gc.collect()
    gc.freeze()

    async def run() -> None:
        await asyncio.gather(*(server.serve() for server in servers))

    asyncio.run(run())


class LoopbackOnly:
    """A gate that refuses requests to other host names than this machine: a page of another site could cause them.

    The server listens on loopback, so that only programs of this machine reach it at all.
    """

    def __init__(self, app: ASGIApp, pages: Mapping[int, bytes]) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1")
        host = named.rpartition(":")[0] if not named.endswith("]") and ":" in named else named
        if scope["type"] == "http" and host not in LOOPBACK_HOSTS:
            await _Answer(scope, send, self._pages).error(403)
            return
        await self._app(scope, receive, send)


def configuration(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """Return the configuration of the server, with its limits.

    It would log a warning for each request that is no HTTP, and anybody can send these.
    """
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="asyncio",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=MAX_TARGET + MAX_HEADERS,
    )
