# SPDX-License-Identifier: GPL-2.0-or-later
"""The SQLite file: open and migrate it, and run transactions whose errors explain the cause."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any, Final, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.error import ReplacedError
from bot.ports.outbox import MailChange
from bot.store.error import StoreError, explained
from bot.store.listing import BUSY_MS, MIGRATIONS, snapshot

CHANGES: Final = "mail changes"
"""The key under which a session collects the changes of mails that its commit makes durable."""
_STEP_PAGES: Final = 4096


class Database:
    """A SQLite database in WAL mode. Every commit is durable; writers wait for each other.

    Opening creates the file and migrates its schema. Errors of the driver become StoreError. `on_use` is called at the
    end of each session, `on_change` after the commit of each change of the state of a mail.
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
        self._batch = local()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = _engine(path)
            self._migrate()
            # SQLite keeps the write-ahead log while a connection is open, so a missing log was deleted by someone else.
            self._anchor = self._engine.connect()
            self._files = {name: _identity(name) for name in (path, path.with_name(f"{path.name}-wal"))}

    def check(self) -> None:
        """Raise ReplacedError if the database or its write-ahead log was deleted or replaced."""
        for name, before in self._files.items():
            if (now := _identity(name)) == before:
                continue
            if before is None:
                self._files[name] = now
            else:
                change = "it was deleted" if now is None else "it was replaced by another file"
                raise ReplacedError(
                    f"database {name}: {change} while this process worked on it; put the right file there, then start "
                    "again"
                )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that reads one snapshot of the data."""
        self.check()
        with self._explained(), Session(self._engine) as session:
            yield session
        self._on_use()

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for plain statements, which reads one snapshot of the data.

        In a batch it also sees what the batch wrote.
        """
        if (shared := self._shared) is not None:
            yield shared
            return
        self.check()
        with self._explained(), self._raw() as connection, snapshot(connection):
            yield connection
        self._on_use()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session with the write lock. It commits at its end, or rolls back."""
        self.check()
        engine = self._engine.execution_options(immediate=True)
        with self._explained(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
        for change in session.info.pop(CHANGES, ()):
            self._on_change(change)
        self._on_use()

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for plain statements with the write lock. It commits at its end, or rolls back.

        In a batch it commits with the batch; an error undoes only what happened since it was opened.
        """
        if (shared := self._shared) is not None:
            with _savepoint(shared):
                yield shared
            return
        self.check()
        with self._explained(), self._raw() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        self._on_use()

    @contextmanager
    def batch(self) -> Iterator[list[Callable[[], None]]]:
        """Let the plain transactions of this thread commit together at the end of the block, with one write lock.

        Each of them has an effect as a whole or not at all. If the block ends by an error, those that ended before it
        are committed. What the block puts into the list is called after the commit.
        """
        self.check()
        committed: list[Callable[[], None]] = []
        with self._explained(), self._raw() as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._batch.connection = connection
            try:
                yield committed
            finally:
                self._batch.connection = None
                if connection.in_transaction:  # SQLite itself ends it if the disk is full.
                    connection.commit()
                    for call in committed:
                        call()
        self._on_use()

    @property
    def _shared(self) -> sqlite3.Connection | None:
        """The connection of this thread's batch, if it has one."""
        return getattr(self._batch, "connection", None)

    def reclaim(self) -> int:
        """Return up to 16 MB of free pages to the file system. Return the number of bytes, 0 if no free page is left.

        A file of an earlier version keeps its size until `compact`, but reuses its free pages.
        """
        with self._explained(), self._raw() as connection:
            unused = _pragma(connection, "freelist_count")
            # `execute` would stop this statement after each page, because it returns no row.
            connection.executescript(f"PRAGMA incremental_vacuum({_STEP_PAGES})")
            freed = unused - _pragma(connection, "freelist_count")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            size = freed * _pragma(connection, "page_size")
        self._on_use()
        return size

    def compact(self) -> int:
        """Rewrite the file without free pages, while no other process writes. Return the number of bytes freed."""
        with self._explained(), self._raw() as connection:
            before = self.path.stat().st_size
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return before - self.path.stat().st_size

    @contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        """Open a connection outside of any transaction."""
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
        config.set_main_option("script_location", str(MIGRATIONS))
        scripts = ScriptDirectory.from_config(config)
        with self._engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
        if revision == scripts.get_current_head():
            return
        if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreError(
                f"database {self.path}: it was written by a newer patchwarden (schema {revision}); use that version"
            )
        with self._engine.execution_options(immediate=True).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with explained(self.path):
            try:
                yield
            except DBAPIError as error:
                raise (error.orig or error) from error


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """Undo the changes of the block if it fails."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK TO part")
        raise
    finally:
        connection.execute("RELEASE part")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file at that path, or None."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_MS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver would begin them
        if not _pragma(connection, "page_count"):  # It only affects a new file, and waits for the write lock.
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL").close()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads and then writes fails if another one wrote meanwhile, so writers lock at once.
        connection.exec_driver_sql(
            "BEGIN IMMEDIATE" if connection.get_execution_options().get("immediate") else "BEGIN"
        )

    return engine


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
