# SPDX-License-Identifier: GPL-2.0-or-later
"""Write files atomically and durably."""

import os
from contextlib import suppress
from pathlib import Path

from bot.outbox.error import DeliveryUnconfirmedError, OutboxError


def write_whole(path: Path, content: bytes, part: Path) -> None:
    """Write the file by way of `part`, on the same file system; the folders of both are made.

    Raises OutboxError if it cannot be written; then neither file is there, unless an older one was. Raises
    DeliveryUnconfirmedError if the file is there, but may not outlast a power failure.
    """
    try:
        for folder in {part.parent, path.parent}:
            folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutboxError(f"cannot write {path}: {error.strerror}") from error
    try:
        _keep_name(path.parent)
    except OSError as error:
        raise DeliveryUnconfirmedError(f"{path} is written, but may be lost: {error.strerror}") from error


def _keep_name(folder: Path) -> None:
    """Flush the folder: a new name is durable only after that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
