# SPDX-License-Identifier: GPL-2.0-or-later
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store.error import StoreError
from bot.store.repository import Repository
from bot.store.secret import SECRET_BYTES, create_secret, secret_path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_first_call_creates_a_secret_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Repository(tmp_path / "d.db") as store:
            secret = store.secret(NOW)
    finally:
        os.umask(before)
    path = secret_path(tmp_path / "d.db")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (path.read_bytes(), len(secret)) == (secret, SECRET_BYTES)
    assert [*tmp_path.glob("*.new")] == []


def test_the_secret_stays_and_is_never_overwritten(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        assert store.secret(NOW) == store.secret(NOW)
    with Repository(tmp_path / "d.db") as store:
        assert store.secret(NOW) == secret_path(tmp_path / "d.db").read_bytes()
    with pytest.raises(StoreError, match="cannot be written"):
        create_secret(tmp_path / "d.db")


def test_two_installations_have_two_secrets(tmp_path: Path) -> None:
    with Repository(tmp_path / "a.db") as first, Repository(tmp_path / "b.db") as other:
        assert first.secret(NOW) != other.secret(NOW)


def test_a_lost_secret_is_an_error_and_not_made_anew(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        store.secret(NOW)
        secret_path(tmp_path / "d.db").unlink()
        with pytest.raises(StoreError, match=r"it is lost.*restore it from a backup"):
            store.secret(NOW)
        assert not secret_path(tmp_path / "d.db").exists()

        store.secret(NOW, settle=True)
        assert store.secret(NOW) == secret_path(tmp_path / "d.db").read_bytes()


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (bytes(SECRET_BYTES - 1), 0o600, "31 bytes instead of 32"),
        (b"", 0o600, "0 bytes instead of 32"),
        (bytes(SECRET_BYTES), 0o640, "run `chmod 600"),
        (bytes(SECRET_BYTES), 0o604, "run `chmod 600"),
        (bytes(SECRET_BYTES), 0o600, "not the secret of the database"),
    ],
)
def test_a_secret_that_cannot_be_used_is_an_error_that_says_what_to_do(
    tmp_path: Path, content: bytes, mode: int, says: str
) -> None:
    with Repository(tmp_path / "d.db") as store:
        store.secret(NOW)
        path = secret_path(tmp_path / "d.db")
        path.write_bytes(content)
        path.chmod(mode)
        with pytest.raises(StoreError, match=says):
            store.secret(NOW)


@pytest.mark.sqlite
def test_a_database_that_is_newer_than_the_secret_uses_it_and_says_that_it_does_not_know_it(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        secret = store.secret(NOW)
    for path in tmp_path.glob("d.db*"):
        if path != secret_path(tmp_path / "d.db"):
            path.unlink()
    with Repository(tmp_path / "d.db") as store:
        assert store.secret(NOW) == secret
        assert not store.installation(NOW).knows_secret
        assert store.secret(NOW, settle=True) == secret
        assert store.installation(NOW).knows_secret
