# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden doctor` logs in to the mail server, and says what is wrong with it."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Call
from tests.fakes.submission import PASSWORD, serving

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed: openssl"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]


def _write(port: int, mode: str = "moderate", password: bytes = PASSWORD, host: str = "localhost") -> None:
    """Write settings with that mail server, in the current folder, and the password."""
    Path("password").write_bytes(password + b"\n")
    Path("password").chmod(0o600)
    Path("patchwarden.toml").write_text(
        "[identity]\naddress = 'bot@bot.example.org'\n"
        f"[lists.'rust-for-linux@lists.example.org']\nmode = '{mode}'\n"
        f"[sending]\ntransport = 'smtp'\nhost = '{host}'\nport = {port}\nuser = 'bot'\npassword_file = 'password'\n"
    )


def _sending(out: str) -> list[str]:
    """Return the lines about sending, and the fix below them."""
    lines = out.splitlines()
    at = next(number for number, line in enumerate(lines) if line[6:].startswith("sending: "))
    return [lines[at], *(line for line in lines[at + 1 : at + 2] if line.startswith("      fix: "))]


def test_the_login_works_and_no_mail_is_sent(patchwarden: Call, trusted: Path) -> None:
    with serving(trusted, "starttls") as (port, recorder):
        _write(port)
        status, out, _ = patchwarden("doctor")

    assert status == 0
    assert _sending(out) == ["ok    sending: by smtp, for rust-for-linux@lists.example.org (moderate); the login works"]
    assert recorder.taken == []


def test_a_refused_password_is_named_by_its_file(patchwarden: Call, trusted: Path, tmp_path: Path) -> None:
    with serving(trusted, "starttls") as (port, _):
        _write(port, password=b"another horse")
        status, out, _ = patchwarden("doctor")

    assert status == 2
    wrong, fix = _sending(out)
    assert wrong.startswith(f"wrong sending: localhost:{port}: login: 535 ")
    assert fix.startswith(f"      fix: correct `user` in [sending] and the password in {tmp_path}/password")
    assert "another horse" not in out


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_that_is_not_valid_is_wrong(
    patchwarden: Call, certificate: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is unknown to this machine, or it is that of another host."""
    if host != "localhost":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "certificate"))
    with serving(certificate, "starttls") as (port, _):
        _write(port, host=host)
        status, out, _ = patchwarden("doctor")

    assert status == 2
    wrong, fix = _sending(out)
    assert f"wrong sending: {host}:{port}: STARTTLS: [SSL: CERTIFICATE_VERIFY_FAILED]" in wrong
    assert "      fix: let `host` in [sending] be the name in the certificate" in fix


def test_a_server_that_refuses_connections_is_wrong(patchwarden: Call) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        _write(closed.getsockname()[1], host="127.0.0.1")
        status, out, _ = patchwarden("doctor")

    assert status == 2
    wrong, fix = _sending(out)
    assert "connecting: " in wrong
    assert fix == "      fix: start the mail server, or correct `host` and `port` in [sending]"


@pytest.mark.parametrize(("mode", "arguments"), [("dry-run", ()), ("moderate", ("--no-deliver",))])
def test_nothing_connects_if_nothing_is_sent(patchwarden: Call, mode: str, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        _write(server.getsockname()[1], mode, host="127.0.0.1")
        status = patchwarden("doctor", *arguments)[0]
        with pytest.raises(BlockingIOError):
            server.accept()

    assert status == 0
