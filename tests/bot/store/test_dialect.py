# SPDX-License-Identifier: GPL-2.0-or-later
"""The translation of plain statements, and what commands say about a database on a server."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from bot.error import SettingsError
from bot.settings.load import load
from bot.store.dialect import name_of, session_errors
from bot.store.error import StoreError
from bot.store.postgres import translated
from bot.store.repository import Repository
from bot.store.roles import Role, running, sole_worker
from tests.fakes.postgres import server, skip_if_missing

pytestmark = pytest.mark.sqlite
URL = "postgresql+psycopg://ada:hidden@db.example.org:5433/patchwarden"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = '?' LIMIT ?", "SELECT a FROM t WHERE b = $1 AND c = '?' LIMIT $2"),
        ("SELECT ?2, ?1, ?2", "SELECT $2, $1, $2"),
        (
            "SELECT a FROM t INDEXED BY ix WHERE +a = 1 + 2 AND b LIKE ?",
            "SELECT a FROM t  WHERE a = 1 + 2 AND b ILIKE $1",
        ),
        ("x CROSS JOIN t AS p INDEXED BY ix ON p.a = x.a", "x JOIN t AS p  ON p.a = x.a"),
        ("SELECT a FROM x CROSS JOIN t WHERE x.a = t.a", "SELECT a FROM x CROSS JOIN t WHERE x.a = t.a"),
        ("VALUES (x'', instr(a, ':'))", "VALUES (''::bytea, strpos(a, ':'))"),
    ],
)
def test_a_plain_statement_is_translated(query: str, expected: str) -> None:
    assert translated(query) == expected


def test_a_message_names_a_server_without_its_password() -> None:
    assert name_of(Path("d.db"), URL) == "postgresql://ada@db.example.org:5433/patchwarden"


def _settings(folder: Path, url: str) -> Path:
    file = folder / "patchwarden.toml"
    file.write_text(f'database = "{url}"\n')
    return file


@pytest.mark.usefixtures("empty_folder")
def test_the_url_of_a_server_is_a_database_with_files_beside_it(tmp_path: Path) -> None:
    settings = load(_settings(tmp_path, URL))

    assert (settings.server, settings.database) == (URL, tmp_path / "var" / "patchwarden.db")


@pytest.mark.parametrize(
    ("url", "expected"),
    [("mysql://db.example.org/patchwarden", "not the URL of a PostgreSQL"), (URL.rpartition("/")[0], "does not name")],
)
def test_a_wrong_url_is_refused_with_its_line(tmp_path: Path, url: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=rf"patchwarden\.toml:1: database: .*{expected}"):
        load(_settings(tmp_path, url))


def test_a_server_that_does_not_run_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the server cannot be reached; start it, or correct the URL"):
        Repository(tmp_path / "d.db", server=f"postgresql+psycopg://ada@/name?host={tmp_path}")


def test_a_missing_driver_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreError, match=r"install it with `pip install -e '\.\[postgres\]'`"):
        Repository(tmp_path / "d.db", server=URL)


def test_a_sender_on_another_machine_is_noticed(tmp_path: Path) -> None:
    skip_if_missing()
    url = server().url_of(tmp_path / "d.db")
    with (
        sole_worker(tmp_path / "here" / "d.db", Role.SENDER, server=url),
        pytest.raises(StoreError, match="a patchwarden on another machine works on it as its sender"),
        sole_worker(tmp_path / "there" / "d.db", Role.SENDER, server=url),
    ):
        pass
    with sole_worker(tmp_path / "there" / "d.db", Role.SENDER, server=url):
        pass


def test_a_role_of_another_machine_is_seen(tmp_path: Path) -> None:
    skip_if_missing()
    here, there, url = tmp_path / "here" / "d.db", tmp_path / "there" / "d.db", server().url_of(tmp_path / "d.db")

    assert running(there, Role.SENDER, url) == ""
    with sole_worker(here, Role.SENDER, server=url):
        assert running(here, Role.SENDER, url) == str(os.getpid())
        assert running(there, Role.SENDER, url) == "of another machine"
        assert running(there, Role.REVIEWER, url) == running(there, Role.SENDER) == ""
    assert running(there, Role.SENDER, url) == ""
    assert running(there, Role.SENDER, f"postgresql+psycopg://ada@/name?host={tmp_path}") == ""


@pytest.mark.usefixtures("empty_folder")
def test_commands_work_on_a_server(tmp_path: Path, service_of: Callable[..., tuple[int, str]]) -> None:
    skip_if_missing()
    file = _settings(tmp_path, server().url_of(tmp_path / "d.db"))

    assert service_of(file, "run", "--once")[0] == 0
    for command in (("outbox", "list"), ("pending",), ("quarantine", "list"), ("mute", "list"), ("doctor",)):
        assert service_of(file, *command)[0] == 0, command
    assert "filed" in service_of(file, "outbox", "list")[1]
    for command in (("backup", str(tmp_path / "copy")), ("restore", str(tmp_path / "copy"))):
        assert service_of(file, *command)[0] != 0


@pytest.fixture
def service_of(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command line with a settings file; return its status and what it printed."""
    from bot.__main__ import call

    def run(file: Path, *arguments: str) -> tuple[int, str]:
        status = call(["--config", str(file), *arguments])
        return status, capfd.readouterr().out

    return run


def test_an_error_is_reported_while_another_thread_loads_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy.exc", ModuleType("sqlalchemy.exc"))

    assert session_errors() == ()
