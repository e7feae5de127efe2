# SPDX-License-Identifier: GPL-2.0-or-later
"""The database: open and migrate it, and run transactions whose errors explain the cause.

SQLAlchemy takes long to load, so it is imported for the first session. Plain statements on a file need none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from threading import Lock, local
from typing import TYPE_CHECKING, Final, Self, cast

from bot.error import ReplacedError
from bot.ports.outbox import MailChange
from bot.store.dialect import (
    Plain,
    driver_errors,
    name_of,
    open_file,
    plain,
    session_errors,
    snapshot,
    transaction,
    undo_in_memory,
    writing_options,
)
from bot.store.error import StoreError, explained
from bot.store.listing import MIGRATIONS, is_current
from bot.store.schema import create_schema

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Engine
    from sqlmodel import Session

_STEP_PAGES: Final = 4096


class Database:
    """A SQLite file, or a PostgreSQL database. Every commit is durable; writers wait for each other.

    `path` is the file. With a `server`, the URL of a PostgreSQL database, `path` only says where the files beside the
    database are. Opening creates the file and migrates the schema. Errors of the driver become StoreError. `on_use` is
    called at the end of each session, `on_change` after the commit of each change of the state of a mail.
    """

    def __init__(
        self,
        path: Path,
        on_use: Callable[[], None] = lambda: None,
        on_change: Callable[[MailChange], None] = lambda _: None,
        server: str = "",
    ) -> None:
        self.path = path
        self.server = server
        self._writing = writing_options(server)
        self._on_use = on_use
        self._on_change = on_change
        self._thread = local()
        self._opening = Lock()
        self._engine: Engine | None = None
        self._idle: list[Plain] = []  # connections to the file
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._migrate()
            # SQLite keeps the write-ahead log while a connection is open, so a missing log was deleted by someone else.
            self._anchor = None if server else open_file(path)
            files = () if server else (path, path.with_name(f"{path.name}-wal"))
            self._files = {name: _identity(name) for name in files}

    def check(self) -> None:
        """Raise ReplacedError if the file of the database or its write-ahead log was deleted or replaced."""
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
    def reading(self) -> "Iterator[Session]":
        """Open a session that reads one snapshot of the data."""
        from sqlmodel import Session

        self.check()
        with self._explained(), Session(self.engine) as session:
            yield session
        self._on_use()

    @contextmanager
    def rows(self) -> Iterator[Plain]:
        """Open a connection for plain statements, which reads one snapshot of the data.

        In a batch it also sees what the batch wrote. Whether the file was replaced is checked by the next write.
        """
        if (shared := self._shared) is not None:
            yield shared
            return
        with self._explained(), self._raw() as connection, snapshot(connection):
            yield connection
        self._on_use()

    @contextmanager
    def writing(self) -> "Iterator[Session]":
        """Open a session with the write lock. It commits at its end, or rolls back."""
        from sqlmodel import Session

        self.check()
        changes = self._begin_changes()
        with self._explained():
            engine = self.engine.execution_options(**self._writing)
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        for change in changes:
            self._on_change(change)
        self._on_use()

    @contextmanager
    def changing(self, *, many_rows: bool = False) -> Iterator[Plain]:
        """Open a connection for plain statements with the write lock. It commits at its end, or rolls back.

        In a batch it commits with the batch; an error undoes only what happened since it was opened. If a statement
        changes `many_rows`, what undoes it is written to a file instead of kept in memory.
        """
        changes = self._begin_changes()
        if (shared := self._shared) is not None:
            with _savepoint(shared):
                yield shared
            self._thread.committed.extend(partial(self._on_change, change) for change in changes)
            return
        self.check()
        undoing = nullcontext if many_rows else undo_in_memory
        with self._explained(), self._raw() as connection, undoing(connection), transaction(connection):
            yield connection
        for change in changes:
            self._on_change(change)
        self._on_use()

    def note(self, *changes: MailChange) -> None:
        """Call `on_change` with the changes of states among these after the commit of this thread's transaction."""
        self._thread.changes.extend(change for change in changes if change.before is not change.mail.state)

    def _begin_changes(self) -> list[MailChange]:
        """Return the list to which `note` adds from now on in this thread."""
        changes: list[MailChange] = []
        self._thread.changes = changes
        return changes

    @contextmanager
    def batch(self) -> Iterator[list[Callable[[], None]]]:
        """Let the plain transactions of this thread commit together at the end of the block, with one write lock.

        Each of them has an effect as a whole or not at all. If the block ends by an error, those that ended before it
        are committed. What the block puts into the list is called after the commit.
        """
        self.check()
        committed: list[Callable[[], None]] = []
        with self._explained(), self._raw() as connection, undo_in_memory(connection):
            connection.execute("BEGIN IMMEDIATE")
            self._thread.connection, self._thread.committed = connection, committed
            try:
                yield committed
            finally:
                self._thread.connection = None
                if connection.in_transaction:  # SQLite itself ends it if the disk is full.
                    connection.commit()
                    for call in committed:
                        call()
        self._on_use()

    @property
    def _shared(self) -> Plain | None:
        """The connection of this thread's batch, if it has one."""
        return getattr(self._thread, "connection", None)

    def reclaim(self) -> int:
        """Return up to 16 MB of free pages to the file system. Return the number of bytes, 0 if no free page is left.

        A file of an earlier version keeps its size until `compact`, but reuses its free pages. PostgreSQL reuses free
        space itself.
        """
        if self.server:
            return 0
        with self._explained(), self._raw() as connection:
            unused = _pragma(connection, "freelist_count")
            # `execute` would stop this statement after each page, because it returns no row.
            cast("sqlite3.Connection", connection).executescript(f"PRAGMA incremental_vacuum({_STEP_PAGES})")
            freed = unused - _pragma(connection, "freelist_count")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            size = freed * _pragma(connection, "page_size")
        self._on_use()
        return size

    def compact(self) -> int:
        """Rewrite the file without free pages, while no other process writes. Return the number of bytes freed."""
        if self.server:
            raise StoreError(f"database {self.name}: PostgreSQL reuses free space itself; `VACUUM FULL` returns it")
        with self._explained(), self._raw() as connection:
            before = self.path.stat().st_size
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return before - self.path.stat().st_size

    @contextmanager
    def _raw(self) -> Iterator[Plain]:
        """Open a connection outside of any transaction."""
        keep: Callable[[], None]
        drop: Callable[[], None]
        if self.server:
            pooled = self.engine.raw_connection()
            connection, keep, drop = plain(pooled.driver_connection), pooled.close, pooled.invalidate
        else:
            connection = self._idle_connection()
            keep, drop = partial(self._idle.append, connection), connection.close
        try:
            yield connection
        finally:
            try:
                connection.rollback()
            except driver_errors():  # The connection is lost: it must not be used again.
                drop()
            else:
                keep()

    def _idle_connection(self) -> Plain:
        try:
            return self._idle.pop()
        except IndexError:
            return open_file(self.path)

    def close(self) -> None:
        if self._anchor is not None:
            self._anchor.close()
        while self._idle:
            self._idle.pop().close()
        if self._engine is not None:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def engine(self) -> "Engine":
        """The engine of SQLAlchemy. Sessions have connections of their own to the same file."""
        with self._opening:
            if self._engine is None:
                from bot.store.sqlalchemy_dialect import postgres_engine, sqlite_engine

                self._engine = postgres_engine(self.server) if self.server else sqlite_engine(self.path)
        return self._engine

    @property
    def name(self) -> str:
        """How messages name the database."""
        return name_of(self.path, self.server)

    def _migrate(self) -> None:
        """Migrate the schema to that of this version. Only an old one needs alembic, which is slow to load."""
        with self._raw() as connection:
            if is_current(connection) or (not self.server and create_schema(connection)):
                return
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        scripts = ScriptDirectory.from_config(config)
        with self.engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
        if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
            raise StoreError(
                f"database {self.name}: it was written by a newer patchwarden (schema {revision}); use that version"
            )
        with self.engine.execution_options(**self._writing).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with explained(self.path, self.server):
            try:
                yield
            except session_errors() as error:
                raise (getattr(error, "orig", None) or error) from error


@contextmanager
def _savepoint(connection: Plain) -> Iterator[None]:
    """Undo the changes of the block if it fails."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        try:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        except driver_errors():  # SQLite itself ends the transaction if the disk is full.
            connection.rollback()
        raise
    connection.execute("RELEASE part")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file at that path, or None."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _pragma(connection: Plain, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
