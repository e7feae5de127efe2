# SPDX-License-Identifier: GPL-2.0-or-later
"""The roles that only one process at a time can have on a database.

They are locks of files beside it, and for a database on a server also locks of the server.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from bot.store.dialect import driver_errors, name_of
from bot.store.error import OTHER_USER, StoreError, explained
from bot.store.postgres import PostgresConnection, open_server

_MAX_TRIES: Final = 4  # of a lock that another process looks at
_LOOK_SECONDS: Final = 2.0  # of the question to a server whether a lock is taken
_TRY_SECONDS: Final = 0.05  # between two tries; a look takes much less


class Role(StrEnum):
    """A role that only one process at a time can have on a database. The value is the suffix of its lock file."""

    REVIEWER = "lock"
    SENDER = "sender.lock"


_NUMBERS: Final = {Role.REVIEWER: 1, Role.SENDER: 2}
"""The numbers of the locks of roles in a database on a server."""


class RoleTakenError(StoreError):
    """Another process has the role."""


class HeldRoles:
    """The roles that this process has on a database.

    The locks of a server end with the connection that has them, and then another process can take them.
    """

    def __init__(self, database: Path, server: str, roles: Sequence[Role]) -> None:
        self._database = database
        self._server = server
        self._roles = roles
        self._connection: PostgresConnection | None = None

    def take(self) -> bool:
        """Take the locks of the server if this process does not have them. Return whether it took them.

        Raises RoleTakenError if another process has one of them.
        """
        if not self._server or self._is_alive():
            return False
        with explained(self._database, self._server):
            connection = open_server(self._server)
            try:
                connection.hold()
                taken = next((role for role in self._roles if not connection.try_lock(_NUMBERS[role])), None)
            except BaseException:
                connection.close()
                raise
        if taken is not None:
            connection.close()
            raise RoleTakenError(
                f"database {name_of(self._database, self._server)}: a patchwarden on another machine works on it as "
                f"its {taken.name.lower()}; wait for it or stop it"
            )
        self._connection = connection
        return True

    def check(self) -> None:
        """Ask the server whether this process still has the locks. Raises StoreError if it lost them."""
        if self._server and not self._is_alive():
            raise StoreError(
                f"database {name_of(self._database, self._server)}: the connection that makes this process the sole "
                f"{' and '.join(role.name.lower() for role in self._roles)} was lost; the next round connects again"
            )

    def release(self) -> None:
        """Give back the locks of the server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_alive(self) -> bool:
        """Return whether the connection that has the locks works."""
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1").fetchone()
        except driver_errors():
            self.release()
            return False
        return True


@contextmanager
def sole_worker(database: Path, *roles: Role, server: str = "") -> Iterator[HeldRoles]:
    """Hold these roles on the database, or all roles if none is named.

    On a `server` the roles are also locks of its database, so that processes on other machines cannot have them.
    Raises RoleTakenError if another process has one of them.
    """
    wanted = roles or tuple(Role)
    held = HeldRoles(database, server, wanted)
    with ExitStack() as locks:
        for role in wanted:
            locks.enter_context(_locked(database, role))
        locks.callback(held.release)
        held.take()
        yield held


def running(database: Path, role: Role, server: str = "") -> str:
    """Return the id of the process that has the role on the database, or "".

    It is "of another machine" if only the `server` knows that a process has it.
    """
    try:
        with database.with_name(f"{database.name}.{role}").open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read().strip() or "unknown"
    except OSError:
        pass
    return "of another machine" if server and _is_locked(server, _NUMBERS[role]) else ""


def _is_locked(server: str, number: int) -> bool:
    """Return whether a connection to the server has the lock; False if the server does not answer."""
    try:
        with closing(open_server(server, _LOOK_SECONDS)) as connection:
            return connection.is_locked(number)
    except driver_errors():
        return False


@contextmanager
def _locked(database: Path, role: Role) -> Iterator[None]:
    path = database.with_name(f"{database.name}.{role}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        fix = f"; {OTHER_USER}" if isinstance(error, PermissionError) else ""
        raise StoreError(f"database {database}: cannot open {path}: {error.strerror}{fix}") from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            raise RoleTakenError(
                f"database {database}: another patchwarden works on it (process {file.read().strip() or 'unknown'}) as "
                f"its {role.name.lower()}; wait for it or stop it"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _lock(file: IO[str]) -> None:
    """Lock the file for this process. `running` holds it for a moment when it looks, so this tries again."""
    for _ in range(_MAX_TRIES - 1):
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_TRY_SECONDS)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
