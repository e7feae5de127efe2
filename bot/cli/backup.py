# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden backup`: copy everything that must not be lost."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from bot.cli.command import Argument, Command, echo
from bot.cli.context import GlobalOptions
from bot.cli.database import missing
from bot.error import SettingsError

_ON_SERVER: Final = (
    "the database is on a PostgreSQL server: run `pg_dump --format=custom`, and after it copy the settings, {0}.secret "
    "and {0}.ledger, the ledger last, so that it contains every mail in the dump"
)


def backup(
    context: GlobalOptions,
    destination: Annotated[Path, Argument(metavar="DEST", help="A folder that does not exist yet.")],
) -> None:
    """Copy the database, its ledger, its secret, the settings and the command secret into a new folder.

    The service may keep running. The folder contains secrets, so only you can read it. Do not copy the files by hand: a copy of the database file lacks the changes in its write-ahead log.

    \b
    Example:
      patchwarden backup /backup/patchwarden-2026-11-25
      patchwarden --config /etc/patchwarden.toml backup /backup/new

    Exit status: 0 done; 2 wrong settings, or there is no database; 3 the backup cannot be written.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.data_files import list_backup_files
    from bot.store.backup import back_up

    settings = context.settings()
    if reason := missing(settings):
        raise SettingsError(reason)
    if settings.server:
        raise SettingsError(_ON_SERVER.format(settings.database))
    files = list_backup_files(settings, context.config)
    names = back_up(settings.database, destination, files, datetime.now(UTC))
    echo(f"{destination}: {', '.join(names)}")


COMMAND: Final = Command(backup)
