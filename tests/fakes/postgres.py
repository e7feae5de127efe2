# SPDX-License-Identifier: GPL-2.0-or-later
"""A PostgreSQL server for a test session, with a database for each path that a test opens.

The server runs as an unprivileged user, has only a socket in a folder of its own, and starts when it is needed.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from bot.store.database import Database

_USER: Final = "warden"
_TEMPLATE: Final = "migrated"
_FAST: Final = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=60", "max_wal_size=128MB")
_MEMORY: Final = "dynamic_shared_memory_type=mmap"  # so that a killed server leaves no shared memory
_SECONDS: Final = 60


class Server:
    """A server that is running until `stop`."""

    def __init__(self) -> None:
        self._programs = _programs()
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="pw-", dir=memory if memory.is_dir() else None))
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        self._known: set[str] = set()
        self._sources: set[str] = set()
        try:
            self._prepare()
        except BaseException:
            self.remove()
            raise

    def _prepare(self) -> None:
        self._run("initdb", "--auth=trust", f"--username={_USER}", "--no-sync", "--encoding=UTF8", "--locale=C")
        self.start()
        with self._administrator() as connection:
            connection.execute(f"CREATE DATABASE {_TEMPLATE}")
        Database(self.folder / "template.db", server=self._url(_TEMPLATE)).close()

    @property
    def socket(self) -> Path:
        """The socket at which the server listens."""
        return self.folder / ".s.PGSQL.5432"

    def url_of(self, path: Path) -> str:
        """Return the URL of the database that stands for the file at `path`. It is migrated, and made if needed."""
        name = _name(path)
        if name not in self._known:
            self._create(name, _TEMPLATE)
            self._known.add(name)
        return self._url(name)

    def call(self, program: str, *arguments: str) -> None:
        """Run a program of the server's package, such as pg_dump."""
        subprocess.run([self._programs / program, *arguments], check=True, timeout=_SECONDS)

    def create_empty(self, name: str) -> str:
        """Make a database without tables, and return its URL."""
        self._create(name, "template1")
        return self._url(name)

    def copy(self, source: Path, target: Path) -> None:
        """Let the database of `target` be a copy of that of `source`, to which nobody is connected."""
        self._sources.add(_name(source))
        self._create(_name(target), _name(source))

    def drop(self, path: Path) -> None:
        """Remove the database of `path`; the next use makes a new one."""
        self._drop([_name(path)])

    @contextmanager
    def dropping(self) -> Iterator[None]:
        """Remove at the end the databases that are made for paths meanwhile: each takes nine megabytes of memory.

        One that was copied stays, because other tests may copy it too.
        """
        before = set(self._known)
        yield
        self._drop(self._known - before - self._sources)

    def start(self) -> None:
        options = " ".join(f"-c {option}" for option in (*_FAST, _MEMORY, f"unix_socket_directories={self.folder}"))
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.folder / 'log'}", f"--options={options}")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", f"--mode={mode}")

    def remove(self) -> None:
        """Stop the server and remove its files."""
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, name: str, template: str) -> None:
        with self._administrator() as connection, suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")

    def _drop(self, names: Collection[str]) -> None:
        self._known.difference_update(names)
        with self._administrator() as connection:
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _administrator(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://{_USER}@/{name}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, "--pgdata", self.folder / "data", *arguments],
            check=True,
            cwd=self.folder,
            user=self._user,
            stdout=subprocess.DEVNULL,
            timeout=_SECONDS,
        )


@cache
def server() -> Server:
    """Return the server of this process, which the first call starts. Skip the test where none is installed."""
    return Server()


def stop_server() -> None:
    """Stop the server of this process, if it runs."""
    if server.cache_info().currsize:
        server().remove()
        server.cache_clear()


def skip_if_missing() -> None:
    """Skip the test where no server is installed."""
    _programs()


def _programs() -> Path:
    found = find_programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: `apt install postgresql`")
    return found


def find_programs() -> Path | None:
    """Return the folder of the server's programs, or None if none is installed."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.environ.get("PATH", "").split(":"))]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _name(path: Path) -> str:
    return f"t{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:24]}"
