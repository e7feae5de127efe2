# SPDX-License-Identifier: GPL-2.0-or-later
"""The differences between SQLite and PostgreSQL. No other module knows which of them it works on.

The store has one set of statements, in the SQL of SQLite. A plain statement is translated for PostgreSQL; SQLAlchemy
renders the others. PostgreSQL keeps what the statements expect of SQLite: texts are compared by their bytes, truth
values are the numbers 0 and 1, plain statements read times as texts, and all writers wait for one lock.

Psycopg and SQLAlchemy are imported where they are needed: most commands that read need neither of them.
"""

import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import quote, urlsplit, urlunsplit

from bot.error import AdapterError
from rules.lazy import re

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.dialects.sqlite import Insert
    from sqlmodel import Session

SCHEME: Final = "postgresql+psycopg"
"""The scheme of the URL of a PostgreSQL database."""
BUSY_MS: Final = 30_000
"""How long a writer waits for the other writers."""
_IDLE_MS: Final = 300_000  # of an open transaction; a process that hangs loses the lock of writers
_LOCK: Final = 0x7061_7463_6877  # the number of the lock of writers, which every database has for itself
_ROLES: Final = 0x7077  # the group of the locks of roles
_IS_LOCKED: Final = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_TAKE_LOCK: Final = f"SELECT pg_advisory_xact_lock({_LOCK})"
_OPTIONS: Final = (
    "-c timezone=UTC -c datestyle=ISO -c client_encoding=UTF8 -c bytea_output=hex -c synchronous_commit=on "
    f"-c lock_timeout={BUSY_MS} -c idle_in_transaction_session_timeout={_IDLE_MS} "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 -c tcp_user_timeout=60000"
)
KEEPALIVE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How fast a connection that a network lost is noticed. The options above tell the server the same."""
_STEPS: Final = 20_000  # of SQLite's machine between two looks at the clock
_WEB_BUSY_SECONDS: Final = 0.5
_CACHE_KB: Final = 512  # of pages of the database in memory; a request reads few pages twice
_TIME_DIGITS: Final = len("2026-03-02 09:00:00.000000")
_TOKEN: Final = re.compile(
    r"'[^']*'|\?(?P<number>\d*)|\bINDEXED BY \w+|(?P<join>\bCROSS JOIN (?=\w+(?: AS \w+)?(?: INDEXED BY \w+)? ON ))"
    r"|(?P<json>\bjson_each\(\?\))|\bLIKE\b|\binstr\(|(?P<plus>(?<=[ (])\+(?=[a-z]))"
)
_NUL_IN_JSON: Final = r"'\u0000', '\ufffd'"
_BYTES: Final = re.compile(r"\bx''")
_SYNONYMS: Final = {"LIKE": "ILIKE", "instr(": "strpos("}
_IS_FOREIGN: Final = "SELECT count(*) > 0 AND total(name = 'alembic_version') = 0 FROM sqlite_master"
INSTALL: Final = "install it with `pip install -e '.[postgres]'` in the source tree"
"""What to do if a package for PostgreSQL is missing."""
_FIXES: Final = {
    "readonly": "it cannot be written; allow this user to write the file and its folder",
    "disk is full": "the disk is full; nothing was lost; free some space and start again",
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
    "No space left": "the disk of the server is full; nothing was lost; free some space and start again",
    "read-only transaction": "it cannot be written here; name the primary server in the URL",
    "permission denied": "the user of the URL may not do this; make that user the owner of the database",
}


class Rows(Protocol):
    """The result of a plain statement."""

    @property
    def description(self) -> Any: ...

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Plain(Protocol):
    """A connection for plain statements, in the SQL of SQLite. Times are texts."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class DriverMissingError(AdapterError):
    """The driver of PostgreSQL is not installed."""


class PostgresConnection:
    """A connection of psycopg that takes the plain statements of SQLite."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._before: tuple[Any, Any] | None = None  # the isolation of the connection outside of our transactions
        self._streams = 0

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status.name in ("ACTIVE", "INTRANS")

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Rows:
        """Execute a statement. BEGIN opens a snapshot, and BEGIN IMMEDIATE a transaction with the lock of writers."""
        cursor: Rows = _cursors()[0](self._connection)
        if query == "BEGIN":
            self._isolate("REPEATABLE_READ", read_only=True)
        elif query == "BEGIN IMMEDIATE":
            self._isolate("READ_COMMITTED", read_only=False)
            cursor.execute(_TAKE_LOCK)  # type: ignore[attr-defined]
        elif query == "ROLLBACK":
            self.rollback()
        else:
            cursor.execute(translated(query), values)  # type: ignore[attr-defined]
        return cursor

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        cursor: Rows = _cursors()[0](self._connection)
        cursor.executemany(translated(query), rows)  # type: ignore[attr-defined]
        return cursor

    def run_script(self, script: str) -> None:
        """Execute statements of PostgreSQL, which have no values, in the open transaction."""
        self._connection.execute(script.encode())

    def iterate(self, query: str, values: Sequence[Any]) -> Iterator[Any]:
        """Yield the rows while they are read from the server, a few at a time."""
        self._streams += 1
        with _cursors()[1](self._connection, f"rows_{self._streams}") as cursor:
            cursor.itersize = 200
            cursor.execute(translated(query), values)
            yield from cursor

    def hold(self) -> None:
        """Let the connection stay open without a transaction, for the locks that it has."""
        self._connection.set_autocommit(True)

    def try_lock(self, number: int) -> bool:
        """Take a lock of the database until the connection ends. Return False if another connection has it."""
        cursor = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_ROLES, number))
        return bool((cursor.fetchone() or (False,))[0])

    def is_locked(self, number: int) -> bool:
        """Return whether any connection to this database has that lock."""
        return self._connection.execute(_IS_LOCKED, (_ROLES, number)).fetchone() is not None

    def commit(self) -> None:
        if self._connection.info.transaction_status.name == "INERROR":
            from psycopg.errors import InFailedSqlTransaction

            raise InFailedSqlTransaction("a statement failed, so the transaction cannot be committed")
        self._connection.commit()
        self._restore()

    def rollback(self) -> None:
        self._connection.rollback()
        self._restore()

    def close(self) -> None:
        self._connection.close()

    def _isolate(self, level: str, *, read_only: bool) -> None:
        """Set how the next transaction sees others. Psycopg begins it at its first statement."""
        from psycopg import IsolationLevel

        self._before = self._connection.isolation_level, self._connection.read_only
        self._connection.set_isolation_level(IsolationLevel[level])
        self._connection.set_read_only(read_only)

    def _restore(self) -> None:
        if self._before is not None:
            level, read_only = self._before
            self._before = None
            self._connection.set_isolation_level(level)
            self._connection.set_read_only(read_only)


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


def open_reading(path: Path, server: str, busy_seconds: float, max_seconds: float = 0) -> Plain:
    """Open a connection for reading only, without SQLAlchemy. Nothing is created.

    `busy_seconds` is how long a statement waits for a lock of SQLite, `max_seconds` how long it takes at most on a
    server. Raises an error of `driver_errors`.
    """
    if server:
        return open_server(server, max_seconds)
    uri = f"file:{quote(str(path))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=busy_seconds, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    return connection


def open_writing(path: Path, server: str) -> Plain:
    """Open a connection for plain statements that write, without SQLAlchemy. Every commit is durable.

    Nothing is created. Raises an error of `driver_errors`.
    """
    if server:
        return open_server(server)
    uri = f"file:{quote(str(path))}?mode=rw"
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


def open_server(server: str, timeout_seconds: float = 0) -> PostgresConnection:
    """Open a connection to a server without SQLAlchemy. A statement takes at most that long, if it is not 0."""
    psycopg = _psycopg()
    limit = f" -c statement_timeout={round(timeout_seconds * 1000)}" if timeout_seconds else ""
    connection = psycopg.connect(address_of(server), options=_OPTIONS + limit, **KEEPALIVE)
    _adapt(connection)
    return PostgresConnection(connection)


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


def address_of(server: str) -> str:
    """Return the URL of a server as its own client library reads it."""
    return urlunsplit(("postgresql", *urlsplit(server)[1:]))


def has_earlier_rows(connection: "Connection") -> bool:
    """Return whether the database may have rows that an early version wrote. These only worked with SQLite."""
    return connection.dialect.name == "sqlite"


def trigger(connection: "Connection", name: str, event: str, table: str, condition: str, body: str) -> tuple[str, ...]:
    """Return the statements that create a trigger. It runs after each change of a row that fulfils the condition."""
    if connection.dialect.name == "sqlite":
        when = f" WHEN {condition}" if condition else ""
        return (f"CREATE TRIGGER {name} AFTER {event} ON {table}{when} BEGIN {body} END",)
    when = f" WHEN ({condition})" if condition else ""
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN NULL; END$$"
    return function, f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{when} EXECUTE FUNCTION {name}()"


def drop_trigger(connection: "Connection", name: str) -> str:
    """Return the statement that removes a trigger."""
    if connection.dialect.name == "sqlite":
        return f"DROP TRIGGER {name}"
    return f"DROP FUNCTION {name}() CASCADE"


def listed_columns(connection: "Connection", columns: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Return the columns of an index of lists. SQLite reads all that they show from it: the values in rows are large.

    PostgreSQL limits the size of an entry of an index, and stores large values outside of the rows.
    """
    return [*columns, *(listed if connection.dialect.name == "sqlite" else ())]


def sizes(connection: Plain) -> tuple[int, int]:
    """Return the number of bytes of the database, and how many of them are free; PostgreSQL does not count these."""
    if isinstance(connection, PostgresConnection):
        return connection.execute("SELECT pg_database_size(current_database())").fetchone()[0], 0
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return size * pages, size * free


@lru_cache(maxsize=1_000)
def translated(query: str) -> str:
    """Return a plain statement as PostgreSQL reads it.

    Marks of values get numbers, and functions and operators the names of PostgreSQL. What only chooses an index of
    SQLite is removed.
    """
    count = 0
    elements = "json_array_elements" if "->>" in query else "json_array_elements_text"

    def replacement(match: re.Match[str]) -> str:
        nonlocal count
        text = match[0]
        if match["number"] or (text.startswith("?") and not match["json"]):
            count += not match["number"]
            return f"${match['number'] or count}"
        if match["json"]:
            count += 1
            return f"{elements}(CAST(replace(${count}, {_NUL_IN_JSON}) AS json))"
        if match["join"]:
            return "JOIN "
        if match["plus"] or text.startswith("INDEXED"):
            return ""
        return _SYNONYMS.get(text, text)

    return _BYTES.sub("''::bytea", _TOKEN.sub(replacement, query))


def storable_text(text: str) -> str:
    """Return the text as PostgreSQL stores it: without the character of code 0."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def continue_numbers(original: Plain, copy: Plain) -> None:
    """Let the copy of a SQLite database on a server number new rows after those of the original."""
    for table in ("mail", "thread", "block"):
        last = copy.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0  # noqa: S608 constants
        ever = original.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()[0] or 0
        if number := max(last, ever):
            copy.execute("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", (table, number))


def insert(table: "type[Any] | Table") -> "Insert":
    """Return an INSERT that can have an ON CONFLICT clause. Both databases have the same one."""
    from sqlalchemy.dialects.sqlite import insert as insert_or_update

    return insert_or_update(table)


def insert_new(session: "Session", row: "Insert") -> bool:
    """Insert the row unless one with its key exists. Return whether it was inserted."""
    # Without the option SQLAlchemy does not ask psycopg for the number of inserted rows.
    result = session.exec(row.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True})
    return result.rowcount == 1


def partial(condition: str) -> dict[str, Any]:
    """Return the options of an index of the rows that fulfil a condition."""
    from sqlalchemy import text

    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def sqlite_engine(path: Path) -> "Engine":
    """Return the engine of a file, with connections as those of `open_file`."""
    from sqlalchemy import QueuePool, create_engine, event

    engine = create_engine("sqlite://", creator=lambda: open_file(path), poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that reads and then writes fails if another one wrote meanwhile, so writers lock at once.
        connection.exec_driver_sql(
            "BEGIN IMMEDIATE" if connection.get_execution_options().get("immediate") else "BEGIN"
        )

    return engine


def _prepare_sqlite(connection: Any) -> None:
    """Let the connection write as all others do: in WAL mode, with durable commits."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def postgres_engine(server: str) -> "Engine":
    """Return the engine of a server. Readers see one snapshot; writers wait for one lock, as with SQLite.

    A writer reads what the writers before it committed: each of its statements sees the newest data.
    """
    _psycopg()
    from sqlalchemy import create_engine, event, make_url

    _store_as_sqlite()
    url = make_url(server)
    options = " ".join(filter(None, (_OPTIONS, cast("str", url.query.get("options", "")))))
    arguments = {**KEEPALIVE, "options": options}
    # A restart of the server ends all connections of the pool; each is tested before it is used.
    engine = create_engine(url, connect_args=arguments, isolation_level="REPEATABLE READ", pool_pre_ping=True)
    engine.dialect.supports_native_boolean = False

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        _adapt(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if connection.get_execution_options().get("immediate"):
            connection.exec_driver_sql(_TAKE_LOCK)

    return engine


def writing_options(server: str) -> dict[str, Any]:
    """Return the options of a transaction with the write lock."""
    return {"immediate": True, **({"isolation_level": "READ COMMITTED"} if server else {})}


def unindexed(column: Any) -> Any:
    """Return the column as an expression, so that SQLite uses the index of another column.

    SQLite has no statistics of this database. It prefers the index of a column that equals a value, such as a state
    that nearly all rows have, over the index of a time, and the index of an order over that of a value if there is a
    limit. PostgreSQL has statistics.
    """
    from sqlmodel import col

    element = col(column)
    return _unindexed()(element)


@cache
def _unindexed() -> Any:
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.compiler import compiles
    from sqlalchemy.sql.visitors import InternalTraversal

    class Unindexed(ColumnElement[Any]):
        _traverse_internals = [("element", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 as SQLAlchemy has it
        inherit_cache = True

        def __init__(self, element: Any) -> None:
            self.element, self.type = element, element.type

    @compiles(Unindexed)
    def _render(element: Any, compiler: Any, **options: Any) -> str:
        return f"{'' if _is_postgres(compiler) else '+'}{compiler.process(element.element, **options)}"

    return Unindexed


def _is_postgres(compiler: Any) -> bool:
    return bool(compiler.dialect.name == "postgresql")


@cache
def _store_as_sqlite() -> None:
    """Let SQLAlchemy define the columns of PostgreSQL so that they compare as in SQLite, and take its upserts."""
    from sqlalchemy import Boolean, Column, String
    from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
    from sqlalchemy.ext.compiler import compiles

    @compiles(OnConflictDoNothing, "postgresql")
    @compiles(OnConflictDoUpdate, "postgresql")
    def _on_conflict(clause: Any, compiler: Any, **options: Any) -> str:
        clause.constraint_target = None
        return str(getattr(compiler, f"visit_{clause.__visit_name__}")(clause, **options))

    @compiles(Boolean, "postgresql")
    def _boolean(_type: Any, _compiler: Any, **_options: Any) -> str:
        return "SMALLINT"

    @compiles(String, "postgresql")
    def _string(_type: Any, _compiler: Any, **options: Any) -> str:
        column: Column[Any] | None = options.get("type_expression")
        return 'TEXT COLLATE "C"' if isinstance(column, Column) else "TEXT"


@cache
def _cursors() -> tuple[Any, Any]:
    """Return the classes of cursors that number the marks of values and read times as texts."""
    import psycopg
    from psycopg.adapt import Loader

    class TimeLoader(Loader):
        def load(self, data: Any) -> str:
            text = bytes(data).decode("ascii").removesuffix("+00")
            return (text if "." in text else f"{text}.").ljust(_TIME_DIGITS, "0")

    def with_time_texts(kind: Any) -> Any:
        class TextCursor(kind):  # type: ignore[misc]
            def __init__(self, *arguments: Any, **named: Any) -> None:
                super().__init__(*arguments, **named)
                self.adapters.register_loader("timestamptz", TimeLoader)

        return TextCursor

    return with_time_texts(psycopg.RawCursor), with_time_texts(psycopg.RawServerCursor)


def _adapt(connection: "psycopg.Connection[Any]") -> None:
    """Let the connection write truth values as numbers, and texts without the byte that PostgreSQL cannot store."""
    text, number = _dumpers()
    connection.adapters.register_dumper(str, text)
    connection.adapters.register_dumper(bool, number)


@cache
def _dumpers() -> tuple[Any, Any]:
    from psycopg.types.numeric import Int2Dumper
    from psycopg.types.string import StrDumperUnknown

    class TextDumper(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(storable_text(obj))

    class BooleanDumper(Int2Dumper):
        def dump(self, obj: bool) -> bytes:
            return b"1" if obj else b"0"

    return TextDumper, BooleanDumper


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise DriverMissingError(f"the driver of PostgreSQL is missing; {INSTALL}") from error
    return psycopg


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
