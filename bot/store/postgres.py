# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections to PostgreSQL that take the plain statements of SQLite.

Psycopg is imported where it is needed.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

from bot.error import AdapterError
from rules.lazy import re

if TYPE_CHECKING:
    import psycopg

BUSY_MS: Final = 30_000
"""How long a writer waits for the other writers."""
_IDLE_MS: Final = 300_000  # of an open transaction; a process that hangs loses the lock of writers
_LOCK: Final = 0x7061_7463_6877  # the number of the lock of writers, which every database has for itself
_ROLES: Final = 0x7077  # the group of the locks of roles
_IS_LOCKED: Final = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
TAKE_LOCK: Final = f"SELECT pg_advisory_xact_lock({_LOCK})"
OPTIONS: Final = (
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
_TIME_DIGITS: Final = len("2026-03-02 09:00:00.000000")
_TOKEN: Final = re.compile(
    r"'[^']*'|\?(?P<number>\d*)|\bINDEXED BY \w+|(?P<join>\bCROSS JOIN (?=\w+(?: AS \w+)?(?: INDEXED BY \w+)? ON ))"
    r"|(?P<json>\bjson_each\(\?\))|\bLIKE\b|\binstr\(|(?P<plus>(?<=[ (])\+(?=[a-z]))"
)
_NUL_IN_JSON: Final = r"'\u0000', '\ufffd'"
_BYTES: Final = re.compile(r"\bx''")
_SYNONYMS: Final = {"LIKE": "ILIKE", "instr(": "strpos("}
INSTALL: Final = "install it with `pip install -e '.[postgres]'` in the source tree"
"""What to do if a package for PostgreSQL is missing."""


class Rows(Protocol):
    """The result of a plain statement."""

    @property
    def description(self) -> Any: ...

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


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
            cursor.execute(TAKE_LOCK)  # type: ignore[attr-defined]
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


def open_server(server: str, timeout_seconds: float = 0) -> PostgresConnection:
    """Open a connection to a server without SQLAlchemy. A statement takes at most that long, if it is not 0."""
    psycopg = load_psycopg()
    limit = f" -c statement_timeout={round(timeout_seconds * 1000)}" if timeout_seconds else ""
    connection = psycopg.connect(address_of(server), options=OPTIONS + limit, **KEEPALIVE)
    adapt(connection)
    return PostgresConnection(connection)


def address_of(server: str) -> str:
    """Return the URL of a server as its own client library reads it."""
    return urlunsplit(("postgresql", *urlsplit(server)[1:]))


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


def adapt(connection: "psycopg.Connection[Any]") -> None:
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


def load_psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise DriverMissingError(f"the driver of PostgreSQL is missing; {INSTALL}") from error
    return psycopg
