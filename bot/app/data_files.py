# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of this installation: files that must be private, and secrets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.permissions import close_to_others, close_trees, holds_only
from bot.settings import DEFAULT_FILE
from bot.settings.table import Table
from bot.settings.tables import Settings

_OLD_INDEXES: Final = ("border.sqlite", "bindings.sqlite")  # earlier versions kept the index beside the database
SETTINGS: Final = "settings.toml"
COMMANDS_SECRET: Final = "commands-secret"  # noqa: S105 the name of a file


def list_database_files(settings: Settings) -> list[Path]:
    """Return the database and the files beside it with its name: write-ahead log, locks, secret, ledger."""
    database = settings.database
    return sorted(path for path in database.parent.glob("*") if _is_database_file(path.name, database.name))


def list_secret_files(settings: Settings) -> dict[str, Path]:
    """Return the secret files by name. Not all of them need to exist."""
    secrets = {"installation secret": settings.database.with_name(f"{settings.database.name}.secret")}
    if settings.sending.user:
        secrets["password"] = settings.sending.password_file
    if settings.commands.secret_file:
        secrets["command secret"] = Path(settings.commands.secret_file)
    if settings.patchwork.token_file:
        secrets["patchwork token"] = Path(settings.patchwork.token_file)
    return secrets


def list_backup_files(settings: Settings, config: Path | None) -> dict[str, Path]:
    """Return the files of a backup except those of the database, by their names in the backup."""
    files = {SETTINGS: config or Path(DEFAULT_FILE)}
    if settings.commands.secret_file:
        files[COMMANDS_SECRET] = Path(settings.commands.secret_file)
    return files


def has_own_folder(settings: Settings) -> bool:
    """Return whether the folder of the database only contains files of this installation."""
    folder = settings.database.parent.absolute()
    named = (path.absolute() for path in (*_paths(settings), settings.sample))
    names = {path.relative_to(folder).parts[0] for path in named if folder in path.parents}
    files = (*list_database_files(settings), *_list_index_files(settings), *_list_stop_files(settings))
    return holds_only(folder, names | {path.name for path in files})


def make_private(settings: Settings) -> int:
    """Remove all rights of other users on files that any version of this program wrote. Return the number of files.

    Files that other programs use are not changed: archives, mailboxes, kernel repositories, the Maildir that mails are
    delivered to, secrets. The folder of the database is not changed if it contains other files.
    """
    folders = (settings.outbox.directory, settings.lore.directory, settings.sample)
    closed = close_trees(
        (*folders, *list_database_files(settings), *_list_index_files(settings), *_list_stop_files(settings))
    )
    return closed + (has_own_folder(settings) and close_to_others(settings.database.parent))


def _list_index_files(settings: Settings) -> list[Path]:
    paths = {settings.kernel.index_path, *(settings.database.parent / name for name in _OLD_INDEXES)}
    return sorted(file for path in paths if path is not None for file in path.parent.glob(f"{path.name}*"))


def _list_stop_files(settings: Settings) -> list[Path]:
    stop = settings.stop_file
    return [*stop.parent.glob(f"{stop.name}*")]


def _is_database_file(name: str, database: str) -> bool:
    return name == database or name.startswith((f"{database}-", f"{database}."))


def _paths(value: object) -> Iterator[Path]:
    """Yield every path in the settings."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, Table):
        for item in vars(value).values():
            yield from _paths(item)
