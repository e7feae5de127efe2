# SPDX-License-Identifier: GPL-2.0-or-later
"""`patchwarden restore`: restore a backup."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from bot.cli.command import Argument, Command, Option, echo
from bot.cli.context import GlobalOptions
from bot.error import SettingsError
from bot.settings import DEFAULT_FILE

_ON_SERVER: Final = (
    "the settings name a PostgreSQL server: stop the service, restore the dump with `pg_restore --clean`, keep "
    "{0}.ledger as it is, and run `patchwarden outbox reconcile`"
)


def restore_backup(
    context: GlobalOptions,
    source: Annotated[Path, Argument(metavar="SRC", help="A folder that `patchwarden backup` created.")],
    force: Annotated[bool, Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Restore a backup to the places that the settings name. Stop the service first.

    An existing settings file is only replaced with --force. The existing ledger is never shortened. Afterwards nothing is sent until `patchwarden outbox reconcile --apply` has settled what was sent since the backup.

    \b
    Example:
      patchwarden restore /backup/patchwarden-2026-11-25
      patchwarden restore --force /backup/patchwarden-2026-11-25
      patchwarden outbox reconcile

    Exit status: 0 done; 2 wrong settings; 3 the backup is damaged, a process works on the database, or a file already exists.
    """  # noqa: E501 help paragraphs are not hard-wrapped
    from bot.app.data_files import SETTINGS, list_backup_files
    from bot.store.backup import read_backup, restore

    file = context.config or Path(DEFAULT_FILE)
    names = read_backup(source)
    if SETTINGS in names and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes((source / SETTINGS).read_bytes())
        echo(f"{file}: restored from the backup")
    settings = context.settings()
    if settings.server:
        raise SettingsError(_ON_SERVER.format(settings.database))
    files = list_backup_files(settings, context.config)
    if not force:
        files.pop(SETTINGS, None)
    restore(source, settings.database, files, datetime.now(UTC), force=force)
    echo(f"{settings.database}: restored from {source}")
    echo("Nothing is sent until `patchwarden outbox reconcile --apply` has settled what was sent since the backup.")


COMMAND: Final = Command(restore_backup)
