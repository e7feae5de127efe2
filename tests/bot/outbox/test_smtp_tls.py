# SPDX-License-Identifier: GPL-2.0-or-later
"""Submission as servers want it, against an independent one: STARTTLS or TLS, a certificate, a password."""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.outgoing import Outgoing
from bot.outbox.error import OutboxError, RefusedError
from bot.outbox.smtp import Security, Server, Smtp
from tests.fakes.submission import PASSWORD, serving

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed: openssl"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),  # it does not see that all is TLS
]

CONTENT = b"Subject: x\n\n.\nA remark.\n"
MAIL = Outgoing(
    "1@x", "p@x", "review", "bot@bot.example.org", ("a@example.org",), CONTENT, datetime(2026, 1, 1, tzinfo=UTC)
)


@pytest.fixture
def place(tmp_path: Path) -> Server:
    """The address of the server, with STARTTLS and the right password; its port is not known yet."""
    (tmp_path / "password").write_bytes(PASSWORD + b"\n")
    return Server("localhost", 0, "starttls", "bot", tmp_path / "password", 5)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_encrypted_and_with_the_password_of_its_file(
    trusted: Path, place: Server, security: Security
) -> None:
    with serving(trusted, security) as (port, recorder):
        reply = Smtp(replace(place, port=port, security=security), str).deliver(MAIL)

    assert reply == "250 taken"
    assert recorder.taken == [b"Subject: x\r\n\r\n.\r\nA remark.\r\n"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_wrong_password_is_reported_and_the_mail_stays_here(trusted: Path, place: Server, security: Security) -> None:
    assert place.password_file is not None
    place.password_file.write_text("wrong\n")

    with serving(trusted, security) as (port, recorder), pytest.raises(OutboxError, match="535 ") as error:
        Smtp(replace(place, port=port, security=security), str).deliver(MAIL)

    assert not isinstance(error.value, RefusedError)
    assert "wrong" not in str(error.value)
    assert recorder.taken == []


def test_the_password_goes_nowhere_but_to_the_server(
    trusted: Path, place: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(trusted, "starttls") as (port, _):
        Smtp(replace(place, port=port), str).deliver(MAIL)

    assert PASSWORD.decode() not in "".join(capfd.readouterr())
    assert PASSWORD not in Path("/proc/self/cmdline").read_bytes()
    assert PASSWORD.decode() not in "".join(os.environ.values())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    certificate: Path, place: Server, security: Security
) -> None:
    with (
        serving(certificate, security) as (port, recorder),
        pytest.raises(OutboxError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        Smtp(replace(place, port=port, security=security), str).deliver(MAIL)

    assert recorder.taken == []


def test_a_certificate_of_another_host_gets_no_password(trusted: Path, place: Server) -> None:
    with serving(trusted, "tls") as (port, recorder), pytest.raises(OutboxError, match="CERTIFICATE_VERIFY_FAILED"):
        Smtp(replace(place, host="127.0.0.1", port=port, security="tls"), str).deliver(MAIL)

    assert recorder.taken == []
