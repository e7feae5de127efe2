# SPDX-License-Identifier: GPL-2.0-or-later
"""What `patchwarden doctor` says about a keyring of developers' keys."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.__main__ import call
from bot.app.keyring import find_keyring_problems

Doctor = Callable[[], tuple[int, list[str]]]


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patchwarden.toml").write_text('[lore]\nkeyring = "keys"\n')
    return tmp_path / "keys"


@pytest.fixture
def doctor(capfd: pytest.CaptureFixture[str]) -> Doctor:
    def run() -> tuple[int, list[str]]:
        capfd.readouterr()
        status = call(["doctor"])
        return status, [line for line in capfd.readouterr().out.splitlines() if " keyring: " in line]

    return run


def _add(keyring: Path, name: str, content: str = "key") -> Path:
    path = keyring / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    for folder in (path, *path.parents):
        if keyring in (folder, *folder.parents):
            folder.chmod(0o755 if folder.is_dir() else 0o644)
    return path


def test_the_keys_of_each_kind_are_counted(keyring: Path, doctor: Doctor) -> None:
    _add(keyring, "ed25519/example.org/ada/default")
    _add(keyring, "ed25519/example.org/bob/20260101")
    _add(keyring, "by-hash/0a/0b")
    _add(keyring, ".git/config").chmod(0o666)
    (keyring / "ed25519" / "example.org" / "bob" / "default").symlink_to("20260101")

    status, (line,) = doctor()

    assert status == 0
    assert f"keyring: {keyring}, keys: 3 ed25519, 1 by-hash" in line


@pytest.mark.parametrize(
    ("name", "mode"), [("", 0o777), ("ed25519/example.org", 0o775), ("ed25519/example.org/ada/default", 0o646)]
)
def test_a_keyring_that_others_can_write_is_wrong(keyring: Path, doctor: Doctor, name: str, mode: int) -> None:
    _add(keyring, "ed25519/example.org/ada/default")
    (keyring / name).chmod(mode)

    status, lines = doctor()

    assert status == 2
    assert f"other users can write {keyring / name}, and so give anybody's commands" in lines[0]
    assert [f"chmod -R go-w {keyring}"] == [problem.fix for problem in find_keyring_problems(keyring)]


def test_an_empty_key_is_wrong_and_so_is_a_link_to_none(keyring: Path, doctor: Doctor) -> None:
    empty = _add(keyring, "ed25519/example.org/ada/default", "")
    lost = keyring / "ed25519" / "example.org" / "ada" / "old"
    lost.symlink_to("nowhere")

    status, lines = doctor()

    assert status == 2
    assert f"empty or unreadable: {empty}, {lost}" in lines[0]


def test_a_keyring_without_keys_is_wrong(keyring: Path, doctor: Doctor) -> None:
    (keyring / "pgp").mkdir(parents=True)

    status, lines = doctor()

    assert status == 2
    assert f"{keyring} has no key" in lines[0]


def test_a_program_that_a_kind_needs_is_missed(keyring: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(keyring, "openpgp/example.org/ada/default")
    known = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "gpg" else known(name))

    status, lines = doctor()

    assert status == 2
    assert "gpg is missing, so openpgp signatures are not verified" in lines[0]


def test_a_keyring_that_the_settings_name_must_exist(keyring: Path, doctor: Doctor) -> None:
    status, lines = doctor()

    assert status == 2
    assert f"{keyring} is not a directory" in lines[0]


def test_without_a_keyring_doctor_reports_nothing(keyring: Path, doctor: Doctor) -> None:
    (keyring.parent / "patchwarden.toml").write_text("")

    assert doctor()[1] == []
