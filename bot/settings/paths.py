# SPDX-License-Identifier: GPL-2.0-or-later
"""Resolve the paths of the settings: relative to the settings file's folder, else to the data directory."""

import logging
import os
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from bot.error import SettingsError

DATA_DIR: Final = "PATCHWARDEN_DATA_DIR"
_Model = TypeVar("_Model", bound=BaseModel)

log = logging.getLogger(__name__)


def data_directory() -> Path:
    """Return the folder that paths are relative to where there is no settings file, as an absolute path.

    It is $PATCHWARDEN_DATA_DIR, else the first folder of systemd's $STATE_DIRECTORY, else the working directory.
    """
    named = os.environ.get(DATA_DIR) or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(named).absolute() if named else Path.cwd()


def base_directory(file: Path | None) -> Path:
    """Return the folder that the paths of that settings file are relative to; None: no settings file.

    A symbolic link to the file is followed, so that the same file means the same database wherever it is named.
    """
    return data_directory() if file is None else file.resolve().parent


def anchor(settings: _Model, base: Path) -> _Model:
    """Return the settings with all paths absolute."""
    anchored: _Model = _anchored(settings, base)
    return anchored


def refuse_moved(key: str, written: Path, path: Path) -> None:
    """Raise SettingsError where `path` is missing, but a file lies where the written path led before.

    Before, relative paths started at the working directory. Where both files exist, log a warning.
    """
    old = written.absolute()
    if written.is_absolute() or not old.is_file() or (path.exists() and path.samefile(old)):
        return
    if path.exists():
        log.warning("%s: %s is used; %s in the working directory is another file and is not used", key, path, old)
        return
    raise SettingsError(
        f"settings: {key}: relative paths no longer start at the working directory: {path} does not exist, but {old} "
        f"does. If that is the file you mean, move it and the files beside it to {path.parent}, or write "
        f'{key} = "{old}". If not, start from another folder.'
    )


def displayed(path: Path) -> str:
    """Return the path as people see it: relative to the working directory where that is shorter."""
    try:
        return min(os.path.relpath(path), str(path), key=len)
    except OSError:  # the working directory was removed
        return str(path)


def _anchored(value: Any, base: Path) -> Any:
    if isinstance(value, Path):
        return base / value
    if isinstance(value, tuple):
        return tuple(_anchored(item, base) for item in value)
    if isinstance(value, dict):
        return {key: _anchored(item, base) for key, item in value.items()}
    if isinstance(value, BaseModel):
        fields = ((name, getattr(value, name)) for name in type(value).model_fields)
        return value.model_copy(update={name: _anchored(item, base) for name, item in fields})
    return value
