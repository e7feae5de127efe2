# SPDX-License-Identifier: GPL-2.0-or-later
"""Create the schema of a new SQLite file at once: all migrations together take 30 times as long.

`make schema` writes the file, after a new migration. A test compares it with what the migrations make.
"""

from collections.abc import Iterator
from typing import Final

from bot.store.dialect import Plain, transaction
from bot.store.listing import MIGRATIONS

SCHEMA: Final = MIGRATIONS / "schema.sql"


def create_schema(connection: Plain) -> bool:
    """Create the schema of this version in an empty file. Return False if the database is not empty."""
    if _has_any(connection):  # which takes no write lock: the process that has it may be of a newer version
        return False
    with transaction(connection):
        if _has_any(connection):
            return False
        for statement in _statements():
            connection.execute(statement)
    return True


def _has_any(connection: Plain) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _statements() -> Iterator[str]:
    from sqlite3 import complete_statement

    statement = ""
    for line in SCHEMA.read_text("utf-8").splitlines(keepends=True):
        statement += line
        if complete_statement(statement):
            yield statement
            statement = ""
