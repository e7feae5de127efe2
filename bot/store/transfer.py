# SPDX-License-Identifier: GPL-2.0-or-later
"""Copy a SQLite database to a PostgreSQL server, in one transaction, and compare every row of the copy.

The ledger and the secret are copied before that transaction is committed. So a copy that was killed leaves an empty
database, and never one that knows less than its ledger.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

from bot.store.database import Database
from bot.store.dialect import Plain, continue_numbers, name_of, open_reading, snapshot, uncounted
from bot.store.durable import sync_folder
from bot.store.error import StoreError, explained
from bot.store.ledger import ledger_path
from bot.store.listing import StoreReader
from bot.store.postgres import storable_text
from bot.store.roles import sole_worker
from bot.store.secret import secret_path
from bot.store.tables import metadata
from rules.lazy import dataclass

_MAX_ROWS: Final = 100  # a block has up to 1 MB


@dataclass(frozen=True, slots=True)
class TableDigest:
    """The number of rows of a table, and the hash of all of them in the order of their keys."""

    rows: int
    digest: str


def transfer(source: Path, target: Path, server: str) -> dict[str, TableDigest]:
    """Copy the database and the files beside it. Return what both databases contain, by table.

    `target` is the path of the files beside the copy. Raises StoreError if a process works on one of the databases, the
    schema of the source is not the newest, the target is not empty, or a row of the copy differs.
    """
    if not source.exists():
        raise StoreError(f"database {source}: it does not exist")
    if not StoreReader(source).is_current():
        raise StoreError(
            f"database {source}: it does not have the schema of this version; if it is a database of patchwarden, let "
            "`patchwarden doctor` convert it first"
        )
    with ExitStack() as roles:
        if source.resolve() != target.resolve():
            roles.enter_context(sole_worker(source))
        roles.enter_context(sole_worker(target, server=server))
        database = roles.enter_context(Database(target, server=server))
        _refuse_filled(database, source, target)
        with (
            explained(source),
            closing(open_reading(source, "")) as original,
            snapshot(original),
            database.changing() as copy,
        ):
            with uncounted(copy):
                copied = {table: _copy(original, copy, table, keys) for table, keys in _tables()}
            for table, keys in _tables():
                if _digest(copy, table, keys) != copied[table]:
                    where = name_of(target, server)
                    raise StoreError(f"database {where}: the rows of {table} differ; nothing was copied")
            continue_numbers(original, copy)
            _copy_files(source, target)
    return copied


def _tables() -> list[tuple[str, list[str]]]:
    """Return the tables and their keys. A row comes after the rows that it refers to."""
    return [(table.name, [column.name for column in table.primary_key]) for table in metadata.sorted_tables]


def _refuse_filled(database: Database, source: Path, target: Path) -> None:
    with database.rows() as connection:
        for table, _ in _tables():
            if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None:  # noqa: S608 constants
                raise StoreError(f"database {database.name}: it is not empty; name a new database")
    for name in (ledger_path, secret_path):
        if name(target).exists() and not _is_same(name(source), name(target)):
            raise StoreError(f"{name(target)} already exists; it belongs to another database, so move it away")


def _copy(original: Plain, copy: Plain, table: str, keys: Sequence[str]) -> TableDigest:
    """Copy the rows of a table; return what they were."""
    columns = _columns(original, table)
    names, marks = ", ".join(map(_quoted, columns)), ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 constants
    sums = _Sum()
    for rows in _rows(original, table, columns, keys):
        sums.add(rows)
        copy.executemany(statement, rows)
    return sums.result()


def _digest(connection: Plain, table: str, keys: Sequence[str]) -> TableDigest:
    sums = _Sum()
    for rows in _rows(connection, table, _columns(connection, table), keys):
        sums.add(rows)
    return sums.result()


def _rows(connection: Plain, table: str, columns: Sequence[str], keys: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
    """Yield the rows in the order of their keys, in lists of limited length."""
    names, key = ", ".join(map(_quoted, columns)), ", ".join(map(_quoted, keys))
    marks = ", ".join("?" * len(keys))
    places = [columns.index(name) for name in keys]
    query = f"SELECT {names} FROM {table} {{}} ORDER BY {key} LIMIT {_MAX_ROWS}"  # noqa: S608 constants
    rows = connection.execute(query.format("")).fetchall()
    while rows:
        yield rows
        last = tuple(rows[-1][place] for place in places)
        rows = connection.execute(query.format(f"WHERE ({key}) > ({marks})"), last).fetchall()


def _columns(connection: Plain, table: str) -> list[str]:
    """Return the names of the columns, in an order that both databases have."""
    rows = connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 constants
    return sorted(column[0] for column in rows.description)


class _Sum:
    """The hash of rows. Texts count as `storable_text` stores them."""

    def __init__(self) -> None:
        self._count = 0
        self._hash = hashlib.sha256()

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            self._hash.update(json.dumps([_comparable(value) for value in row]).encode("ascii") + b"\n")
        self._count += len(rows)

    def result(self) -> TableDigest:
        return TableDigest(self._count, self._hash.hexdigest())


def _copy_files(source: Path, target: Path) -> None:
    """Copy the secret and the ledger, if their places differ."""
    for name in (secret_path, ledger_path):
        if name(source).exists() and not _is_same(name(source), name(target)):
            with os.fdopen(os.open(name(target), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(name(source).read_bytes())
                file.flush()
                os.fsync(file.fileno())
            sync_folder(name(target).parent)


def _is_same(source: Path, target: Path) -> bool:
    """Return whether a file is at its target already, because it has the same place or an earlier copy was killed."""
    return source.exists() and target.exists() and source.read_bytes() == target.read_bytes()


def _comparable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return storable_text(value) if isinstance(value, str) else value


def _quoted(name: str) -> str:
    return f'"{name}"'
