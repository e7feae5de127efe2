# SPDX-License-Identifier: GPL-2.0-or-later
"""Temporary folders of killed processes are removed by the next one, those of living processes never."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.__main__ import _is_light
from bot.app.sending import remove_partial_mails
from bot.settings.sending import SendingSettings
from bot.settings.tables import OutboxSettings, Settings
from bot.temporary import MARK, PREFIX, remove_abandoned, temporary_folder
from tests.fakes.mails import git_archive, patch

_HOLD = """
import sys
from pathlib import Path
from bot.settings.tables import OutboxSettings, Settings
from bot.settings.sending import SendingSettings
from bot.temporary import temporary_folder
with temporary_folder(Path(sys.argv[1])) as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "spool").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""
_RUN = """
import os, sys
from pathlib import Path
from bot.pipeline.replay_index import Indexer
from bot.__main__ import main
from tests.fakes.mails import patch
whole = Indexer.index
def index(*arguments):
    yield from whole(*arguments)
    print("spooled", flush=True)
    sys.stdin.read()
Indexer.index = index
sys.argv = ["patchwarden", "replay", sys.argv[1]]
main()
"""


@pytest.fixture
def system() -> Iterator[Path]:
    """A place for temporary files whose path is short enough for sockets, as the system's is."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as folder:
        yield Path(folder)


def _hold(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    process = _start("-c", _HOLD, str(parent))
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def _start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=known,
        text=True,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=environment.get("HOME"),
    )


def test_what_killed_processes_left_is_removed_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    killed = [_hold(tmp_path) for _ in range(3)]
    living, kept = _hold(tmp_path)
    for process, _ in killed:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (tmp_path / "patchwarden.toml").write_text("not a folder")
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path)
    (tmp_path / f"{PREFIX}notes").mkdir()
    (tmp_path / f"{PREFIX}notes" / "mine").write_text("somebody's own")
    (tmp_path / f"{PREFIX}empty").mkdir()
    assert all((folder / "inner" / "spool").exists() for _, folder in killed)

    with temporary_folder(tmp_path) as mine:
        assert [folder for _, folder in (*killed, (living, kept)) if folder.exists()] == [kept]
        assert [path.name for path in mine.iterdir()] == [MARK]
        assert remove_abandoned(tmp_path) == 0

    assert not mine.exists()
    living.communicate()
    assert not kept.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{PREFIX}link",
        f"{PREFIX}notes",
        "patchwarden.toml",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_a_folder_of_another_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}theirs").mkdir()
    os.chown(tmp_path / f"{PREFIX}theirs", 12345, 12345)

    assert remove_abandoned(tmp_path) == 0
    assert (tmp_path / f"{PREFIX}theirs").exists()


def test_a_killed_replay_leaves_its_spool_until_the_next_command(tmp_path: Path, system: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [patch("1@x", "led")])
    process = _start("-c", _RUN, str(archive), TMPDIR=str(system), HOME=str(tmp_path))
    assert process.stdout is not None
    while process.stdout.readline().strip() != "spooled":
        assert process.poll() is None
    left = [path.name for path in system.rglob("*")]
    process.kill()
    process.communicate()
    assert any(name.startswith("patchwarden-replay-") for name in left)
    assert len(list(system.iterdir())) == 1

    done = _start("-m", "bot", "run", "--help", TMPDIR=str(system), HOME=str(tmp_path))
    _, err = done.communicate(timeout=200)

    assert (done.returncode, err, list(system.iterdir())) == (0, "", [])


@pytest.mark.parametrize(
    ("arguments", "is_light"),
    [
        *((("mute", "list"), True), (("pending", "1@x"), True), (("pending", "--rebuild"), False)),
        *((("run", "check"), False), ((), False)),
    ],
)
def test_a_command_with_workers_has_a_folder_for_temporary_files(arguments: tuple[str, ...], is_light: bool) -> None:
    assert _is_light(arguments) == is_light


def test_a_command_that_ends_by_itself_leaves_nothing(tmp_path: Path, system: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [patch("1@x", "led")])
    done = _start("-m", "bot", "run", "--once", "--archive", str(archive), TMPDIR=str(system), HOME=str(tmp_path))
    _, err = done.communicate(timeout=200)

    assert done.returncode == 0, err
    assert "Traceback" not in err
    assert list(system.iterdir()) == []


def test_half_written_mails_are_removed_and_what_others_write_stays(tmp_path: Path) -> None:
    settings = Settings(
        outbox=OutboxSettings(directory=tmp_path / "outbox"), sending=SendingSettings(maildir=tmp_path / "maildir")
    )
    (tmp_path / "outbox").mkdir()
    (tmp_path / "maildir" / "tmp").mkdir(parents=True)
    left = [tmp_path / "outbox" / "ab12.part", tmp_path / "maildir" / "tmp" / "ab12@example.org"]
    others = [tmp_path / "outbox" / "ab12.eml", tmp_path / "maildir" / "tmp" / "1700000000.P12.host"]
    for path in (*left, *others):
        path.write_text("x")

    remove_partial_mails(settings)

    assert [path.exists() for path in (*left, *others)] == [False, False, True, True]
