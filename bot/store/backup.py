# SPDX-License-Identifier: GPL-2.0-or-later
"""Backups: a folder with copies of the database, made with the backup API of SQLite, and of the files it needs."""

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.permissions import keep_owner
from bot.store.dialect import reason_of, refuse_foreign
from bot.store.durable import sync_folder
from bot.store.error import StoreError
from bot.store.ledger import LedgerFile, ledger_path, read_ledger
from bot.store.roles import sole_worker
from bot.store.secret import secret_path

DATABASE: Final = "patchwarden.db"
LEDGER: Final = "ledger"
SECRET: Final = "secret"  # noqa: S105 the name of a file
_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1


def back_up(database: Path, folder: Path, more: Mapping[str, Path], now: datetime) -> tuple[str, ...]:
    """Copy the database, its ledger, its secret and `more` files to a new folder. Return the names of the copies.

    The service may keep running. The ledger is copied last, so that it contains every mail in the copy of the database.
    Files that do not exist are skipped. Raises StoreError.
    """
    if folder.exists() or folder.is_symlink():
        raise StoreError(f"backup {folder}: the folder already exists; name a new folder")
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        try:
            _copy_database(database, part / DATABASE)
            names = [DATABASE]
            files = {SECRET: secret_path(database), **more, LEDGER: ledger_path(database)}
            for name, path in files.items():
                if path.exists():
                    _write(part / name, path.read_bytes())
                    names.append(name)
            sums = {name: _sum(part / name) for name in names}
            manifest = {"format": _FORMAT, "created": now.isoformat(), "files": sums}
            _write(part / _MANIFEST, json.dumps(manifest, indent=2).encode("ascii"))
            sync_folder(part)
            part.rename(folder)
            sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"backup {folder}: {error.strerror}: {error.filename}") from error
    except sqlite3.Error as error:
        raise StoreError(f"backup {folder}: cannot copy {database}: {reason_of(error)}") from error
    return tuple(names)


def read_backup(folder: Path) -> frozenset[str]:
    """Return the names of the files in a backup. Raises StoreError if one is missing, changed or damaged."""
    try:
        if not (folder / _MANIFEST).is_file():
            problem = f"it has no {_MANIFEST}" if folder.is_dir() else "there is no such folder"
            raise StoreError(f"backup {folder}: {problem}; name a folder that `patchwarden backup` created")
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        if manifest["format"] != _FORMAT:
            raise StoreError(f"backup {folder}: it was made by a newer patchwarden; use that version")
        sums = dict(manifest["files"])
        for name, expected in sums.items():
            if Path(name).name != name or _sum(folder / name) != expected:
                raise StoreError(f"backup {folder}: {name} was changed or damaged; use another backup")
        with closing(sqlite3.connect(f"{(folder / DATABASE).absolute().as_uri()}?immutable=1", uri=True)) as copy:
            _check(copy, folder / DATABASE)
    except OSError as error:
        raise StoreError(f"backup {folder}: {error.strerror}: {error.filename}") from error
    except (ValueError, KeyError, TypeError, sqlite3.Error) as error:
        raise StoreError(f"backup {folder}: it is not a backup of patchwarden, or it is damaged ({error})") from error
    return frozenset(sums)


def restore(folder: Path, database: Path, more: Mapping[str, Path], now: datetime, *, force: bool = False) -> None:
    """Restore the files of a backup. The existing ledger stays, and gets the mails that only the backup's ledger has.

    Afterwards nothing is sent until a person reconciles the database with the ledger. Raises StoreError if a process
    works on the database, or without `force` if a file would be replaced. If root restores, the files belong to the
    owners of those that they replace, and new files to the owner of their folder.
    """
    names = read_backup(folder)
    targets = {SECRET: secret_path(database), **more, DATABASE: database}
    targets = {name: path for name, path in targets.items() if name in names}
    with sole_worker(database):
        for name, path in targets.items():
            if path.exists() and not force and (name == DATABASE or path.read_bytes() != (folder / name).read_bytes()):
                raise StoreError(f"{path} already exists; back it up, then use `--force` to replace it")
        try:
            _restore_ledger(folder, database, now)
            for path in (database.with_name(f"{database.name}-{end}") for end in ("wal", "shm")):
                path.unlink(missing_ok=True)
            for name, path in targets.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
                _write(part, (folder / name).read_bytes())
                keep_owner(part, path)
                part.replace(path)
                sync_folder(path.parent)
            for path in (ledger_path(database), *database.parent.glob(f"{database.name}.*lock")):
                if path.exists():
                    keep_owner(path, database)
        except OSError as error:
            raise StoreError(f"restore {folder}: {error.strerror}: {error.filename}") from error


def _restore_ledger(folder: Path, database: Path, now: datetime) -> None:
    """Record in the ledger that a backup is restored, before any file is replaced."""
    ledger, saved = LedgerFile(ledger_path(database)), read_ledger(folder / LEDGER)
    if ledger.state is None and saved is None:
        return
    if saved is not None:
        if ledger.state is None:
            ledger.start(saved.installation, saved.generation, now)
        known = {} if ledger.state is None else ledger.state.attempts
        missing = [attempt for key, attempt in saved.attempts.items() if key not in known]
        ledger.begin([attempt for attempt in missing for _ in range(attempt.count)], now)
        ledger.end({attempt.message_id: attempt.state for attempt in missing if attempt.state}, now)
    ledger.restored(now)


def _copy_database(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    with closing(sqlite3.connect(source, timeout=30)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE").close()  # a single file, without a write-ahead log
        _check(copy, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _check(database: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError if a copy is damaged, and sqlite3.Error if another program made it or it cannot be read."""
    with closing(database.execute("PRAGMA integrity_check")) as rows:
        result = rows.fetchone()[0]
    if result != "ok":
        raise StoreError(f"{path}: the copy of the database is damaged: {result}")
    refuse_foreign(database)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
