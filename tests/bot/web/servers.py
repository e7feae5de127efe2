# SPDX-License-Identifier: GPL-2.0-or-later
"""A real server of the pages on loopback, in a thread."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from bot.web.http import Gate, LoopbackOnly, configuration


@contextmanager
def running(app: Gate | LoopbackOnly) -> Iterator[str]:
    """Serve the application on a free port as `patchwarden web` does. Yield its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(configuration(app, "127.0.0.1", port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
