# SPDX-License-Identifier: GPL-2.0-or-later
"""Read and change what the store wrote, without the store."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.store.blocks import unpack_block
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.listing import StoreReader
from bot.store.postgres import open_server
from bot.store.web import SqliteWebStore
from tests.fakes.postgres import server

_OPENED: dict[str, bool] = {"on_server": False}


def use_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each database that this test opens by its path be one of the PostgreSQL server."""
    server()  # before a test forks: its children use the same one
    monkeypatch.setitem(_OPENED, "on_server", True)
    for kind in (Database, StoreReader, SqliteWebStore):
        monkeypatch.setattr(kind, "__init__", _on_server(kind.__init__))


def _on_server(initialise: object) -> object:
    def with_server(self: object, path: Path, *arguments: object, **named: object) -> None:
        # Repository gives all arguments of Database by their places, and commands those of readers.
        *others, last = arguments or ("",)
        if "server" in named or "://" in str(last):  # the server's own template, or the URL in the settings
            initialise(self, path, *arguments, **named)  # type: ignore[operator]
            return
        before = others if isinstance(last, str) else arguments
        initialise(self, path, *before, server=server().url_of(path))  # type: ignore[operator]

    return with_server


def url_of(path: Path) -> str:
    """Return the URL of the database that stands for the file at `path`, or "" if it is that file."""
    return server().url_of(path) if _OPENED["on_server"] else ""


def database_setting(path: Path) -> str:
    """Return the line of the settings that names the database which stands for the file at `path`."""
    return f'database = "{url_of(path) or path}"\n'


@contextmanager
def opened(path: Path) -> Iterator[Plain]:
    """Open the database of that path for plain statements, which are committed at the end."""
    with closing(open_server(server().url_of(path)) if _OPENED["on_server"] else _file(path)) as connection:
        yield connection
        connection.commit()


def copy_folder(source: Path, target: Path, database: str) -> None:
    """Copy a folder and the database of that name in it."""
    shutil.copytree(source, target)
    if _OPENED["on_server"]:
        server().copy(source / database, target / database)


def stored_mails(database: Plain) -> list[tuple[bytes, str]]:
    """Return the bytes and the state of each mail."""
    blocks = {block: unpack_block(content) for block, content in database.execute("SELECT id, content FROM block")}
    rows = database.execute("SELECT block, start, length, state FROM mail ORDER BY id").fetchall()
    return [(blocks.get(block, b"")[start : start + length], state) for block, start, length, state in rows]


def _file(path: Path) -> Plain:
    return sqlite3.connect(path)
