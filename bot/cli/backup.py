# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden backup`: a copy of all that must not be lost."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.app.data_files import list_backup_files
from bot.cli.context import options
from bot.cli.database import missing
from bot.error import SettingsError
from bot.settings import load
from bot.store.backup import back_up


def register(app: typer.Typer) -> None:
    app.command()(backup)


def backup(
    context: typer.Context,
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A folder that does not exist yet.")],
) -> None:
    """Copy the database, its ledger, its secret, the settings and the secret of the commands into a new folder.

    The service may run meanwhile. The folder holds secrets: only you can read it. Copy nothing by hand: a copy of the
    database file alone lacks what is still in its write-ahead log.

    \b
    Example:
      patchwarden backup /backup/patchwarden-2026-11-25
      patchwarden --config /etc/patchwarden.toml backup /backup/new

    Exit status: 0 done; 2 wrong settings, or there is no database; 3 the backup cannot be written.
    """
    settings = load(options(context).config)
    if said := missing(settings):
        raise SettingsError(said)
    more = list_backup_files(settings, options(context).config)
    names = back_up(settings.database, destination, more, datetime.now(UTC))
    typer.echo(f"{destination}: {', '.join(names)}")
