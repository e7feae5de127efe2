# SPDX-License-Identifier: GPL-2.0-or-later
"""The roles that only one process at a time can have on a database, as locks of files beside it."""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from bot.store.dialect import name_of, open_server
from bot.store.error import StoreError, explained

_MAX_TRIES: Final = 4  # of a lock that another process looks at
_TRY_SECONDS: Final = 0.05  # between two tries; a look takes much less


class Role(StrEnum):
    """A role that only one process at a time can have on a database. The value is the suffix of its lock file."""

    REVIEWER = "lock"
    SENDER = "sender.lock"


_NUMBERS: Final = {Role.REVIEWER: 1, Role.SENDER: 2}
"""The numbers of the locks of roles in a database on a server."""


@contextmanager
def sole_worker(database: Path, *roles: Role, server: str = "") -> Iterator[None]:
    """Hold these roles on the database, or all roles if none is named.

    On a `server` the roles are also locks of its database, so that processes on other machines cannot have them.
    Raises StoreError if another process has one of them.
    """
    wanted = roles or tuple(Role)
    with ExitStack() as locks:
        for role in wanted:
            locks.enter_context(_locked(database, role))
        if server:
            taken = locks.enter_context(_locked_on_server(database, server, wanted))
            if taken is not None:
                raise StoreError(
                    f"database {name_of(database, server)}: a patchwarden on another machine works on it as its "
                    f"{taken.name.lower()}; wait for it or stop it"
                )
        yield


@contextmanager
def _locked_on_server(database: Path, server: str, roles: Sequence[Role]) -> Iterator[Role | None]:
    """Lock the roles in the database until its end, on a connection of their own. Yield a role that is taken."""
    with explained(database, server):
        connection = open_server(server)
        connection.hold()
    try:
        with explained(database, server):
            taken = next((role for role in roles if not connection.try_lock(_NUMBERS[role])), None)
        yield taken
    finally:
        connection.close()


def running(database: Path, role: Role) -> str:
    """Return the id of the process that has the role on the database, or ""."""
    try:
        with database.with_name(f"{database.name}.{role}").open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read().strip() or "unknown"
    except OSError:
        pass
    return ""


@contextmanager
def _locked(database: Path, role: Role) -> Iterator[None]:
    path = database.with_name(f"{database.name}.{role}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise StoreError(f"database {database}: cannot open {path}: {error.strerror}") from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            raise StoreError(
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
