# SPDX-License-Identifier: GPL-2.0-or-later
"""The store, which all jobs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from sqlalchemy import func
from sqlmodel import col, select

from bot.ports.outbox import MailChange
from bot.ports.store import Tally
from bot.store.bounces import BounceRows
from bot.store.checks import CheckRows
from bot.store.claims import ClaimRows
from bot.store.commands import CommandRows
from bot.store.database import Database
from bot.store.digest import DigestRows
from bot.store.following import FollowingRows
from bot.store.history import HistoryRows
from bot.store.installation import InstallationRows
from bot.store.jobs import JobRows
from bot.store.kernel_tree import KernelTreeRows
from bot.store.knowledge import KnowledgeRows
from bot.store.landing import LandingRows
from bot.store.mails import MailRows
from bot.store.mutes import MuteRows
from bot.store.outgoing import OutgoingRows
from bot.store.pending import PendingRows
from bot.store.postings import PostingRows
from bot.store.queue import JobQueue
from bot.store.rebuild import ProjectionRows
from bot.store.records import RecordRows
from bot.store.retention import RetentionRows
from bot.store.stop import StopRows
from bot.store.tables import MailRow, OutgoingRow, PostingRow


class Repository(
    MailRows,
    PostingRows,
    PendingRows,
    FollowingRows,
    KernelTreeRows,
    KnowledgeRows,
    LandingRows,
    OutgoingRows,
    ClaimRows,
    CommandRows,
    MuteRows,
    RecordRows,
    DigestRows,
    ProjectionRows,
    RetentionRows,
    BounceRows,
    InstallationRows,
    StopRows,
    HistoryRows,
    JobRows,
    CheckRows,
):
    """The store over the SQLite file at `path`, which is created if it does not exist. Close it after use.

    With a `server`, the URL of a PostgreSQL database, `path` only says where the files beside the database are.
    `on_use` is called at the end of each transaction, `on_change` after the commit of each change of a mail's state.
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

    def tally(self) -> Tally:
        with self._database.reading() as session:
            by_state = select(OutgoingRow.state, func.count()).group_by(OutgoingRow.state)
            return Tally(
                raw=session.exec(select(func.count(col(MailRow.id)))).one(),
                unreadable=session.exec(select(func.count()).where(MailRow.state == "unreadable")).one(),
                postings=session.exec(select(func.count()).where(PostingRow.state != "gone")).one(),
                mails=dict(session.exec(by_state).all()),
            )

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
