# SPDX-License-Identifier: GPL-2.0-or-later
"""Submission as servers want it, against an independent one: STARTTLS or TLS, a certificate, a password."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from bot.mail.outgoing import Outgoing
from bot.outbox.error import OutboxError, RefusedError
from bot.outbox.smtp import Security, Server, Smtp

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed: openssl"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),  # it does not see that all is TLS
]

CONTENT = b"Subject: x\n\n.\nA remark.\n"
MAIL = Outgoing(
    "1@x", "p@x", "review", "bot@bot.example.org", ("a@example.org",), CONTENT, datetime(2026, 1, 1, tzinfo=UTC)
)
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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that it signed itself, in one folder."""
    folder = tmp_path_factory.mktemp("certificate")
    line = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    line += f" -addext subjectAltName=DNS:localhost -keyout {folder / 'key'} -out {folder / 'certificate'}"
    subprocess.run(line.split(), check=True, capture_output=True)
    return folder


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate, as one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "certificate"))
    return certificate


@pytest.fixture
def place(tmp_path: Path) -> Server:
    """The address of the server, with STARTTLS and the right password; its port is not known yet."""
    (tmp_path / "password").write_bytes(PASSWORD + b"\n")
    return Server("localhost", 0, "starttls", "bot", tmp_path / "password", 5)


@contextmanager
def _serving(certificate: Path, security: Security) -> Iterator[tuple[int, RecordingHandler]]:
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


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_encrypted_and_with_the_password_of_its_file(
    trusted: Path, place: Server, security: Security
) -> None:
    with _serving(trusted, security) as (port, recorder):
        reply = Smtp(replace(place, port=port, security=security), str).deliver(MAIL)

    assert reply == "250 taken"
    assert recorder.taken == [b"Subject: x\r\n\r\n.\r\nA remark.\r\n"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_wrong_password_is_reported_and_the_mail_stays_here(trusted: Path, place: Server, security: Security) -> None:
    assert place.password_file is not None
    place.password_file.write_text("wrong\n")

    with _serving(trusted, security) as (port, recorder), pytest.raises(OutboxError, match="535 ") as error:
        Smtp(replace(place, port=port, security=security), str).deliver(MAIL)

    assert not isinstance(error.value, RefusedError)
    assert "wrong" not in str(error.value)
    assert recorder.taken == []


def test_the_password_goes_nowhere_but_to_the_server(
    trusted: Path, place: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    with _serving(trusted, "starttls") as (port, _):
        Smtp(replace(place, port=port), str).deliver(MAIL)

    assert PASSWORD.decode() not in "".join(capfd.readouterr())
    assert PASSWORD not in Path("/proc/self/cmdline").read_bytes()
    assert PASSWORD.decode() not in "".join(os.environ.values())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    certificate: Path, place: Server, security: Security
) -> None:
    with (
        _serving(certificate, security) as (port, recorder),
        pytest.raises(OutboxError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        Smtp(replace(place, port=port, security=security), str).deliver(MAIL)

    assert recorder.taken == []


def test_a_certificate_of_another_host_gets_no_password(trusted: Path, place: Server) -> None:
    with _serving(trusted, "tls") as (port, recorder), pytest.raises(OutboxError, match="CERTIFICATE_VERIFY_FAILED"):
        Smtp(replace(place, host="127.0.0.1", port=port, security="tls"), str).deliver(MAIL)

    assert recorder.taken == []
