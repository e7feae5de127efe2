# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden migrate-store`: copy a SQLite database to a PostgreSQL server."""

from pathlib import Path
from typing import Annotated, Final

from bot.cli.command import Argument, Command, echo
from bot.cli.context import GlobalOptions
from bot.error import SettingsError


def migrate_store(
    context: GlobalOptions,
    source: Annotated[Path, Argument(metavar="SRC", help="The SQLite database.")],
    destination: Annotated[
        str, Argument(metavar="DEST", help="The URL of an empty PostgreSQL database, as the settings will name it.")
    ],
) -> None:
    """Copy a SQLite database, its ledger and its secret to a PostgreSQL database, and compare every row. Stop the service first.

    The database SRC stays as it is. The copy becomes visible as a whole, after all rows were compared; a copy that was interrupted leaves an empty database. Then set `database` to DEST, and do not start the service with SRC any more: only one of the two may send.

    \b
    Example:
      patchwarden migrate-store var/patchwarden.db postgresql+psycopg://patchwarden@db.example.org/patchwarden

    Exit status: 0 copied; 2 wrong settings or a wrong URL; 3 a database cannot be used, DEST is not empty, or a process works on one of them.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.settings.load import server_problem
    from bot.store.dialect import name_of
    from bot.store.transfer import transfer

    if problem := server_problem(destination):
        raise SettingsError(f"{destination}: {problem}")
    target = context.settings().database_files
    tables = transfer(source.absolute(), target, destination)
    for name, table in tables.items():
        if table.rows:
            echo(f"{name}: {table.rows:,} rows, SHA-256 {table.digest[:16]}")
    echo(f"{name_of(target, destination)}: every row is the same; the ledger and the secret are {target}.*")


COMMAND: Final = Command(migrate_store)
