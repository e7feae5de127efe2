# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd unit exposes little and names commands that exist."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.__main__ import COMMANDS

UNIT = Path(__file__).parents[2] / "deploy" / "patchwarden.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_rates_the_unit_as_hardly_exposed() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, True) == (done.returncode, "Overall exposure level" in done.stdout), done.stdout[-400:] + done.stderr


def test_the_unit_runs_commands_that_exist() -> None:
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)

    commands = [unit["Service"][key].split()[-1] for key in ("ExecStart", "ExecStartPre")]

    assert ["run", "doctor"] == commands
    assert set(commands) <= set(COMMANDS)
