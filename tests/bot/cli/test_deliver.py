# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading and reviewing in one process, sending in another, over one database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.state import MailState
from bot.store.repository import Repository
from bot.store.roles import Role, sole_worker
from tests.bot.cli.conftest import Call
from tests.fakes.mails import git_archive, patch

DATABASE = Path("var/patchwarden.db")
PATIENCE = 120.0


def _states() -> list[str]:
    with Repository(DATABASE) as store:
        return [str(mail.state) for mail in store.mails()]


def _start(*arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-m", "bot", *arguments], env=environment, text=True, stderr=pipe)


def _wait(until: Callable[[], bool]) -> None:
    patience = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < patience
        time.sleep(0.05)


def test_who_does_not_deliver_leaves_the_mail_to_who_does(patchwarden: Call, archive: Path) -> None:
    assert patchwarden("run", "--once", "--no-deliver", "--archive", str(archive))[0] == 0
    assert (_states(), Path("var/outbox").exists()) == (["queued"], False)

    status, out, _ = patchwarden("deliver", "--once")

    assert (status, out) == (0, "1 delivered; in the outbox: 1 filed\n")
    assert len(list(Path("var/outbox").glob("*.eml"))) == 1
    assert patchwarden("deliver", "--once")[1] == "0 delivered; in the outbox: 1 filed\n"


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        (Role.REVIEWER, [("run", "--once"), ("run", "--once", "--no-deliver")]),
        (Role.SENDER, [("run", "--once"), ("deliver", "--once")]),
    ],
)
def test_one_process_reads_and_one_sends(
    patchwarden: Call, archive: Path, held: Role, refused: list[tuple[str, ...]]
) -> None:
    commands = [("run", "--once"), ("run", "--once", "--no-deliver"), ("deliver", "--once")]
    with sole_worker(DATABASE, held):
        ends = {
            command: patchwarden(*command, *(("--archive", str(archive)) if command[0] == "run" else ()))
            for command in commands
        }

    assert {command: status for command, (status, _, _) in ends.items()} == {
        command: 3 if command in refused else 0 for command in commands
    }
    assert all("another patchwarden works on it" in ends[command][2] for command in refused)


def test_only_the_sender_judges_attempts_that_were_interrupted(patchwarden: Call, archive: Path) -> None:
    patchwarden("run", "--once", "--no-deliver", "--archive", str(archive))
    with Repository(DATABASE) as store:
        (mail,) = store.mails()
        store.settle(mail.message_id, MailState.SENDING, datetime.now(UTC))

    patchwarden("run", "--once", "--no-deliver", "--archive", str(archive))
    assert _states() == ["sending"]

    assert patchwarden("deliver", "--once")[0] == 0
    assert _states() == ["filed"]


def test_two_services_over_one_database_make_and_send_each_mail_once(tmp_path: Path) -> None:
    settings = 'archives = ["list.git"]\n[schedule]\npoll_seconds = 1\nreview_seconds = 1\ndeliver_seconds = 1\n'
    (tmp_path / "patchwarden.toml").write_text(settings)
    git_archive(tmp_path / "list.git", [patch(f"{number}@x", f"led{number}") for number in range(8)])
    reviewer, sender = _start("run", "--no-deliver"), _start("deliver")
    try:
        _wait(lambda: len(list(Path("var/outbox").glob("*.eml"))) == 8)
    finally:
        for process in (reviewer, sender):
            process.send_signal(signal.SIGTERM)
    ends = [process.communicate(timeout=PATIENCE) and process.returncode for process in (reviewer, sender)]

    assert ends == [0, 0]
    assert _states() == ["filed"] * 8
