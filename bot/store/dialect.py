# SPDX-License-Identifier: GPL-2.0-or-later
"""The differences between SQLite and PostgreSQL. Only the modules named here know which of them they work on.

The store has one set of statements, in the SQL of SQLite. `bot.store.postgres` translates the plain ones for
PostgreSQL; SQLAlchemy renders the others (`bot.store.sqlalchemy_dialect`). PostgreSQL keeps what the statements expect
of SQLite: texts are compared by their bytes, truth values are the numbers 0 and 1, plain statements read times as
texts, and all writers wait for one lock.

SQLAlchemy is not imported here: most commands that read do not need it.
"""

import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from bot.store.postgres import BUSY_MS, DriverMissingError, PostgresConnection, Rows, open_server

LISTED: Final = "(SELECT value FROM json_each(?))"
"""The items of a value that is a list in JSON, for a statement with IN."""
_STEPS: Final = 20_000  # of SQLite's machine between two looks at the clock
_WEB_BUSY_SECONDS: Final = 0.5
_CACHE_KB: Final = 512  # of pages of the database in memory; a request reads few pages twice
_IS_FOREIGN: Final = "SELECT count(*) > 0 AND total(name = 'alembic_version') = 0 FROM sqlite_master"
_COUNTING_TRIGGERS: Final = """
SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE tgname LIKE 'count@_%' ESCAPE '@' AND pg_table_is_visible(tgrelid)"""
_FIXES: Final = {
    "readonly": "it cannot be written; allow this user to write the file and its folder",
    "disk is full": "the disk is full; nothing was lost; free some space",
    "not a database": "it is not a SQLite database; name another file, or move this file away",
    "disk I/O error": "it cannot be read or written; check whether the disk is full or damaged",
    "no table alembic_version": "another program wrote it; name another file, or move this file away",
    "malformed": "the file is damaged; restore a backup, or move the file away and start again",
    "locked": "another program has locked it; stop that program or try again",
    "unable to open": "it cannot be opened; check that the folder exists and that this user may write to it",
    "authentication failed": "the server refuses the user or the password; correct the URL or the password file",
    "FATAL: database": "the server does not know it; create it with `createdb`, or correct the URL",
    "connection to server": "the server cannot be reached; start it, or correct the URL",
    "server closed the connection": "the connection was cut; nothing was lost; it is made again",
    "terminating connection": "the server ended the connection; nothing was lost; it is made again",
    "lock timeout": "another process has written for too long; stop that process or try again",
    "No space left": "the disk of the server is full; nothing was lost; free some space",
    "read-only transaction": "it cannot be written here; name the primary server in the URL",
    "permission denied": "the user of the URL may not do this; make that user the owner of the database",
}


class Plain(Protocol):
    """A connection for plain statements, in the SQL of SQLite. Times are texts."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


def driver_errors() -> tuple[type[Exception], ...]:
    """Return the classes of the errors of the drivers that are loaded, and of a driver that is missing."""
    psycopg: Any = sys.modules.get("psycopg")
    return (sqlite3.Error, DriverMissingError, *((psycopg.Error,) if psycopg else ()))


def session_errors() -> tuple[type[Exception], ...]:
    """Return the class of the errors in which SQLAlchemy, if it is loaded, wraps those of a driver."""
    error = getattr(sys.modules.get("sqlalchemy.exc"), "DBAPIError", None)  # another thread may be loading it
    return (error,) if error else ()


def reason_of(error: Exception) -> str:
    """Return the message of an error of a driver or of the system, with what to do about it if that is known."""
    message = " ".join(str(error).split())
    return next((f"{fix} ({message})" for sign, fix in _FIXES.items() if sign in message), message)


def name_of(path: Path, server: str) -> str:
    """Return how messages name the database: by its path, or by its URL without the password."""
    if not server:
        return str(path)
    parts = urlsplit(server)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(("postgresql", f"{user}{parts.hostname or ''}{port}", parts.path, "", ""))


def plain(connection: Any) -> Plain:
    """Return the connection of a driver as one for plain statements."""
    return connection if isinstance(connection, sqlite3.Connection) else PostgresConnection(connection)


def open_reading(path: Path, server: str, busy_seconds: float = BUSY_MS / 1000, max_seconds: float = 0) -> Plain:
    """Open a connection for reading only, without SQLAlchemy. Nothing is created.

    `busy_seconds` is how long a statement waits for a lock of SQLite, `max_seconds` how long it takes at most on a
    server. Raises an error of `driver_errors`.
    """
    if server:
        return open_server(server, max_seconds)
    uri = f"file:{quote(os.fsencode(path))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=busy_seconds, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    return connection


def open_writing(path: Path, server: str) -> Plain:
    """Open a connection for plain statements that write, without SQLAlchemy. Every commit is durable.

    Nothing is created. Raises an error of `driver_errors`.
    """
    if server:
        return open_server(server)
    uri = f"file:{quote(os.fsencode(path))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_MS / 1000, isolation_level=None)
    _prepare_sqlite(connection)
    return connection


def open_file(path: Path) -> sqlite3.Connection:
    """Open a SQLite file for plain statements of any thread, and create it. Every commit is durable.

    Transactions begin where a statement begins them, and not where the driver would. The database of another program is
    refused and not changed. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if not pages:  # It only affects a new file, and waits for the write lock.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL").close()
    else:
        try:
            refuse_foreign(connection)
        except sqlite3.Error:
            connection.close()
            raise
    _prepare_sqlite(connection)
    return connection


def refuse_foreign(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError if the database has tables, but another program made them."""
    if connection.execute(_IS_FOREIGN).fetchone()[0]:
        raise sqlite3.DatabaseError("no table alembic_version")


def open_web(path: Path, server: str, max_seconds: float) -> Plain:
    """Open a connection for one request of a page, for reading only: its statements take limited time and memory."""
    if server:
        return open_server(server, max_seconds)
    uri = f"file:{quote(str(path))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=_WEB_BUSY_SECONDS, isolation_level=None)
    end = time.monotonic() + max_seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
    return connection


def iterate(connection: Plain, query: str, values: Sequence[Any]) -> Iterator[Any]:
    """Yield the rows of a statement while they are read: the caller may stop early."""
    if isinstance(connection, PostgresConnection):
        return connection.iterate(query, values)
    return iter(connection.execute(query, values))


def run_script(connection: Plain, script: str) -> None:
    """Execute statements that only a server knows. Raises TypeError for a file of SQLite."""
    if not isinstance(connection, PostgresConnection):
        raise TypeError("only a server has these statements")
    connection.run_script(script)


def sizes(connection: Plain) -> tuple[int, int]:
    """Return the number of bytes of the database, and how many of them are free; PostgreSQL does not count these."""
    if isinstance(connection, PostgresConnection):
        return connection.execute("SELECT pg_database_size(current_database())").fetchone()[0], 0
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return size * pages, size * free


def continue_numbers(original: Plain, copy: Plain) -> None:
    """Let the copy of a SQLite database on a server number new rows after those of the original."""
    for table in ("mail", "thread", "block"):
        last = copy.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0  # noqa: S608 constants
        ever = original.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()[0] or 0
        if number := max(last, ever):
            copy.execute("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", (table, number))


@contextmanager
def uncounted(connection: Plain) -> Iterator[None]:
    """Let a server not count rows that the block adds. In one transaction, each count takes longer than the one before.

    An error in the block must end the transaction.
    """
    triggers = connection.execute(_COUNTING_TRIGGERS).fetchall()
    for table, name in triggers:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    yield
    for table, name in triggers:
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")


def _prepare_sqlite(connection: Any) -> None:
    """Let the connection write as all others do: in WAL mode, with durable commits."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def writing_options(server: str) -> dict[str, Any]:
    """Return the options of a transaction with the write lock."""
    return {"immediate": True, **({"isolation_level": "READ COMMITTED"} if server else {})}


@contextmanager
def snapshot(connection: Plain) -> Iterator[None]:
    """Read one snapshot of the data in all statements of the block."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def undo_in_memory(connection: Plain) -> Iterator[None]:
    """Let SQLite keep in memory what undoes a statement or savepoint in the block: the pages that it changed.

    SQLite would write them to a temporary file, which it makes for each transaction.
    """
    if not isinstance(connection, sqlite3.Connection):
        yield
        return
    connection.execute("PRAGMA temp_store=MEMORY").close()
    try:
        yield
    finally:
        connection.execute("PRAGMA temp_store=DEFAULT").close()


@contextmanager
def transaction(connection: Plain) -> Iterator[None]:
    """Hold the write lock during the block. Commit at its end, or roll back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
