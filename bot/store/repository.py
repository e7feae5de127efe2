# SPDX-License-Identifier: GPL-2.0-or-later
"""The store that wiring hands to the jobs."""

from pathlib import Path
from typing import Self

from bot.store.database import Database
from bot.store.mails import MailRows
from bot.store.outgoing import OutgoingRows
from bot.store.postings import PostingRows


class Repository(MailRows, PostingRows, OutgoingRows):
    """bot.ports.Store over the SQLite file at `path`, which is made where there is none; close it after use."""

    def __init__(self, path: Path) -> None:
        super().__init__(Database(path))

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
