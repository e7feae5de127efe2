# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors of the store."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.error import AdapterError

_FIXES: Final = {
    "readonly": "it cannot be written; allow this user to write the file and its folder",
    "disk is full": "the disk is full; nothing was lost; free some space and start again",
    "not a database": "it is not a SQLite database; name another file, or move this file away",
    "malformed": "the file is damaged; restore a backup, or move the file away and start again",
    "locked": "another program has locked it; stop that program or try again",
    "unable to open": "it cannot be opened; check that the folder exists and that this user may write to it",
}


class StoreError(AdapterError):
    """The database cannot be opened, read or written. The message names the file and the cause. Nothing was changed."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise an error of the driver or of the system as StoreError, with its cause."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"database {path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    message = str(error)
    return next((f"{fix} ({message})" for sign, fix in _FIXES.items() if sign in message), message)
