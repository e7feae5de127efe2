# SPDX-License-Identifier: GPL-2.0-or-later
"""A public-inbox v2 archive: one git repository per epoch, one mail per commit."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bot.inbox.epochs import commit_of, find_epochs
from bot.inbox.error import InboxError
from bot.ports.raw_mail import Batch, UnreadMail
from rules.lazy import dataclass

_ID_BYTES: Final = 20


class GitArchive:
    """The mails of an archive. Raises InboxError if there is no archive at the path.

    A mail is the file `m` of its commit; a commit with a file `d` instead removes that mail. The cursor of an epoch is
    the last commit that was read. If the history before it was rewritten, the epoch is read again from its start, and
    the store ignores the mails that it knows. A mail arrived when it was committed.

    A mail that is damaged or too large is skipped. It is read again if the cursor of its origin is "".
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = name or str(path)
        find_epochs(path)

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield new mails after the cursors, oldest first. Store the cursor even if its commits have no mails."""
        from bot.inbox.git_commits import open_epoch, read_batches, walk

        for epoch, path in find_epochs(self.path):
            with open_epoch(path) as repository:
                commits = walk(repository, cursors.get(epoch, ""))
                yield from read_batches(self.name, epoch, repository, commits, size)
            for released in self._released(epoch, path, cursors):
                yield released.read()

    def unread(self, cursors: dict[str, str]) -> Iterator["UnreadCommits"]:
        """Yield the epochs, whose batches are those that `batches` yields, without reading the mails."""
        for epoch, path in find_epochs(self.path):
            released = self._released(epoch, path, cursors)
            yield UnreadCommits(self.name, epoch, path, cursors.get(epoch, ""), tuple(released))

    def _released(self, epoch: str, path: Path, cursors: dict[str, str]) -> Iterator["CommitBatch"]:
        """Yield a batch for each mail of the epoch that was skipped and is to be read again."""
        for origin, position in cursors.items():
            if not position and origin.startswith(f"{epoch}@") and (commit := commit_of(origin)):
                yield CommitBatch(self.name, origin, path, bytes.fromhex(commit))

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """Return the mails of the last commits up to the cursors, oldest first, within the limit."""
        from bot.inbox.git_commits import SAMPLE, open_epoch, read_batches, walk_back

        with ExitStack() as open_epochs:
            epochs: list[tuple[str, Any, list[Any]]] = []
            for epoch, path in reversed(find_epochs(self.path)):
                repository = open_epochs.enter_context(open_epoch(path))
                commits = list(islice(walk_back(repository, cursors.get(epoch, "")), most))
                most -= len(commits)
                epochs.append((epoch, repository, commits[::-1]))
            for epoch, repository, commits in reversed(epochs):
                yield from read_batches(self.name, epoch, repository, commits, SAMPLE)

    def count(self, cursors: dict[str, str]) -> int:
        """Return the number of new commits."""
        from bot.inbox.git_commits import open_epoch, walk

        number = 0
        for epoch, path in find_epochs(self.path):
            with open_epoch(path) as repository:
                number += sum(1 for _commit in walk(repository, cursors.get(epoch, "")))
        return number


@dataclass(frozen=True, slots=True)
class UnreadCommits:
    """The commits of an epoch after the cursor, for any process of this machine: bot.ports.archive.UnreadEpoch."""

    source: str
    epoch: str
    path: Path
    cursor: str
    released: "tuple[CommitBatch, ...]" = ()

    @property
    def is_new(self) -> bool:
        """Whether nothing of the epoch was read."""
        return not self.cursor

    def batches(self, size: int) -> Iterator["CommitBatch"]:
        """Yield the batches, oldest first. Raises InboxError."""
        from bot.inbox.git_commits import open_epoch, walk

        with open_epoch(self.path) as repository:
            ids = (commit.id.raw for commit in walk(repository, self.cursor))
            while commits := b"".join(islice(ids, size)):
                yield CommitBatch(self.source, self.epoch, self.path, commits)
        yield from self.released


@dataclass(frozen=True, slots=True)
class CommitBatch:
    """A batch of an archive by its commits, for any process of this machine: bot.ports.archive.UnreadBatch.

    `commits` are the ids, one after the other, each of 20 bytes: an epoch has hundreds of thousands.
    """

    source: str
    epoch: str
    path: Path
    commits: bytes

    def __len__(self) -> int:
        """Return how many mails it adds and removes."""
        return len(self.commits) // _ID_BYTES

    def read(self) -> Batch:
        """Return the batch with its mails. Raises InboxError, unless it is one mail that was skipped before."""
        try:
            return self._read()
        except InboxError as error:
            if not (commit := commit_of(self.epoch)):
                raise
            unread = UnreadMail(self.epoch, datetime.now(UTC), str(error), is_damaged=True)
            return Batch(self.source, self.epoch, commit, (), unread=(unread,))

    def _read(self) -> Batch:
        from bot.inbox.git_commits import find_commits, open_epoch, read_batch

        ids = [self.commits[start : start + _ID_BYTES] for start in range(0, len(self.commits), _ID_BYTES)]
        with open_epoch(self.path) as repository:
            return read_batch(self.source, self.epoch, repository, find_commits(repository, ids))
