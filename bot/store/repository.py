# SPDX-License-Identifier: GPL-2.0-or-later
"""The store, which all jobs share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bot.ports.outbox import MailChange
from bot.ports.store import Tally
from bot.store.claims import ClaimRows
from bot.store.database import Database
from bot.store.digest import DigestRows
from bot.store.history import HistoryRows
from bot.store.jobs import JobRows
from bot.store.kernel_tree import KernelTreeRows
from bot.store.landing import LandingRows
from bot.store.mails import MailRows
from bot.store.mutes import MuteRows
from bot.store.outgoing import OutgoingRows
from bot.store.pending import PendingRows
from bot.store.postings import PostingRows
from bot.store.queue import JobQueue
from bot.store.rebuild import ProjectionRows
from bot.store.stop import StopRows

if TYPE_CHECKING:
    from bot.store.session_roles import SessionRoles
else:
    SessionRoles = object

_COUNTS: Final = (
    "SELECT count(*) FROM mail",
    "SELECT count(*) FROM mail WHERE state = 'unreadable'",
    "SELECT count(*) FROM posting WHERE state != 'gone'",
)
_MAILS: Final = "SELECT state, count(*) FROM outgoing GROUP BY state"


class Repository(
    MailRows,
    PostingRows,
    PendingRows,
    OutgoingRows,
    ClaimRows,
    MuteRows,
    DigestRows,
    ProjectionRows,
    StopRows,
    HistoryRows,
    JobRows,
    LandingRows,
    KernelTreeRows,
    SessionRoles,
):
    """The store over the SQLite file at `path`, which is created if it does not exist. Close it after use.

    With a `server`, the URL of a PostgreSQL database, `path` only says where the files beside the database are.
    `on_use` is called at the end of each transaction, `on_change` after the commit of each change of a mail's state.

    Its methods that every round of the service calls use plain statements. The others are those of `SessionRoles`.
    """

    def __init__(
        self,
        path: Path,
        on_use: Callable[[], None] = lambda: None,
        on_change: Callable[[MailChange], None] = lambda _: None,
        server: str = "",
    ) -> None:
        super().__init__(Database(path, on_use, on_change, server))
        HistoryRows.__init__(self, self._database)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Return a method of the roles that use sessions. SQLAlchemy takes half a second to load."""
            from bot.store.session_roles import SessionRoles

            method = self.__dict__[name] = getattr(SessionRoles(self._database), name)
            return method

    def tally(self) -> Tally:
        with self._database.rows() as connection:
            raw, unreadable, postings = (connection.execute(query).fetchone()[0] for query in _COUNTS)
            return Tally(raw, unreadable, postings, dict(connection.execute(_MAILS)))

    def queue(self) -> JobQueue:
        """Return the queue of jobs. Only a database on a server has one."""
        return JobQueue(self._database)

    def compact(self) -> int:
        """Rewrite the file without free pages, while no other process writes. Return the number of bytes freed."""
        return self._database.compact()

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
