# SPDX-License-Identifier: GPL-2.0-or-later
"""Temporary folders that are removed even when their process was killed: by the next one that makes such a folder.

The process that made a folder holds a lock on it, which the system takes back however that process ends. A folder
without a lock is therefore left over.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "patchwarden-tmp-"
MARK: Final = ".made-by-patchwarden"
"""A file in each of our temporary folders: a folder that only has such a name is somebody else's."""
_MAX_HOME: Final = 70  # bytes; worker processes add 32 for a socket's name, which may have 107


def use_temporary_home() -> None:
    """Put the temporary files of this process and its children into one folder, which is removed when it ends.

    Libraries make such files too. Where the system has no place for temporary files, or one with a path too long for
    sockets below it, nothing happens.
    """
    with suppress(OSError):
        if len(os.fsencode(tempfile.gettempdir())) + len(f"/{PREFIX}12345678") > _MAX_HOME:
            return
        home = temporary_folder()
        # What is registered first runs last: others tidy up in the folder first.
        atexit.register(home.__exit__, None, None, None)
        tempfile.tempdir = os.environ["TMPDIR"] = str(home.__enter__())


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make an empty folder in `parent`, else where the system keeps such; it is removed at the end.

    What killed processes left in `parent` is removed first. Raises OSError.
    """
    where = Path(tempfile.gettempdir()) if parent is None else parent
    where.mkdir(parents=True, exist_ok=True)
    remove_abandoned(where)
    path, lock = _make(where)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_abandoned(parent: Path) -> int:
    """Remove the temporary folders in `parent` that this user's killed processes left; return how many.

    A folder that was never locked is empty still, and only removed if it is.

    A folder of a living process, of another user, or behind a symbolic link is left alone.
    """
    removed = 0
    for path in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if (path / MARK).exists():
                        shutil.rmtree(path)
                    else:
                        path.rmdir()
                    removed += 1
            finally:
                os.close(descriptor)
    return removed


def _make(where: Path) -> tuple[Path, int]:
    """Make a folder and lock it. Another process may take it for abandoned before it is locked: then make another."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where))
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            with suppress(FileNotFoundError, BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    (path / MARK).touch()
                    return path, descriptor
            os.close(descriptor)
