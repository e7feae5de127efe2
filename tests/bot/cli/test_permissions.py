# SPDX-License-Identifier: GPL-2.0-or-later
"""Other users of the machine can read nothing that the program writes, and are reported where they can read more."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app.data_files import make_private
from bot.kernel.record import VERSION
from bot.settings.tables import LoreSettings, Settings
from tests.bot.cli.conftest import Call
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import git_archive, patch
from tests.fakes.origin import serving

PROGRAM = [sys.executable, "-m", "bot"]
OTHERS = 0o077


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Path]:
    """A folder whose settings follow a list over the network, judge by a kernel and stop sending."""
    kernel = repository(tmp_path / "linux.git")
    commit(kernel, {"rust/bindings/bindings_helper.h": "#include <linux/led.h>\n"}, 1_700_000_000, "v6.0")
    with serving(tmp_path / "origin") as origin:
        origin.epoch("rust").add(patch("1@x", "led"), datetime.now(UTC))
        (tmp_path / "patchwarden.toml").write_text(
            f'[lore]\nlists = ["{origin.url}/rust/"]\nverify = false\n'
            "[review]\nstale_hours = 900000\n"
            f'[kernel]\nrepositories = [{{ path = "{tmp_path / "linux.git"}" }}]\n'
        )
        yield tmp_path


def _run(installation: Path, umask: int, *arguments: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "XDG_CACHE_HOME": str(installation / "cache"),
    }
    command = [*PROGRAM, *arguments]
    result = subprocess.run(
        command,
        cwd=installation,
        env=environment,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _open(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [f"{path} {path.stat().st_mode:o}" for path in paths if path.exists() and path.stat().st_mode & OTHERS]


@pytest.mark.parametrize("umask", [0, 0o022])
def test_what_the_service_writes_is_private_whatever_the_umask(installation: Path, umask: int) -> None:
    _run(installation, umask, "run", "--once")
    _run(installation, umask, "stop", "a test")
    _run(installation, umask, "stop", "--lift")
    _run(
        installation,
        umask,
        "run",
        "--once",
        "--archive",
        str(git_archive(installation / "list.git", [patch("2@x", "fan")])),
    )

    written = {path.name for folder in ("var", "cache") for path in (installation / folder).rglob("*")}
    assert {"patchwarden.db", "patchwarden.db.lock", "outbox", "0.git", "stop.lifted"} <= written
    assert f"bindings.sqlite.{VERSION}" in written
    assert any(name.endswith(".eml") for name in written)
    assert _open(installation / "var") + _open(installation / "cache") == []


def test_what_an_older_version_left_open_is_closed_and_what_is_not_ours_is_left_alone(installation: Path) -> None:
    _run(installation, 0, "run", "--once")
    mailbox = installation / "var" / "maildir"
    for folder in ("cur", "new", "tmp"):
        (mailbox / folder).mkdir(parents=True)
    (installation / "elsewhere").write_text("somebody else's")
    (installation / "var" / "outbox").mkdir(exist_ok=True)
    link, pipe = (installation / "var" / "outbox" / f"{digit * 32}.eml" for digit in "ab")
    link.symlink_to(installation / "elsewhere")
    os.mkfifo(pipe)  # in place of a device such as /dev/null, which needs root
    for path in (installation / "var", *(installation / "var").rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)

    _run(installation, 0, "run", "--once")

    shared = {str(path) for path in (mailbox, *mailbox.rglob("*"), link, pipe)}
    assert {line.split()[0] for line in _open(installation / "var")} == shared
    assert (installation / "var").stat().st_mode & 0o777 == 0o700
    assert (installation / "elsewhere").stat().st_mode & 0o777 == 0o666


def test_a_folder_that_holds_other_things_is_left_as_it_is(tmp_path: Path, patchwarden: Call, archive: Path) -> None:
    (tmp_path / "patchwarden.toml").write_text('database = "shared/warden.db"\n')
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    (tmp_path / "shared" / "notes").write_text("not ours")
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0

    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "shared" / "warden.db").stat().st_mode & OTHERS == 0
    assert patchwarden("doctor")[0] == 0


def test_what_other_programs_keep_in_a_shared_folder_is_left_as_it_is(
    tmp_path: Path, patchwarden: Call, archive: Path
) -> None:
    """Also as root, who owns folders such as /srv."""
    shared = tmp_path / "shared"
    (shared / "project").mkdir(parents=True)
    others = [shared / name for name in ("notes", "notes.eml", "stopwatch", "indexes", "project/file")]
    for path in others:
        path.write_text("not ours")
    (tmp_path / "patchwarden.toml").write_text(
        f'[outbox]\ndirectory = "{shared}"\n[lore]\ndirectory = "{shared}"\n[sending]\nstop_file = "{shared}/stop"\n'
        f'[kernel]\nindex = "{shared}/index"\n'
    )
    for path in (shared, shared / "project", *others):
        path.chmod(0o777 if path.is_dir() else 0o666)

    for _ in range(2):
        assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0

    assert list(shared.glob("*.eml")) != [shared / "notes.eml"]
    assert {path for path in (shared, *shared.rglob("*")) if path.stat().st_mode & OTHERS} == {
        shared,
        shared / "project",
        *others,
    }


@pytest.mark.parametrize("key", ["[sending]\nstop_file", "[kernel]\nindex"])
def test_a_folder_in_place_of_a_file_is_left_as_it_is(
    tmp_path: Path, patchwarden: Call, archive: Path, key: str
) -> None:
    (tmp_path / "patchwarden.toml").write_text(f'{key} = "shared"\n')
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "notes").write_text("not ours")
    (tmp_path / "shared").chmod(0o755)
    (tmp_path / "shared" / "notes").chmod(0o644)
    patchwarden("run", "--once", "--archive", str(archive))

    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "shared" / "notes").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("url", ["http://../list/", "http://./list/", "http:///list/"])
def test_a_list_whose_server_has_no_name_closes_nothing(tmp_path: Path, url: str) -> None:
    (tmp_path / "mirrors").mkdir()
    for folder in (tmp_path, tmp_path / "mirrors"):
        (folder / "notes").write_text("not ours")
        (folder / "notes").chmod(0o644)
    lore = LoreSettings(lists=(url,), directory=tmp_path / "mirrors")
    make_private(Settings(database=tmp_path / "var" / "d.db", lore=lore))

    assert [0o644, 0o644] == [path.stat().st_mode & 0o777 for path in tmp_path.rglob("notes")]


def test_a_folder_that_all_users_share_is_left_as_it_is(tmp_path: Path, patchwarden: Call, archive: Path) -> None:
    (tmp_path / "patchwarden.toml").write_text('[outbox]\ndirectory = "shared"\n')
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0

    assert (tmp_path / "shared").stat().st_mode & 0o7777 == 0o1777


def test_doctor_names_the_command_that_closes_a_database_and_its_folder(patchwarden: Call, archive: Path) -> None:
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    database = Path("var/patchwarden.db")
    database.chmod(0o644)
    database.parent.chmod(0o750)

    status, out, _ = patchwarden("doctor")
    commands = [line.split("fix: ")[1] for line in out.splitlines() if "fix: chmod" in line]
    for command in commands:
        subprocess.run(command.split(), check=True)

    assert (status, len(commands)) == (2, 2)
    assert "other users can read" in out
    assert patchwarden("doctor")[0] == 0


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (
            "pass word",
            '[sending]\ntransport = "smtp"\nhost = "mail.example.org"\nuser = "warden"\npassword_file = "pass word"\n',
        ),
        ("answers", '[commands]\nsecret_file = "answers"\n'),
        ("var/patchwarden.db.secret", ""),
    ],
)
@pytest.mark.parametrize("mode", [0o604, 0o640])
def test_doctor_reports_a_secret_that_others_can_read(patchwarden: Call, name: str, settings: str, mode: int) -> None:
    Path("var").mkdir(mode=0o700)
    Path("patchwarden.toml").write_text(settings)
    Path(name).write_text("x" * 40)
    Path(name).chmod(mode)
    status, out, _ = patchwarden("doctor")

    assert (status, "other users can read" in out, "fix: chmod 600 " in out) == (2, True, True)
    Path(name).chmod(0o400)
    assert patchwarden("doctor")[0] == 0


def test_doctor_can_leave_out_what_only_the_sender_can_read(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text(
        '[sending]\ntransport = "smtp"\nhost = "mail.example.org"\nuser = "warden"\npassword_file = "nowhere"\n'
    )

    assert [patchwarden("doctor")[0], patchwarden("doctor", "--no-deliver")[0]] == [2, 0]
