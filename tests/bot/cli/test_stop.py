# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden stop`: which database it stops, that a running service saw it, and that no lost file lifts it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.error import StoreError
from bot.store.repository import Repository
from bot.store.roles import Role, running, sole_worker
from tests.bot.cli.conftest import Call

DATABASE = Path("var/patchwarden.db")


def test_there_is_nothing_to_stop_where_there_is_no_database(patchwarden: Call) -> None:
    status, _, err = patchwarden("stop", "a rule is wrong")

    assert (status, "var/patchwarden.db does not exist yet" in err) == (2, True)
    assert not Path("var").exists()


def test_a_running_service_confirms_the_stop_and_the_lift(patchwarden: Call, archive: Path) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    service = subprocess.Popen([sys.executable, "-m", "bot", "deliver"], env=environment, stderr=subprocess.DEVNULL)
    try:
        while not running(DATABASE, Role.SENDER):
            assert service.poll() is None
        for arguments in (("a rule is wrong",), ("--lift",)):
            status, out, err = patchwarden("stop", *arguments)
            assert (status, err) == (0, "")
            assert f"the service (process {service.pid}) has seen it" in out
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(120) == 0


def test_a_sender_that_does_not_confirm_is_an_error(
    patchwarden: Call, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    monkeypatch.setattr("bot.cli.stop._MAX_WAIT_SECONDS", 0.0)

    with sole_worker(DATABASE, Role.SENDER):
        status, _, err = patchwarden("stop", "a rule is wrong")

    assert (status, f"process {os.getpid()}) has not confirmed it" in err) == (3, True)


def test_a_locked_database_does_not_hide_that_the_file_stops_all_sending(
    patchwarden: Call, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    monkeypatch.setattr("bot.store.stop.StopRows.set_stop", _locked)

    status, _, err = patchwarden("stop", "a rule is wrong")

    assert (status, Path("var/stop").read_text()) == (3, "a rule is wrong\n")
    assert f"locked; the file {Path('var/stop').absolute()} stops all sending while it exists" in err


def test_a_stop_that_nothing_could_record_says_that_mails_still_leave(
    patchwarden: Call, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    monkeypatch.setattr("bot.store.stop.StopRows.set_stop", _locked)
    monkeypatch.setattr("bot.outbox.brakes.StopFile.stop", _locked)

    status, _, err = patchwarden("stop")

    assert (status, err) == (3, "patchwarden: locked; nothing is stopped: end the process that sends\n")


def _locked(*_: object) -> int:
    raise StoreError("locked")


def test_commands_that_would_send_say_that_sending_is_stopped(patchwarden: Call, archive: Path) -> None:
    Path("patchwarden.toml").write_text(
        "[sending]\ntransport = 'maildir'\n[review]\nstale_hours = 1000000\n"
        "[lists.'rust-for-linux@lists.example.org']\nmode = 'author'\nconsent = 'https://lists.example.org/yes'\n"
        "embargo_hours = 0\n"
    )
    patchwarden("run", "--once", "--no-deliver", "--archive", str(archive))
    patchwarden("stop", "a rule is wrong")

    for command in (("deliver", "--once"), ("run", "--once", "--archive", str(archive)), ("outbox", "list")):
        status, out, _ = patchwarden(*command)
        notice = [line for line in out.splitlines() if line.startswith("Nothing is sent: ")]
        assert (0, 1) == (status, len(notice))
        assert notice[0].endswith(": a rule is wrong; run `patchwarden stop --lift` to resume.")

    patchwarden("stop", "--lift")
    assert "0 delivered; in the outbox: 1 queued\n" == patchwarden("deliver", "--once")[1]


def test_a_lost_stop_file_lifts_nothing(patchwarden: Call, archive: Path) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    assert patchwarden("stop", "a rule is wrong")[0] == 0
    Path("var/stop").unlink()

    assert "Nothing is sent: stopped: a rule is wrong" in patchwarden("outbox", "list")[1]
    assert "stopped: a rule is wrong" in patchwarden("doctor")[1]
    with Repository(DATABASE) as store:
        assert store.stop_state().reason == "a rule is wrong"
    assert patchwarden("stop", "--lift")[0] == 0
    with Repository(DATABASE) as store:
        assert (store.stop_state().reason, store.stop_state().number) == ("", 2)


def test_a_lost_database_row_lifts_nothing(patchwarden: Call, archive: Path) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    assert patchwarden("stop", "a rule is wrong")[0] == 0
    for path in Path("var").glob("patchwarden.db*"):
        path.unlink()

    assert "a rule is wrong" in patchwarden("doctor")[1]
