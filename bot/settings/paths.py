# SPDX-License-Identifier: GPL-2.0-or-later
"""Resolve relative paths of the settings: they start at the folder of the settings file, else at the data directory."""

import logging
import os
from pathlib import Path
from typing import Final

from bot.error import SettingsError

DATA_DIR: Final = "PATCHWARDEN_DATA_DIR"

log = logging.getLogger(__name__)


def data_directory() -> Path:
    """Return the folder where relative paths start if there is no settings file, as an absolute path.

    It is $PATCHWARDEN_DATA_DIR, else the first folder of systemd's $STATE_DIRECTORY, else the working directory.
    """
    named = os.environ.get(DATA_DIR) or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(named).absolute() if named else Path.cwd()


def base_directory(file: Path | None) -> Path:
    """Return the folder where the relative paths of the settings file start.

    Symbolic links are followed, so that the same file always means the same database.
    """
    return data_directory() if file is None else file.resolve().parent


def refuse_moved(key: str, written: Path, path: Path) -> None:
    """Raise SettingsError if `path` does not exist, but the written path exists in the working directory.

    Earlier versions resolved relative paths there. If both files exist, log a warning.
    """
    old = written.absolute()
    # Unlike pathlib, os.path raises no error for a folder that cannot be entered; whoever opens the file says so.
    if written.is_absolute() or not os.path.isfile(old) or (path.exists() and path.samefile(old)):  # noqa: PTH113
        return
    if path.exists():
        log.warning("%s: %s is used; %s in the working directory is another file and is ignored", key, path, old)
        return
    raise SettingsError(
        f"settings: {key}: {path} does not exist, but {old} does. Relative paths no longer start at the working "
        f"directory. To use this file, move it and the files beside it to {path.parent}, or write "
        f'{key} = "{old}". Otherwise start from another folder.'
    )


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def displayed(path: Path) -> str:
    """Return the path as it is displayed: relative to the working directory if that drops more than a slash."""
    try:
        return min(str(path), os.path.relpath(path), key=lambda text: len(text.lstrip("/")))
    except OSError:  # the working directory was removed
        return str(path)
