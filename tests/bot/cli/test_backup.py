# SPDX-License-Identifier: GPL-2.0-or-later
import hashlib
import json
import os
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ports.installation import Attempt
from bot.ports.raw_mail import Batch, RawMail
from bot.store.ledger import LedgerFile, ledger_path, read_ledger
from bot.store.repository import Repository
from bot.store.roles import sole_worker
from bot.store.secret import secret_path
from tests.bot.cli.conftest import Call

DATABASE = Path("var/patchwarden.db")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _installation(_elsewhere: None) -> None:
    """A database with a mail, a ledger with another, a secret, settings, and the secret of the commands."""
    Path("secret").write_text("s" * 40)
    Path("secret").chmod(0o600)
    Path("patchwarden.toml").write_text("[commands]\nsecret_file = 'secret'\n")
    _ingest(1)
    _sends(1)
    with Repository(DATABASE) as store:
        store.secret(NOW)


def _ingest(*numbers: int) -> None:
    with Repository(DATABASE) as store:
        for number in numbers:
            store.ingest(Batch("l", "0", str(number), (RawMail(str(number), NOW, b"%d" % number),)))


def _sends(*numbers: int) -> None:
    ledger = LedgerFile(ledger_path(DATABASE))
    ledger.start("name", 1, NOW)
    ledger.begin([Attempt(f"{number}@bot.example.org", "review", f"{number}@x") for number in numbers], NOW)


def _mails() -> int:
    with Repository(DATABASE) as store:
        return store.tally().raw


def test_a_backup_of_a_damaged_database_names_it(patchwarden: Call) -> None:
    DATABASE.write_bytes(DATABASE.read_bytes()[:5000])

    status, _, err = patchwarden("backup", "copy")

    assert status == 3
    assert err.startswith(
        f"patchwarden: backup copy: cannot copy {DATABASE.absolute()}: the file is damaged; restore a"
    )
    assert not Path("copy").exists()


def test_the_database_of_another_program_is_neither_backed_up_nor_restored(patchwarden: Call) -> None:
    with closing(sqlite3.connect("notes.db")) as connection:
        connection.execute("CREATE TABLE notes (text)")
    Path("notes.toml").write_text("database = 'notes.db'\n")
    patchwarden("backup", "copy")
    manifest = json.loads(Path("copy/manifest.json").read_bytes())
    manifest["files"][DATABASE.name] = hashlib.sha256(Path("notes.db").read_bytes()).hexdigest()
    Path("copy/manifest.json").write_text(json.dumps(manifest))
    Path("copy", DATABASE.name).write_bytes(Path("notes.db").read_bytes())

    backed_up = patchwarden("--config", "notes.toml", "backup", "notes")
    restored = patchwarden("restore", "copy", "--force")

    assert (backed_up[0], "another program wrote it" in backed_up[2]) == (3, True)
    assert (restored[0], "it is not a backup of patchwarden" in restored[2]) == (3, True)
    assert not Path("notes").exists()
    assert _mails() == 1


def test_a_backup_has_all_that_belongs_together_and_only_we_can_read_it(patchwarden: Call) -> None:
    with Repository(DATABASE) as store:  # as a running service has it open
        store.ingest(Batch("l", "0", "2", (RawMail("2", NOW, b"2"),)))
        status, out, _ = patchwarden("backup", "keep/copy")
    folder = Path("keep/copy")

    assert (status, out) == (0, "keep/copy: patchwarden.db, secret, settings.toml, commands-secret, ledger\n")
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "secret").read_bytes() == secret_path(DATABASE).read_bytes()
    assert (folder / "ledger").read_bytes() == ledger_path(DATABASE).read_bytes()
    assert [path.name for path in Path("keep").iterdir()] == ["copy"]
    with closing(sqlite3.connect(folder / "patchwarden.db")) as copy:
        assert copy.execute("SELECT count(*) FROM mail").fetchone() == (2,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_backup_replaces_nothing_and_needs_a_database(patchwarden: Call) -> None:
    Path("there").mkdir()

    assert patchwarden("backup", "there")[0] == 3
    DATABASE.unlink()
    assert patchwarden("backup", "new")[0] == 2
    assert not Path("new").exists()


def test_on_an_empty_machine_everything_comes_back(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    secret = secret_path(DATABASE).read_bytes()
    for path in (*DATABASE.parent.iterdir(), Path("patchwarden.toml"), Path("secret")):
        path.unlink()
    status, out, _ = patchwarden("restore", "copy")

    assert (status, "reconcile --apply" in out) == (0, True)
    assert Path("patchwarden.toml").read_text() == "[commands]\nsecret_file = 'secret'\n"
    assert Path("secret").read_text() == "s" * 40
    assert (_mails(), secret_path(DATABASE).read_bytes()) == (1, secret)
    state = read_ledger(ledger_path(DATABASE))
    assert state is not None
    assert (list(state.attempts), state.is_restored) == (["1@bot.example.org"], True)


def test_files_in_the_way_are_replaced_only_by_force(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    _ingest(2, 3)
    status, _, err = patchwarden("restore", "copy")
    assert (status, "use `--force` to replace it" in err, _mails()) == (3, True, 3)

    assert patchwarden("restore", "--force", "copy")[0] == 0
    assert _mails() == 1
    assert not [*DATABASE.parent.glob("*.part")]


def test_the_ledger_in_place_is_never_shortened(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    _sends(2, 3)
    before = ledger_path(DATABASE).read_bytes()
    assert patchwarden("restore", "--force", "copy")[0] == 0

    assert ledger_path(DATABASE).read_bytes().startswith(before)
    state = read_ledger(ledger_path(DATABASE))
    assert state is not None
    assert (len(state.attempts), state.is_restored) == (3, True)


def test_a_ledger_that_lacks_lines_gets_those_of_the_backup(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    ledger_path(DATABASE).unlink()
    _sends(7)
    assert patchwarden("restore", "--force", "copy")[0] == 0

    state = read_ledger(ledger_path(DATABASE))
    assert state is not None
    assert set(state.attempts) == {"1@bot.example.org", "7@bot.example.org"}


def test_nothing_is_restored_while_a_service_runs(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    with sole_worker(DATABASE):
        status, _, err = patchwarden("restore", "--force", "copy")

    assert (status, "another patchwarden works on it" in err) == (3, True)


@pytest.mark.parametrize("name", ["patchwarden.db", "ledger", "secret", "manifest.json"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_backup_is_not_restored(patchwarden: Call, name: str, damage: str) -> None:
    patchwarden("backup", "copy")
    _ingest(2)
    path = Path("copy") / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-5])
    status, _, err = patchwarden("restore", "--force", "copy")

    assert (status, err.startswith("patchwarden: backup copy: ")) == (3, True)
    assert _mails() == 2


@pytest.mark.parametrize(
    ("name", "problem"), [("var", "it has no manifest.json"), ("nowhere", "there is no such folder")]
)
def test_a_folder_that_is_no_backup_is_named(patchwarden: Call, name: str, problem: str) -> None:
    status, _, err = patchwarden("restore", name)

    expected = f"patchwarden: backup {name}: {problem}; name a folder that `patchwarden backup` created\n"
    assert (status, err) == (3, expected)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_what_root_restores_belongs_to_the_user_of_the_service(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    ledger_path(DATABASE).unlink()
    secret_path(DATABASE).unlink()
    for path in (DATABASE.parent, DATABASE, Path("secret")):
        os.chown(path, 1234, 1234)
    os.chown("patchwarden.toml", 0, 1234)
    Path("patchwarden.toml").chmod(0o640)
    patchwarden("restore", "--force", "copy")
    patchwarden("stop")

    beside = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in DATABASE.parent.iterdir()}
    assert {"patchwarden.db.ledger", "patchwarden.db.secret", "patchwarden.db.lock", "stop"} <= set(beside)
    assert set(beside.values()) == {(1234, 1234)}
    assert Path("secret").stat().st_uid == 1234
    settings = Path("patchwarden.toml").stat()
    assert (settings.st_uid, settings.st_gid, stat.S_IMODE(settings.st_mode)) == (0, 1234, 0o640)


def test_a_restored_database_keeps_only_the_sender_from_starting(patchwarden: Call) -> None:
    with Path("patchwarden.toml").open("a") as file:
        file.write("[sending]\ntransport = 'maildir'\n[lists.'rust@lists.example.org']\nmode = 'moderate'\n")
    patchwarden("backup", "copy")
    patchwarden("restore", "--force", "copy")
    DATABASE.parent.chmod(0o700)
    for path in DATABASE.parent.iterdir():
        path.chmod(0o600)
    sender, reviewer = patchwarden("doctor"), patchwarden("doctor", "--no-deliver")

    assert (sender[0], "wrong ledger: nothing is sent: " in sender[1]) == (2, True)
    assert (reviewer[0], "ok    ledger: nothing is sent: " in reviewer[1]) == (0, True)


def test_a_manifest_names_no_file_elsewhere(patchwarden: Call) -> None:
    patchwarden("backup", "copy")
    manifest = Path("copy/manifest.json")
    content = json.loads(manifest.read_bytes())
    content["files"]["../secret"] = content["files"]["secret"]
    manifest.write_text(json.dumps(content))

    assert patchwarden("restore", "--force", "copy")[0] == 3
