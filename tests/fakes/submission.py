# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail server that wants STARTTLS or TLS and a password, made of aiosmtpd, and a certificate for it."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from bot.outbox.smtp import Security

PASSWORD = b"correct horse"


class RecordingHandler:
    """Takes mail, and knows one password."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:  # noqa: N802 its name
        assert isinstance(envelope.original_content, bytes)
        self.taken.append(envelope.original_content)
        return "250 taken"

    def knows(self, server: object, session: object, envelope: object, mechanism: str, login: object) -> AuthResult:
        right = isinstance(login, LoginPassword) and (login.login, login.password) == (b"bot", PASSWORD)
        return AuthResult(success=right, handled=False)


def make_certificate(folder: Path) -> Path:
    """Write a key and a certificate for localhost that it signed itself. Return the folder."""
    line = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    line += f" -addext subjectAltName=DNS:localhost -keyout {folder / 'key'} -out {folder / 'certificate'}"
    subprocess.run(line.split(), check=True, capture_output=True)
    return folder


@contextmanager
def serving(certificate: Path, security: Security) -> Iterator[tuple[int, RecordingHandler]]:
    """Yield the port of a server with that certificate, and what it takes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "certificate", certificate / "key")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    recorder = RecordingHandler()
    tls = {"ssl_context": context} if security == "tls" else {"tls_context": context, "require_starttls": True}
    controller = Controller(
        recorder,
        hostname="localhost",
        port=port,
        authenticator=recorder.knows,
        auth_required=True,
        auth_require_tls=security == "starttls",
        **tls,
    )
    controller.start()
    try:
        yield port, recorder
    finally:
        controller.stop()
