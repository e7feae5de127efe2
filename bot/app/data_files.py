# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of this installation: files that must be private, and secrets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.inbox.http_pace import server_folder
from bot.mail.reply import MESSAGE_ID_DIGITS
from bot.permissions import close_to_others, close_trees, holds_only
from bot.settings import DEFAULT_FILE
from bot.settings.table import Table
from bot.settings.tables import Settings
from rules.lazy import re

_OLD_INDEXES: Final = ("border.sqlite", "bindings.sqlite")  # earlier versions kept the index beside the database
_MAIL_FILE = re.compile(rf"[0-9a-f]{{{MESSAGE_ID_DIGITS}}}\.(?:eml|part)")
SETTINGS: Final = "settings.toml"
COMMANDS_SECRET: Final = "commands-secret"  # noqa: S105 the name of a file


def list_database_files(settings: Settings) -> list[Path]:
    """Return the database and the files beside it with its name: write-ahead log, locks, secret, ledger."""
    return _list_beside(settings.database)


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
    return holds_only(folder, names | {path.name for path in _list_files(settings)})


def make_private(settings: Settings) -> int:
    """Remove all rights of other users on files that any version of this program wrote. Return the number of files.

    Files that other programs use are not changed: archives, mailboxes, kernel repositories, the Maildir that mails are
    delivered to, secrets. A folder that contains other files is not changed.
    """
    folders = (
        (settings.outbox.directory, _list_outbox_files(settings)),
        (settings.lore.directory, _list_mirrors(settings)),
        (settings.sample, [settings.sample / "0.git"]),
    )
    closed = sum(map(close_to_others, _list_files(settings)))
    closed += close_trees(path for _, paths in folders for path in paths)
    own = [folder for folder, paths in folders if holds_only(folder, {path.name for path in paths})]
    own += [settings.database.parent] * has_own_folder(settings)
    return closed + sum(map(close_to_others, own))


def _list_outbox_files(settings: Settings) -> list[Path]:
    return [path for path in settings.outbox.directory.glob("*") if _MAIL_FILE.fullmatch(path.name)]


def _list_mirrors(settings: Settings) -> list[Path]:
    """Return the folders of the servers whose lists are followed, and the name of the installation."""
    folder = settings.lore.directory
    urls = (*settings.lore.all_lists, *filter(None, [settings.lore.lookup_url]))
    servers = (server_folder(folder, url) for url in urls)
    return [folder / "installation", *(path for path in servers if path.name.strip(".") and path != folder)]


def _list_files(settings: Settings) -> list[Path]:
    """Return the files of the database, of the indexes of kernels, and of the stop."""
    indexes = filter(None, [settings.kernel.index_path, *map(settings.database.with_name, _OLD_INDEXES)])
    return [file for path in {settings.database, *indexes, settings.stop_file} for file in _list_beside(path)]


def _list_beside(path: Path) -> list[Path]:
    """Return the file, and the files beside it whose names continue its name. A folder or device is none of them."""
    own = (f"{path.name}-", f"{path.name}.")
    names = (file for file in path.parent.glob("*") if file.name == path.name or file.name.startswith(own))
    return sorted(file for file in names if file.is_file())


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
