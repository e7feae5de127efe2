# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole run against OpenSMTPD on loopback, killed at every step: what a real server took arrived once."""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.relay import relay
from tests.fakes.sending_kills import SMTP_STEPS, STORE_STEPS, Harness, calm, every, kill_everywhere

LIST = b"rust-for-linux@lists.example.org"
ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))

pytestmark = [
    pytest.mark.skipif(shutil.which("smtpd") is None, reason="not installed: smtpd (Debian: opensmtpd)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="smtpd starts as root alone"),
]

LOCK = Path(tempfile.gettempdir()) / "patchwarden-smtpd.lock"
"""Held while a server runs: a machine has one control socket of OpenSMTPD, so a second server would end at once."""


@dataclass(frozen=True, slots=True)
class OpenSmtpd:
    """A running server that keeps every mail in a Maildir."""

    port: int
    maildir: Path

    def taken(self, log: Path) -> list[bytes]:
        """What it delivered to the list, as it came over the wire, once its queue is empty."""
        for _ in range(1200):
            if not subprocess.run(["smtpctl", "show", "queue"], capture_output=True, check=True).stdout:
                break
            time.sleep(0.05)
        new = self.maildir / "new"
        mails = [path.read_bytes() for path in sorted(new.iterdir())] if new.exists() else []
        return [mail.replace(b"\n", b"\r\n") for mail in mails if b"\nDelivered-To: " + LIST in mail]


@pytest.fixture
def server() -> Iterator[OpenSmtpd]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with LOCK.open("w") as lock, tempfile.TemporaryDirectory() as name:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(name)
        folder.chmod(0o755)  # the server delivers as nobody
        maildir = folder / "mail"
        maildir.mkdir()
        shutil.chown(maildir, "nobody")
        (folder / "conf").write_text(
            f"listen on 127.0.0.1 port {port}\n"
            'table all { "@" = "nobody" }\n'
            f'action "keep" maildir "{maildir}" virtual <all>\nmatch from any for any action "keep"\n'
        )
        running = subprocess.Popen(["smtpd", "-d", "-f", folder / "conf"], stderr=subprocess.DEVNULL)
        try:
            _wait(port)
            yield OpenSmtpd(port, maildir)
        finally:
            running.terminate()
            running.wait(60)


def _wait(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    pytest.fail("smtpd does not listen")


@pytest.mark.parametrize(
    "misbehave",
    [calm, every(5, "250", "cut"), every(3, "RCPT", "451 busy")],
    ids=["calm", "every-fifth-250-lost", "busy"],
)
def test_killed_anywhere_each_mail_arrives_once(
    tmp_path: Path, server: OpenSmtpd, misbehave: Callable[[str], str | None]
) -> None:
    steps = STORE_STEPS + SMTP_STEPS
    with relay(tmp_path, server.port) as wire:
        harness = Harness(tmp_path, wire, read=server.taken)
        kills, twice, lost = kill_everywhere(harness, misbehave, steps, ROUNDS)

    print(f"{kills} kills, {twice} twice, {lost} lost")
    assert (twice, lost) == (0, 0)
    assert kills == len(steps) * ROUNDS
