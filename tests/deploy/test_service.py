# SPDX-License-Identifier: GPL-2.0-or-later
"""The systemd units expose little, run commands that exist, and divide the rights; the image is pinned."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import COMMANDS
from bot.app.service import open_service
from bot.cli.progress import Silent
from bot.pool.executor import ProcessExecutor
from bot.settings.tables import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
REVIEWER = DEPLOY / "patchwarden.service"
SENDER = DEPLOY / "patchwarden-deliver.service"
WEB = DEPLOY / "patchwarden-web.service"
UNITS = pytest.mark.parametrize("unit", [REVIEWER, SENDER, WEB], ids=lambda unit: unit.stem)
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian's systemd)"
)


def _settings(unit: Path) -> list[tuple[str, str]]:
    """Every setting of a unit in order; systemd takes a key more than once."""
    lines = [line.partition("=") for line in unit.read_text().splitlines() if re.match(r"[A-Za-z]+=", line)]
    return [(key, value) for key, _, value in lines]


@needs_systemd
@UNITS
def test_systemd_rates_each_unit_as_hardly_exposed(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)]

    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, True) == (result.returncode, "Overall exposure level" in result.stdout), (
        result.stdout[-400:] + result.stderr
    )


@needs_systemd
@UNITS
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/patchwarden/.venv/bin/patchwarden", "/bin/true"))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)]

    result = subprocess.run(command, capture_output=True, text=True, check=False)

    complaints = [line for line in result.stderr.splitlines() if unit.name in line]
    assert (complaints, result.returncode) == ([], 0), result.stderr


@needs_systemd
@pytest.mark.parametrize("marker", ['transport = "maildir"', 'transport = "sendmail"'])
def test_the_lines_for_other_transports_are_settings_too(marker: str, tmp_path: Path) -> None:
    text = SENDER.read_text().replace("/opt/patchwarden/.venv/bin/patchwarden", "/bin/true")
    head, separator, tail = text.partition(marker)
    block = tail.split("\n\n")[0].split("\n# For ")[0]
    copy = tmp_path / SENDER.name
    copy.write_text(
        head + separator + re.sub(r"^#(?=[A-Z][A-Za-z]+=)", "", block, flags=re.MULTILINE) + tail[len(block) :]
    )
    assert copy.read_text() != text

    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in result.stderr.splitlines() if SENDER.name in line] == [], result.stderr


def test_the_unit_has_memory_for_all_workers_at_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Counted(ProcessExecutor):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            taken.append(self._count * self._limits.memory)

    monkeypatch.setattr("bot.app.service.ProcessExecutor", Counted)
    monkeypatch.setattr("bot.pool.executor.ProcessExecutor", Counted)  # each process of a pool
    with open_service(Settings(database=tmp_path / "patchwarden.db"), (), Silent()):
        pass
    memory = dict(_settings(REVIEWER))["MemoryMax"]

    rest = 512 << 20

    assert len(taken) == 6
    assert int(memory.removesuffix("G")) << 30 >= sum(taken) + rest


def test_the_units_run_commands_that_exist_one_to_review_and_one_to_send() -> None:
    commands = {
        unit: [value.partition("patchwarden.toml ")[2] for key, value in _settings(unit) if key.startswith("ExecStart")]
        for unit in (REVIEWER, SENDER)
    }

    assert {REVIEWER: ["doctor --no-deliver", "run --no-deliver"], SENDER: ["deliver"]} == commands
    assert {command.split()[0] for lines in commands.values() for command in lines} <= set(COMMANDS)


def test_the_sender_may_wait_for_a_slow_mail_server_before_it_is_killed() -> None:
    stop_seconds = int(dict(_settings(SENDER))["TimeoutStopSec"])

    assert 60 < Settings().sending.timeout_seconds < stop_seconds


def test_both_units_share_one_user_and_one_folder() -> None:
    shared = ("User", "Group", "StateDirectory", "StateDirectoryMode", "UMask", "WorkingDirectory")
    reviewer, sender = dict(_settings(REVIEWER)), dict(_settings(SENDER))

    assert [reviewer[key] for key in shared] == [sender[key] for key in shared]
    assert "DynamicUser" not in reviewer | sender
    users = (DEPLOY / "patchwarden.sysusers").read_text()
    assert re.search(rf"^u {reviewer['User']} ", users, re.MULTILINE)


def test_only_the_sender_gets_the_password_and_only_it_names_the_mail_server() -> None:
    reviewer, sender = REVIEWER.read_text(), SENDER.read_text()

    assert ("IPAddressDeny", "any") in _settings(SENDER)
    assert [value for key, value in _settings(SENDER) if key == "IPAddressAllow"] == ["localhost"]
    assert re.search(r"^#IPAddressAllow=192\.0\.2\.25 ", sender, re.MULTILINE)
    assert "LoadCredential=smtp-password" in sender
    assert "LoadCredential" not in reviewer
    assert ("InaccessiblePaths", "-/etc/patchwarden.password") in _settings(REVIEWER)


def test_the_image_is_pinned_by_digest() -> None:
    images = re.findall(r"^FROM (\S+)", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)

    assert images
    assert all(re.fullmatch(r"[a-z0-9./-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", image) for image in images)


@pytest.mark.parametrize("unit", [REVIEWER, SENDER], ids=lambda unit: unit.stem)
def test_each_unit_is_watched(unit: Path) -> None:
    settings = dict(_settings(unit))

    assert ("notify", "on-failure") == (settings["Type"], settings["Restart"])
    assert settings["WatchdogSec"] == "2min"
