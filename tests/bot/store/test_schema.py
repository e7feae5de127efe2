# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema of a new file. `make schema` writes bot/store/migrations/schema.sql as the migrations make it."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.listing import StoreReader
from bot.store.schema import SCHEMA, create_schema

_HEAD = """\
-- SPDX-License-Identifier: GPL-2.0-or-later
-- What all migrations together make. Written by `make schema`.
"""
_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"
_STATEMENTS = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"


def _migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patch:
        patch.setattr("bot.store.database.create_schema", lambda _: False)
        Database(path).close()
    return path


def _contents(path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return all rows of the database as statements, and all objects of its schema in order."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump()), connection.execute(_OBJECTS).fetchall()


@pytest.mark.sqlite
def test_a_new_file_is_as_the_migrations_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated = _migrated(tmp_path / "migrated.db", monkeypatch)
    if os.environ.get("SCHEMA") == "rewrite":
        with closing(sqlite3.connect(migrated)) as connection:
            statements = [f"{statement};\n" for (statement,) in connection.execute(_STATEMENTS)]
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        statements.append(f"INSERT INTO alembic_version VALUES ('{version}');\n")
        SCHEMA.write_text(_HEAD + "".join(statements), "utf-8")
    Database(tmp_path / "new.db").close()

    assert _contents(tmp_path / "new.db") == _contents(migrated)
    assert StoreReader(tmp_path / "new.db").is_current()


@pytest.mark.sqlite
def test_a_file_with_a_table_is_not_new(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "d.db")) as connection:
        connection.execute("CREATE TABLE cursor (source)")

        assert not create_schema(connection)
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


@pytest.mark.sqlite
def test_a_file_with_a_table_is_not_locked(tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(tmp_path / "d.db", isolation_level=None)) as other,
        closing(sqlite3.connect(tmp_path / "d.db", timeout=0)) as connection,
    ):
        other.execute("CREATE TABLE cursor (source)")
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")

        assert not create_schema(connection)


@pytest.mark.sqlite
def test_a_file_that_several_threads_create_has_one_schema(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for database in threads.map(lambda _: Database(tmp_path / "d.db"), range(8)):
            database.close()

    assert StoreReader(tmp_path / "d.db").is_current()
