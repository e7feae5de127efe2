# SPDX-License-Identifier: GPL-2.0-or-later
"""The secret of an installation: a file beside the database, from which our message-ids are made."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

from bot.permissions import keep_owner, open_to_others
from bot.store.durable import sync_folder
from bot.store.error import SecretError

SECRET_BYTES: Final = 32


def secret_path(database: Path) -> Path:
    """Return the path of the secret of the database."""
    return database.with_name(f"{database.name}.secret")


def read_secret(database: Path) -> bytes | None:
    """Return the secret, or None if it does not exist. Raises SecretError if it is short or other users can read it."""
    path = secret_path(database)
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretError(f"secret {path}: {error.strerror}; allow this user to read it") from error
    if open_to_others(path):
        raise SecretError(f"secret {path}: other users can read it; run `chmod 600 {path}`")
    if len(secret) < SECRET_BYTES:
        raise SecretError(
            f"secret {path}: {len(secret)} bytes instead of {SECRET_BYTES}; restore it from a backup with `patchwarden "
            "restore`"
        )
    return secret


def create_secret(database: Path) -> bytes:
    """Write a new secret durably, readable only by this user. Raises SecretError if a secret exists."""
    path, secret = secret_path(database), secrets.token_bytes(SECRET_BYTES)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        keep_owner(new, path)
        try:
            path.hardlink_to(new)  # fails if the file exists, so that a secret is never replaced
        finally:
            new.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise SecretError(f"secret {path}: cannot be written: {error.strerror}") from error
    return secret


def fingerprint(secret: bytes) -> str:
    """Return the fingerprint of the secret, which the database stores."""
    return hashlib.sha256(b"patchwarden secret\0" + secret).hexdigest()[:16]
