# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP proxy before the socket of a server, which cuts, delays, half-closes and black-holes its connections."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

_CHUNK: Final = 65_536
_HELD_SECONDS: Final = 0.3  # for which each piece of data is held while connections are delayed


class _Link:
    """A connection of a client, and the one to the server that stands for it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None

    def abort(self) -> None:
        """End both connections without sending what is left."""
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()


class Proxy:
    """Forwards the connections to `port` to a Unix socket. Its methods may be called in any thread."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._links: set[_Link] = set()
        self._delayed = 0
        self._holes = 0
        self.port = 0
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._open: asyncio.Event | None = None
        self._is_ready = Event()
        self._thread = Thread(target=self._serve, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """End all connections at once, as a router that restarts."""
        self._call(self._cut)

    def half_close(self, side: str) -> None:
        """Tell only one side, `client` or `server`, that the other one sends no more."""
        self._call(lambda: self._half_close(side))

    def delay(self, seconds: float) -> None:
        """Hold each piece of data for a while, for some seconds."""
        self._call(lambda: self._delay(seconds))

    def black_hole(self, seconds: float) -> None:
        """Forward nothing for some seconds; then end the connections, as a host that gives up."""
        self._call(lambda: self._black_hole(seconds))

    def _call(self, work: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(work)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._open = asyncio.Event()
        self._open.set()
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        self._loop.run_forever()
        self._cut()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer)
        self._links.add(link)
        self.connections += 1
        try:
            await self._pass()
            server_reader, link.server = await asyncio.open_unix_connection(self._target)
            await asyncio.gather(self._pump(reader, link.server), self._pump(server_reader, writer))
        except OSError:
            pass
        finally:
            link.abort()
            self._links.discard(link)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._pass()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except RuntimeError as error:  # The other side was told that this one sends no more.
            raise ConnectionError from error

    async def _pass(self) -> None:
        """Wait as long as the state of the network demands."""
        if self._delayed:
            await asyncio.sleep(_HELD_SECONDS)
        if self._open is not None:
            await self._open.wait()

    def _cut(self) -> None:
        for link in tuple(self._links):
            link.abort()

    def _half_close(self, side: str) -> None:
        for link in tuple(self._links):
            writer = link.client if side == "client" else link.server
            if writer is not None and not writer.transport.is_closing():
                with suppress(RuntimeError):  # It was told so before.
                    writer.write_eof()

    def _delay(self, seconds: float) -> None:
        self._delayed += 1
        self._loop.call_later(seconds, self._end_delay)

    def _end_delay(self) -> None:
        self._delayed -= 1

    def _black_hole(self, seconds: float) -> None:
        self._holes += 1
        if self._open is not None:
            self._open.clear()
        self._loop.call_later(seconds, self._end_black_hole)

    def _end_black_hole(self) -> None:
        self._holes -= 1
        if not self._holes and self._open is not None:
            self._cut()
            self._open.set()
