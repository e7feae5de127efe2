# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail server on loopback that logs durably what it takes, and does to its clients what a test says."""

import os
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer byte for byte. Then the connection ends, or with `hangs` nothing more is said."""

    content: bytes
    hangs: bool = False


Misbehave = Callable[[str], str | Raw | None]
"""Asked at each step. An answer replaces the server's own, None is how it should be.

"cut" ends the connection, "reset" ends it so that the client's next read or write fails.
"""


@dataclass
class Sink:
    """The server's side: `raw` is every byte of the last connection, `taken` the mails as they came over the wire."""

    log: Path
    misbehave: Misbehave = lambda step: None
    extensions: tuple[str, ...] = ("8BITMIME",)
    port: int = 0
    raw: bytearray = field(default_factory=bytearray)
    taken: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def after_greeting(self) -> bytes:
        """Return the bytes of the last connection without the greeting, MAIL and RCPT in upper case.

        The case in which smtplib writes these two commands depends on the version of Python.
        """
        _, _, after = bytes(self.raw).partition(b"\r\n")
        return re.sub(rb"(?im)^(?:mail from|rcpt to):<", lambda command: command[0].upper(), after)

    def keep(self, content: bytes, sender: str, recipients: tuple[str, ...]) -> None:
        """Log the mail so that it survives whatever comes next; only then may the client be told."""
        with self.log.open("ab") as log:
            log.write(b"%d\n%s" % (len(content), content))
            log.flush()
            os.fsync(log.fileno())
        self.taken.append(content)
        self.envelopes.append((sender, recipients))


class _Session(socketserver.StreamRequestHandler):
    sink: Sink

    def setup(self) -> None:
        super().setup()
        self.answered = ""
        self.sender = ""
        self.recipients: list[str] = []

    def handle(self) -> None:
        self.sink.raw.clear()
        if self._say("connect", "220 sink"):
            while line := self.rfile.readline():
                self.sink.raw += line
                if not self._command(line.decode("ascii", "replace").strip()):
                    return

    def _command(self, line: str) -> bool:
        word = line.split(" ", maxsplit=1)[0].partition(":")[0].upper()
        argument = line.partition("<")[2].partition(">")[0]
        if word == "EHLO":
            lines = ["sink", *self.sink.extensions]
            return self._say(
                word, "\r\n".join(f"250{'-' if n + 1 < len(lines) else ' '}{x}" for n, x in enumerate(lines))
            )
        if word == "MAIL":
            self.sender = argument
        if word == "DATA":
            return self._content()
        if word == "QUIT":
            self._say(word, "221 bye")
            return False
        taken = self._say(word, "250 ok")
        if word == "RCPT" and self.answered.startswith("2"):
            self.recipients.append(argument)
        return taken

    def _content(self) -> bool:
        if not self._say("DATA", "354 go on") or not self.answered.startswith("354"):
            return self.answered not in {"cut", "reset", ""}
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            self.sink.raw += line
            lines.append(line.removeprefix(b"."))
            if len(lines) == 3 and (answer := self.sink.misbehave("content")) is not None:
                return self._write(answer)
        self.sink.raw += line
        before = self.sink.misbehave("dot")
        if before is not None:
            return self._write(before)
        self.sink.keep(b"".join(lines), self.sender, tuple(self.recipients))
        return self._say("250", "250 taken")

    def _say(self, step: str, answer: str) -> bool:
        """Answer, or what the test says instead; False where the connection ends here."""
        return self._write(self.sink.misbehave(step) or answer)

    def _write(self, answer: str | Raw) -> bool:
        self.answered = answer if isinstance(answer, str) else ""
        if isinstance(answer, Raw):
            self.wfile.write(answer.content)
            return answer.hangs
        if answer == "reset":
            self._reset()
        if answer in {"cut", "reset"}:
            return False
        self.wfile.write(answer.encode() + b"\r\n")
        return True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.wfile.close()
        self.connection.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """Serve each connection in a thread. Yield the port, which is the system's choice."""
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextmanager
def sink(log: Path) -> Iterator[Sink]:
    """Yield a running server."""
    sink_server = Sink(log)
    with serving(type("Session", (_Session,), {"sink": sink_server})) as sink_server.port:
        yield sink_server


def logged(log: Path) -> list[bytes]:
    """The mails in a log; a torn last one was never confirmed and does not count."""
    content, mails = log.read_bytes() if log.exists() else b"", []
    while content:
        size, _, content = content.partition(b"\n")
        if len(content) >= int(size):
            mails.append(content[: int(size)])
        content = content[int(size) :]
    return mails
