# SPDX-License-Identifier: GPL-2.0-or-later
"""Make a large database of a small one: copies of all its rows with other keys, within the database."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from bot.store.tables import metadata

_TABLES: Final = ("mail", "thread", "message", "posting", "review", "outgoing", "outgoing_part", "finding")
_LISTS: Final = ("posting_list", "posting_part", "posting_subsystem")
_TEXT_KEYS: Final = frozenset({"content_hash", "message_id", "posting_id", "outgoing_id", "topic", "in_reply_to"})
_NUMBER_KEYS: Final = {"mail_id": "mail", "thread_id": "thread"}


def multiply(database: Path, mails: int) -> int:
    """Copy the rows until there are that many mails, and return how many there are.

    Keys of texts are spread over their indexes, as ids and hashes of other mails would be. A copy of a mail has the
    bytes of the mail, which are stored once. The pending postings are of the last weeks only, so they are not copied.
    """
    with closing(sqlite3.connect(database)) as connection:
        connection.create_function("other", 2, _other, deterministic=True)
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        last = {table: _last_row(connection, table) for table in _TABLES}
        (stored,) = connection.execute("SELECT count(*) FROM mail").fetchone()
        copies = max(0, -(-mails // stored) - 1)
        for copy in range(1, copies + 1):
            for table in (*_LISTS, *_TABLES):
                connection.execute(_copy(table, copy, last))
            connection.commit()
        connection.execute("UPDATE counter SET value = value * ?", (copies + 1,))
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()
        return int(stored * (copies + 1))


def _last_row(connection: sqlite3.Connection, table: str) -> int:
    return connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0


def _copy(table: str, copy: int, last: dict[str, int]) -> str:
    """Return the statement that copies the rows of a table that are not copies."""
    names = [column.name for column in metadata.tables[table].columns]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(_value(table, name, copy, last) for name in names)
    if table in last:
        rows = f"rowid <= {last[table]}"
    else:
        rows = f"posting_id IN (SELECT message_id FROM posting WHERE rowid <= {last['posting']})"
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {rows}"


def _value(table: str, name: str, copy: int, last: dict[str, int]) -> str:
    if name in _TEXT_KEYS:
        return f'other("{name}", {copy})'
    referred = table if name == "id" else _NUMBER_KEYS.get(name)
    return f"{name} + {copy * last[referred]}" if referred else f'"{name}"'


def _other(key: str, copy: int) -> str:
    """Return another key, at a random place among all keys."""
    return f"{hashlib.sha256(f'{copy} {key}'.encode()).hexdigest()[:16]}~{key}" if key else key
