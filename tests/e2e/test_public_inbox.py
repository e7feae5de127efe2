# SPDX-License-Identifier: GPL-2.0-or-later
"""The service against a real public-inbox on loopback, which is what lore.kernel.org runs."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.completion import ArchiveLookup
from bot.inbox.git_archive import GitArchive
from bot.inbox.http_client import Agent, HttpClient
from bot.inbox.http_pace import Pace
from bot.inbox.lore import FollowPolicy, LoreArchive
from bot.service.poll import PollJob
from bot.store.repository import Repository
from tests.fakes.mails import mail, patch
from tests.fakes.origin import FakeClock

PROGRAMS = ("public-inbox-init", "public-inbox-mda", "public-inbox-extindex", "public-inbox-httpd")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
LIST = "rust@lists.example.org"

pytestmark = [
    pytest.mark.public_inbox,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (Debian: public-inbox)"),
]


@dataclass(frozen=True, slots=True)
class PublicInbox:
    """A running server with one list and the index over all lists."""

    folder: Path
    url: str

    def run(self, program: str, *arguments: str | Path, stdin: bytes = b"") -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PI_CONFIG": str(self.folder / "config"),
            "ORIGINAL_RECIPIENT": LIST,
        }
        subprocess.run([program, *arguments], input=stdin, env=environment, check=True, capture_output=True)

    def deliver(self, raw: bytes) -> None:
        """Give a mail to the list, as its mail server does."""
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").encode()
        fresh = raw.replace(b"Mon, 02 Mar 2026 09:00:00 +0000", date)
        self.run(
            "public-inbox-mda", "--no-precheck", stdin=fresh.replace(b"rust-for-linux@lists.example.org", LIST.encode())
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublicInbox]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    inbox = PublicInbox(tmp_path, f"http://{address}")
    inbox.run("public-inbox-init", "-V2", "-L", "medium", "rust", tmp_path / "rust", f"{inbox.url}/rust", LIST)
    with (tmp_path / "config").open("a") as config:
        config.write("[publicinboxmda]\n\tspamcheck = none\n")
        config.write(f'[extindex "all"]\n\ttopdir = {tmp_path}/all\n\turl = {inbox.url}/all\n')
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PI_CONFIG": str(tmp_path / "config")}
    command = ["public-inbox-httpd", "-W0", "-l", address]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(address.partition(":")[2]))) == 0:
                    break
            time.sleep(0.05)
        yield inbox
        process.terminate()


def test_a_real_archive_is_followed_and_completes_a_series(server: PublicInbox, tmp_path: Path) -> None:
    clock = FakeClock(datetime.now(UTC))
    http = HttpClient(Agent("patchwarden/1+test"), Pace(tmp_path / "pace.json", clock), clock)
    archive = LoreArchive(f"{server.url}/rust/", tmp_path / "lore", http, clock, GitArchive, FollowPolicy())
    counts = []
    with Repository(tmp_path / "warden.db") as store:
        for number in range(6):
            server.deliver(patch(f"{number}@x", f"led{number}"))
            if number % 2:
                server.deliver(mail(f"re{number}@x", "Re: [PATCH] rust", to=f"{number}@x"))
            clock.forward(minutes=2)
            summary = PollJob([archive], store, assemble, Event(), Silent()).run()
            counts.append((summary.mails, summary.problems))
        known = store.tally().raw

        assert counts == [(1, ()), (2, ())] * 3
        assert known == 9

    server.run("public-inbox-extindex", "--all", tmp_path / "all")
    everything = ArchiveLookup(f"{server.url}/all", http, clock, sleep=lambda seconds: clock.forward(seconds=seconds))
    result = everything.mail("3@x")
    thread = everything.thread("3@x")

    assert result is not None
    assert b"Subject: [PATCH] rust: led3: read it" in result.raw
    assert (len(thread), everything.mail("nowhere@x")) == (2, None)
