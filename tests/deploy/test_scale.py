# SPDX-License-Identifier: GPL-2.0-or-later
"""What docs/scale.md says of backups and updates is true, with a real PostgreSQL server and a mail server."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from bot.store.postgres import open_server
from tests.fakes.mails import append_mail, git_archive, patch
from tests.fakes.postgres import Server, server, stop_server
from tests.fakes.sink import Sink, sink
from tests.fakes.worker_kills import SETTINGS

PROGRAM: Final = Path(sys.executable).with_name("patchwarden")
SECONDS: Final = 240


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder with settings and an archive with one patch, a database without tables, and a mail server."""

    folder: Path
    server: Server
    url: str
    mail_server: Sink

    def call(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PROGRAM, *arguments], cwd=self.folder, capture_output=True, text=True, check=False, timeout=SECONDS
        )

    def post(self, number: int) -> None:
        append_mail(self.folder / "list.git", patch(f"{number}@x", f"led{number}"))

    def rows(self, table: str) -> int:
        return int(self.execute(f"SELECT count(*) FROM {table}"))

    def execute(self, statement: str) -> Any:
        with closing(open_server(self.url)) as connection:
            row = connection.execute(statement).fetchone() if statement.startswith("SELECT") else None
            if row is None:
                connection.execute(statement)
            connection.commit()
            return row and row[0]

    @property
    def sent(self) -> list[str]:
        """The subjects of the mails that arrived."""
        return [re.findall(rb"^Subject: (.*?)\r?$", mail, re.MULTILINE)[0].decode() for mail in self.mail_server.taken]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    git_archive(tmp_path / "list.git", [patch("0@x", "led0")])
    url = server().create_empty(f"scale_{os.getpid()}_{tmp_path.name[-8:].lower().strip('_')}")
    with sink(tmp_path / "mails") as mail_server:
        (tmp_path / "patchwarden.toml").write_text(SETTINGS.format(url=url, port=mail_server.port))
        yield Installation(tmp_path, server(), url, mail_server)


@pytest.fixture(scope="module", autouse=True)
def _stopped_server() -> Iterator[None]:
    yield
    stop_server()


def test_a_restored_dump_sends_no_mail_a_second_time(installation: Installation) -> None:
    address = installation.url.replace("+psycopg", "")
    dump = str(installation.folder / "patchwarden.dump")
    assert installation.call("run", "--once").returncode == 0
    assert len(installation.sent) == 1
    installation.server.call("pg_dump", "--format=custom", f"--file={dump}", f"--dbname={address}")
    installation.post(1)
    assert installation.call("run", "--once").returncode == 0
    assert len(installation.sent) == 2

    installation.server.call("pg_restore", "--clean", f"--dbname={address}", dump)
    again = installation.call("run", "--once")
    blocked = installation.call("doctor")
    settled = installation.call("outbox", "reconcile", "--apply")
    installation.post(2)
    last = installation.call("run", "--once")

    assert "outbox reconcile" in again.stderr + again.stdout + blocked.stdout
    assert blocked.returncode == 2
    assert (settled.returncode, last.returncode) == (0, 0), settled.stderr + last.stderr
    assert len(installation.sent) == 3
    assert len(set(installation.sent)) == 3


def test_a_worker_of_the_version_before_an_update_works_on_and_is_not_started_again(
    installation: Installation,
) -> None:
    with (installation.folder / "log").open("wb") as log:
        worker = subprocess.Popen([PROGRAM, "worker"], cwd=installation.folder, stderr=log)
    try:
        _wait(lambda: _reviews(installation) == 1, installation)
        version = installation.execute("SELECT version_num FROM alembic_version")
        installation.execute("UPDATE alembic_version SET version_num = '9999'")
        installation.post(1)
        _wait(lambda: _reviews(installation) == 2, installation)
        started = [installation.call("worker"), installation.call("deliver")]
        installation.execute(f"UPDATE alembic_version SET version_num = '{version}'")
    finally:
        worker.send_signal(signal.SIGTERM)
        status = worker.wait(SECONDS)

    assert status == 0
    for process in started:
        assert process.returncode == 3
        assert "it was written by a newer patchwarden (schema 9999)" in process.stderr


def _reviews(installation: Installation) -> int:
    try:
        return installation.rows("review")
    except Exception:  # noqa: BLE001 the worker makes the tables meanwhile
        return 0


def _wait(is_true: Any, installation: Installation) -> None:
    end = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < end, (installation.folder / "log").read_text()[-2000:]
        time.sleep(0.5)
