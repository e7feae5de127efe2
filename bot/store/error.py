# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors of the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.error import AdapterError
from bot.store.dialect import driver_errors, name_of, reason_of

OTHER_USER: Final = "run the command as the user of the service"
"""What to do if the data belongs to another user."""


class StoreError(AdapterError):
    """The database cannot be opened, read or written. The message names the file and the cause. Nothing was changed."""


class SecretError(StoreError):
    """The secret of the installation is lost, cannot be read, or belongs to another database."""


@contextmanager
def explained(path: Path, server: str = "") -> Iterator[None]:
    """Raise an error of the driver or of the system as StoreError, with its cause."""
    try:
        yield
    except _causes() as error:
        raise StoreError(f"database {name_of(path, server)}: {reason_of(error)}") from error


def _causes() -> tuple[type[Exception], ...]:
    return OSError, *driver_errors()
