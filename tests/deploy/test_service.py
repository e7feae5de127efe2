# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd unit exposes little and names commands that exist."""

import configparser
import shutil
import subprocess
from pathlib import Path
from threading import Event

import pytest

from bot.__main__ import COMMANDS
from bot.cli.progress import Silent
from bot.jobs.bounded import Limits
from bot.jobs.workers import Workers
from bot.settings import Settings
from bot.wiring import service

UNIT = Path(__file__).parents[2] / "deploy" / "patchwarden.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_rates_the_unit_as_hardly_exposed() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, True) == (done.returncode, "Overall exposure level" in done.stdout), done.stdout[-400:] + done.stderr


def test_the_unit_has_memory_for_all_workers_at_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Counted(Workers):
        def __init__(self, count: int = 2, limits: Limits | None = None, stop: Event | None = None) -> None:
            taken.append(count * (limits or Limits()).memory)
            super().__init__(count, limits, stop)

    monkeypatch.setattr("bot.wiring.Workers", Counted)
    with service(Settings(database=tmp_path / "patchwarden.db"), (), Silent()):
        pass
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)

    rest = 512 << 20

    assert 3 == len(taken)
    assert int(unit["Service"]["MemoryMax"].removesuffix("G")) << 30 >= sum(taken) + rest


def test_the_unit_runs_commands_that_exist() -> None:
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)

    commands = [unit["Service"][key].split()[-1] for key in ("ExecStart", "ExecStartPre")]

    assert ["run", "doctor"] == commands
    assert set(commands) <= set(COMMANDS)
