# SPDX-License-Identifier: GPL-2.0-or-later
"""The SQLite file: opened safely, brought up to date, and asked in transactions that say why they failed."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.error import ReplacedError
from bot.ports import MailChange
from bot.store.error import StoreError

CHANGES: Final = "mail changes"
"""The key under which a session collects the changes of mails that its commit makes true."""
_BUSY_MS: Final = 30_000
_STEP_PAGES: Final = 4096
_MIGRATIONS: Final = Path(__file__).with_name("migrations")
_MEND: Final = {
    "readonly": "it cannot be written; give this user the right to write the file and its folder",
    "disk is full": "the disk is full; nothing was lost, make room and start again",
    "not a database": "it is no SQLite database; name another file, or move this one away",
    "malformed": "the file is damaged; restore it from a backup, or move it away and start anew",
    "locked": "another program holds it; stop that or try again",
    "unable to open": "it cannot be opened; does the folder exist, and may this user write it?",
}


class Database:
    """One SQLite database: WAL, every commit durable, one writer at a time that never waits in vain.

    Opening creates the file and migrates its schema. Every error of the driver comes out as StoreError. `on_use` is
    called at the end of each session, `on_change` for each change of a mail's state after its commit.
    """

    def __init__(
        self,
        path: Path,
        on_use: Callable[[], None] = lambda: None,
        on_change: Callable[[MailChange], None] = lambda _: None,
    ) -> None:
        self.path = path
        self._on_use = on_use
        self._on_change = on_change
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = _engine(path)
            self._migrate()
            # As long as one connection is open, SQLite keeps the write-ahead log: if it goes, somebody deleted it.
            self._anchor = self._engine.connect()
            self._files = {name: _identity(name) for name in (path, path.with_name(f"{path.name}-wal"))}

    def check(self) -> None:
        """Raise ReplacedError if another file is in the place of the database or of its write-ahead log."""
        for name, before in self._files.items():
            if (now := _identity(name)) == before:
                continue
            if before is None:
                self._files[name] = now
            else:
                what = "it is gone" if now is None else "another file took its place"
                raise ReplacedError(
                    f"database {name}: {what} while this process worked on it; put the right file there, then start "
                    "again"
                )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one unchanging picture of the data."""
        self.check()
        with self._explained(), Session(self._engine) as session:
            yield session
        self._on_use()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits as a whole at its end, or not at all; it has the write lock from its start."""
        self.check()
        engine = self._engine.execution_options(immediate=True)
        with self._explained(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
        for change in session.info.pop(CHANGES, ()):
            self._on_change(change)
        self._on_use()

    def reclaim(self) -> int:
        """Give up to 16 MB of unused space back to the system; how many bytes, 0 where there is no more to give.

        A file from before this was possible keeps its size until `compact`; new data fills its unused space.
        """
        with self._explained(), self._raw() as connection:
            unused = _pragma(connection, "freelist_count")
            # Only a script is run to its end: this statement stops at each page, without a row.
            connection.executescript(f"PRAGMA incremental_vacuum({_STEP_PAGES})")
            freed = unused - _pragma(connection, "freelist_count")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            size = freed * _pragma(connection, "page_size")
        self._on_use()
        return size

    def compact(self) -> int:
        """Write the file anew without unused space; how many bytes that freed. Nobody may write meanwhile."""
        with self._explained(), self._raw() as connection:
            before = self.path.stat().st_size
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return before - self.path.stat().st_size

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        """A connection outside of any transaction."""
        pooled = self._engine.raw_connection()
        try:
            connection = pooled.driver_connection
            assert isinstance(connection, sqlite3.Connection)
            yield connection
        finally:
            pooled.close()

    def close(self) -> None:
        self._anchor.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def engine(self) -> Engine:
        return self._engine

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        scripts = ScriptDirectory.from_config(config)
        with self._engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found == scripts.get_current_head():
            return
        if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreError(
                f"database {self.path}: it was written by a newer patchwarden (schema {found}); use that version"
            )
        with self._engine.execution_options(immediate=True).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"database {self.path}: {_reason(error.orig)}") from error
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"database {self.path}: {_reason(error)}") from error


class Role(StrEnum):
    """A part of the work on a database that one process does at a time; the value ends the name of its lock file."""

    REVIEWER = "lock"
    SENDER = "sender.lock"


@contextmanager
def sole_worker(database: Path, *roles: Role) -> Iterator[None]:
    """Hold the right to these roles on that database, to all if none is named, until the end of this process at most.

    Raises StoreError where another process holds one of them.
    """
    with ExitStack() as locks:
        for role in roles or Role:
            locks.enter_context(_locked(database, role))
        yield


def running(database: Path, role: Role) -> str:
    """Return the process id of the process that has that role on the database, or ""."""
    try:
        with database.with_name(f"{database.name}.{role}").open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read().strip() or "unknown"
    except OSError:
        pass
    return ""


@contextmanager
def _locked(database: Path, role: Role) -> Iterator[None]:
    path = database.with_name(f"{database.name}.{role}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise StoreError(f"database {database}: cannot open {path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise StoreError(
                f"database {database}: another patchwarden works on it (process {file.read().strip() or 'unknown'}) as "
                f"its {role.name.lower()}; wait for it or stop it"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is at that path; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver guesses
        # The first works on a new file alone; it lets an old one keep its way of giving space back.
        for pragma in (
            "auto_vacuum=INCREMENTAL",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and then wants to write fails at once where another writes: writers say so.
        connection.exec_driver_sql(
            "BEGIN IMMEDIATE" if connection.get_execution_options().get("immediate") else "BEGIN"
        )

    return engine


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _reason(error: BaseException | None) -> str:
    said = str(error)
    return next((f"{mend} ({said})" for sign, mend in _MEND.items() if sign in said), said)
