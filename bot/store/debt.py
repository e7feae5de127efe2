# SPDX-License-Identifier: GPL-2.0-or-later
"""The debt that the web pages show: a file beside the database, which `patchwarden debt --publish` replaces."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from bot.debt.report import DebtReport, from_json

_MAX_BYTES: Final = 8_000_000


def debt_path(database: Path) -> Path:
    """Return the path of the debt of the database."""
    return database.with_name(f"{database.name}.debt.json")


def read_debt(path: Path) -> DebtReport | None:
    """Return the stored debt; None if there is none, or the file is damaged."""
    with suppress(OSError, ValueError):
        status = path.stat()
        return _read(path, status.st_ino, status.st_mtime_ns, status.st_size)
    return None


@lru_cache(maxsize=1)
def _read(path: Path, *_: int) -> DebtReport | None:
    """Return the content of a file. Reading it takes longer than most pages, so it is read once for each version."""
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    return from_json(content.decode("utf-8")) if len(content) <= _MAX_BYTES else None
