# SPDX-License-Identifier: GPL-2.0-or-later
"""The differences between SQLite and PostgreSQL in SQLAlchemy: engines, statements, and what migrations create."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    QueuePool,
    String,
    Table,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or_update
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlmodel import Session, col

from bot.store.dialect import open_file
from bot.store.postgres import KEEPALIVE, OPTIONS, TAKE_LOCK, adapt, load_psycopg


def has_earlier_rows(connection: Connection) -> bool:
    """Return whether the database may have rows that an early version wrote. These only worked with SQLite."""
    return connection.dialect.name == "sqlite"


def trigger(connection: Connection, name: str, event: str, table: str, condition: str, body: str) -> tuple[str, ...]:
    """Return the statements that create a trigger. It runs after each change of a row that fulfils the condition."""
    if connection.dialect.name == "sqlite":
        when = f" WHEN {condition}" if condition else ""
        return (f"CREATE TRIGGER {name} AFTER {event} ON {table}{when} BEGIN {body} END",)
    when = f" WHEN ({condition})" if condition else ""
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN NULL; END$$"
    return function, f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{when} EXECUTE FUNCTION {name}()"


def drop_trigger(connection: Connection, name: str) -> str:
    """Return the statement that removes a trigger."""
    if connection.dialect.name == "sqlite":
        return f"DROP TRIGGER {name}"
    return f"DROP FUNCTION {name}() CASCADE"


def listed_columns(connection: Connection, columns: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Return the columns of an index of lists. SQLite reads all that they show from it: the values in rows are large.

    PostgreSQL limits the size of an entry of an index, and stores large values outside of the rows.
    """
    return [*columns, *(listed if connection.dialect.name == "sqlite" else ())]


def insert(table: type[Any] | Table) -> Insert:
    """Return an INSERT that can have an ON CONFLICT clause. Both databases have the same one."""
    return insert_or_update(table)


def insert_new(session: Session, row: Insert) -> bool:
    """Insert the row unless one with its key exists. Return whether it was inserted."""
    # Without the option SQLAlchemy does not ask psycopg for the number of inserted rows.
    result = session.exec(row.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True})
    return result.rowcount == 1


def partial(condition: str) -> dict[str, Any]:
    """Return the options of an index of the rows that fulfil a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def sqlite_engine(path: Path) -> Engine:
    """Return the engine of a file, with connections as those of `open_file`."""
    engine = create_engine("sqlite://", creator=lambda: open_file(path), poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that reads and then writes fails if another one wrote meanwhile, so writers lock at once.
        connection.exec_driver_sql(
            "BEGIN IMMEDIATE" if connection.get_execution_options().get("immediate") else "BEGIN"
        )

    return engine


def postgres_engine(server: str) -> Engine:
    """Return the engine of a server. Readers see one snapshot; writers wait for one lock, as with SQLite.

    A writer reads what the writers before it committed: each of its statements sees the newest data.
    """
    load_psycopg()
    _store_as_sqlite()
    url = make_url(server)
    options = " ".join(filter(None, (OPTIONS, cast("str", url.query.get("options", "")))))
    arguments = {**KEEPALIVE, "options": options}
    # A restart of the server ends all connections of the pool; each is tested before it is used.
    engine = create_engine(url, connect_args=arguments, isolation_level="REPEATABLE READ", pool_pre_ping=True)
    engine.dialect.supports_native_boolean = False

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        adapt(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if connection.get_execution_options().get("immediate"):
            connection.exec_driver_sql(TAKE_LOCK)

    return engine


def unindexed(column: Any) -> Any:
    """Return the column as an expression, so that SQLite uses the index of another column.

    SQLite has no statistics of this database. It prefers the index of a column that equals a value, such as a state
    that nearly all rows have, over the index of a time, and the index of an order over that of a value if there is a
    limit. PostgreSQL has statistics.
    """
    return _Unindexed(col(column))


class _Unindexed(ColumnElement[Any]):
    """A column as an expression."""

    _traverse_internals = [("element", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 as SQLAlchemy has it
    inherit_cache = True

    def __init__(self, element: Any) -> None:
        self.element, self.type = element, element.type


@compiles(_Unindexed)
def _render_unindexed(element: Any, compiler: Any, **options: Any) -> str:
    prefix = "" if compiler.dialect.name == "postgresql" else "+"
    return f"{prefix}{compiler.process(element.element, **options)}"


@cache
def _store_as_sqlite() -> None:
    """Let SQLAlchemy define the columns of PostgreSQL so that they compare as in SQLite, and take its upserts."""

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
