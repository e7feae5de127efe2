# SPDX-License-Identifier: GPL-2.0-or-later
"""The thread of a series that b4 tracks: b4 names it to the commands that check one patch of the series.

b4 writes what it tracks to a JSON file, names that file in `$B4_TRACKING_FILE`, and runs the command at the top of the
repository. The thread is an mbox in a blob of the repository (b4 0.16, review_tui/_common.py).
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from bot.inbox.git_range import run_git
from bot.inbox.mailbox import split_mbox
from bot.ports.raw_mail import Batch, RawMail
from rules.lazy import re

_BLOB: Final = re.compile(r"[0-9a-f]{40,64}\Z")
_MAX_FILE: Final = 64_000_000  # bytes


class TrackedThread:
    """The mails of the thread that a tracking file names, none if b4 stored no thread. It keeps no cursor."""

    def __init__(self, path: Path, repository: Path) -> None:
        self.name = str(path)
        self._path = path
        self._repository = repository

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:  # noqa: ARG002 the port's names
        """Yield one batch with all mails.

        Raises InboxError if the file is not one of b4.
        """
        mails = (RawMail(f"{self.name}#{at}", datetime.now(UTC), mail) for at, mail in enumerate(self._mails(), 1))
        yield Batch(self.name, "thread", "", tuple(mails))

    def count(self, cursors: dict[str, str]) -> int:  # noqa: ARG002 the port's name
        """Return the number of mails."""
        return len(self._mails())

    def _mails(self) -> list[bytes]:
        blob = self._blob()
        if not blob:
            return []
        try:
            return split_mbox(run_git(self.name, self._repository, "cat-file", "blob", blob))
        except InboxError:
            # Git removes blobs that nothing refers to. b4 then fetches the thread, and a check does without it.
            return []

    def _blob(self) -> str:
        """Return the object id of the thread, "" if the file names none."""
        try:
            with self._path.open("rb") as file:
                tracked = json.loads(file.read(_MAX_FILE))
        except OSError as error:
            raise InboxError(f"{self.name}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise InboxError(f"{self.name}: not a tracking file of b4: {error}") from error
        series = tracked.get("series") if isinstance(tracked, dict) else None
        if not isinstance(series, dict):
            raise InboxError(f"{self.name}: not a tracking file of b4: it has no series")
        blob = series.get("thread-blob") or ""
        if blob and not (isinstance(blob, str) and _BLOB.match(blob)):
            raise InboxError(f"{self.name}: its thread-blob is not an object id")
        return str(blob)
