# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden restore`: a backup back in its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.app.data_files import SETTINGS, list_backup_files
from bot.cli.context import options
from bot.settings import DEFAULT_FILE, load
from bot.store.backup import read_backup, restore


def register(app: typer.Typer) -> None:
    app.command("restore")(restore_backup)


def restore_backup(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A folder that `patchwarden backup` made.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Put a backup back where the settings say; stop the service first.

    Settings that are there stay unless --force is given. The ledger that is there is never shortened. Afterwards
    nothing is sent until `patchwarden outbox reconcile --apply` has settled what was sent since the backup.

    \b
    Example:
      patchwarden restore /backup/patchwarden-2026-11-25
      patchwarden restore --force /backup/patchwarden-2026-11-25
      patchwarden outbox reconcile

    Exit status: 0 done; 2 wrong settings; 3 the backup is damaged, a process works on the database, or a file is in the
    way.
    """
    file = options(context).config or DEFAULT_FILE
    names = read_backup(source)
    if SETTINGS in names and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes((source / SETTINGS).read_bytes())
        typer.echo(f"{file}: the settings of the backup")
    settings = load(options(context).config)
    more = list_backup_files(settings, options(context).config)
    if not force:
        more.pop(SETTINGS, None)
    restore(source, settings.database, more, datetime.now(UTC), force=force)
    typer.echo(f"{settings.database}: restored from {source}")
    typer.echo("Nothing is sent until `patchwarden outbox reconcile --apply` has settled what was sent since then.")
