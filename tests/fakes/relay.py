# SPDX-License-Identifier: GPL-2.0-or-later
"""A wire to a real mail server that does to its clients what a test says, as the fake server does."""

import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRWPair
from pathlib import Path

from tests.fakes.sink import Misbehave, Raw, serving


@dataclass
class Relay:
    """The wire: `log` is where the server behind it keeps what it takes; see tests.fakes.sink for the rest."""

    log: Path
    behind: int
    misbehave: Misbehave = lambda step: None
    port: int = 0


class _Wire(socketserver.StreamRequestHandler):
    relay: Relay

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.relay.behind), timeout=60) as behind, suppress(OSError):
            server = behind.makefile("rwb")
            if not self._answer("connect", server.readline()):
                return
            while line := self.rfile.readline():
                word = line.split(b" ", maxsplit=1)[0].partition(b":")[0].strip().decode("ascii", "replace").upper()
                server.write(line)
                server.flush()
                answer = server.readline()
                while answer[3:4] == b"-":
                    self.wfile.write(answer)
                    answer = server.readline()
                if not self._answer(word, answer) or word == "QUIT":
                    return
                if word == "DATA" and answer.startswith(b"354") and not self._content(server):
                    return

    def _content(self, server: BufferedRWPair) -> bool:
        number = 0
        while (line := self.rfile.readline()) != b".\r\n":
            number += 1
            if not line or (number == 3 and self.relay.misbehave("content") == "cut"):
                return False
            server.write(line)
        if self.relay.misbehave("dot") == "cut":
            return False
        server.write(line)
        server.flush()
        return self._answer("250", server.readline())

    def _answer(self, step: str, answer: bytes) -> bool:
        """Hand on the server's answer, or the test's; False where the connection ends here."""
        fault = self.relay.misbehave(step)
        if isinstance(fault, Raw):
            self.wfile.write(fault.content)
            return fault.hangs
        if fault != "cut":
            self.wfile.write(answer if fault is None else f"{fault}\r\n".encode())
        return fault != "cut"


@contextmanager
def relay(log: Path, behind: int) -> Iterator[Relay]:
    """Yield a wire to the server at that port of this machine."""
    wire = Relay(log, behind)
    with serving(type("Wire", (_Wire,), {"relay": wire})) as wire.port:
        yield wire
