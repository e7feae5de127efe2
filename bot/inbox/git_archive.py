# SPDX-License-Identifier: GPL-2.0-or-later
"""A public-inbox v2 archive: one git repository per epoch, one mail per commit."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

import pygit2
from pygit2.enums import SortMode

from bot.inbox.error import InboxError
from bot.ports.raw_mail import Batch, DeletedMail, RawMail
from rules.lazy import dataclass, re

_EPOCH = re.compile(r"(\d+)\.git")
_COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_SAMPLE: Final = 100
_OLDEST_FIRST: Final = SortMode.TOPOLOGICAL | SortMode.REVERSE


def is_git_archive(path: Path) -> bool:
    """Return whether the path is a git repository or a directory of epochs."""
    return _is_repository(path) or bool(_epochs(path))


class GitArchive:
    """The mails of an archive: `path` is a repository, or a directory with `0.git`, `1.git` …, or `git/0.git` ….

    A mail is the file `m` of its commit; a commit with a file `d` instead removes that mail. The cursor of an epoch is
    the last commit that was read. If the history before it was rewritten, the epoch is read again from its start, and
    the store ignores the mails that it knows. A mail arrived when it was committed.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = name or str(path)
        if not is_git_archive(path):
            raise InboxError(f"{path}: not a public-inbox archive (no git repository, no epochs 0.git, 1.git, ...)")

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield new mails after the cursors, oldest first. Store the cursor even if its commits have no mails."""
        for epoch, path in self.epochs():
            with _epoch(path) as repository:
                yield from self._read(epoch, repository, _walk(repository, cursors.get(epoch, "")), size)

    def unread(self, cursors: dict[str, str], size: int = 500) -> Iterator["CommitBatch"]:
        """Yield what `batches` yields, without reading the mails."""
        for epoch, path in self.epochs():
            with _epoch(path) as repository:
                commits = (str(commit.id) for commit in _walk(repository, cursors.get(epoch, "")))
                while ids := tuple(islice(commits, size)):
                    yield CommitBatch(self.name, epoch, path, ids)

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """Return the mails of the last commits up to the cursors, oldest first, within the limit."""
        with ExitStack() as open_epochs:
            epochs: list[tuple[str, pygit2.Repository, list[pygit2.Commit]]] = []
            for epoch, path in reversed(self.epochs()):
                repository = open_epochs.enter_context(_epoch(path))
                commits = list(islice(_walk_back(repository, cursors.get(epoch, "")), most))
                most -= len(commits)
                epochs.append((epoch, repository, commits[::-1]))
            for epoch, repository, commits in reversed(epochs):
                yield from self._read(epoch, repository, commits, _SAMPLE)

    def count(self, cursors: dict[str, str]) -> int:
        """Return the number of new commits."""
        number = 0
        for epoch, path in self.epochs():
            with _epoch(path) as repository:
                number += sum(1 for _commit in _walk(repository, cursors.get(epoch, "")))
        return number

    def epochs(self) -> list[tuple[str, Path]]:
        """Return the names and paths of the repositories, oldest first."""
        if _is_repository(self.path):
            return [(self.path.name if _EPOCH.fullmatch(self.path.name) else "0.git", self.path)]
        if not (epochs := _epochs(self.path)):  # It existed when this object was made.
            raise InboxError(f"{self.path}: the archive is gone")
        return epochs

    def _read(
        self, epoch: str, repository: pygit2.Repository, commits: Iterable[pygit2.Commit], size: int
    ) -> Iterator[Batch]:
        rest = iter(commits)
        while chosen := list(islice(rest, size)):
            yield _read_batch(self.name, epoch, repository, chosen)


@dataclass(frozen=True, slots=True)
class CommitBatch:
    """A batch of an archive by its commits, for any process of this machine: bot.ports.archive.UnreadBatch."""

    source: str
    epoch: str
    path: Path
    commits: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many mails it adds and removes."""
        return len(self.commits)

    def read(self) -> Batch:
        """Return the batch with its mails. Raises InboxError."""
        with _epoch(self.path) as repository:
            try:
                commits = [repository[commit_id].peel(pygit2.Commit) for commit_id in self.commits]
            except (pygit2.GitError, KeyError) as error:
                raise InboxError(f"{self.path}: {error}") from error
            return _read_batch(self.source, self.epoch, repository, commits)


def _read_batch(source: str, epoch: str, repository: pygit2.Repository, commits: Sequence[pygit2.Commit]) -> Batch:
    """Return what these commits add and remove."""
    mails: list[RawMail] = []
    deleted: list[DeletedMail] = []
    for commit in commits:
        origin = f"{epoch}@{commit.id}"
        name, content = _mail(commit, repository)
        if name == "m":
            mails.append(RawMail(origin, _arrived(commit), content))
        elif name:
            deleted.append(DeletedMail(origin, content))
    return Batch(source, epoch, str(commits[-1].id), tuple(mails), tuple(deleted))


class CommitReader:
    """The mails of archives by their commits, for a process that does not walk the archives.

    Raises InboxError if an archive cannot be opened.
    """

    def __init__(self, archives: Iterable[str]) -> None:
        self._repositories = [_open(path) for archive in archives for _, path in GitArchive(Path(archive)).epochs()]
        self._lock = Lock()

    def read(self, commit_id: str) -> bytes:
        """Return the mail of a commit. Raises InboxError if no archive has it."""
        with self._lock:  # libgit2 lets one thread at a time use a repository
            for number, repository in enumerate(self._repositories):
                commit = repository.get(commit_id)
                if isinstance(commit, pygit2.Commit):
                    # The next mail is probably in the same repository.
                    self._repositories.insert(0, self._repositories.pop(number))
                    name, content = _mail(commit, repository)
                    if name == "m":
                        return content
        raise InboxError(f"no archive has a mail in the commit {commit_id}")


open_commits = lru_cache(maxsize=1)(CommitReader)
"""Return the reader of these archives. Each process opens them once."""


def commit_of(origin: str) -> str:
    """Return the commit of a mail that came from a git archive, "" for another mail."""
    epoch, _, commit = origin.rpartition("@")
    return commit if _EPOCH.fullmatch(epoch) and _COMMIT_ID.fullmatch(commit) else ""


def ref_folders(path: Path) -> list[Path]:
    """Return the folders in which the epochs of an archive, and the refs of each epoch, change."""
    folders = [path, path / "git"]
    for repository in (path, path / ".git", *(epoch for _, epoch in _epochs(path))):
        folders += [repository, repository / "refs", repository / "refs" / "heads", repository / "reftable"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def write_git_archive(path: Path, mails: Iterable[RawMail]) -> None:
    """Make a one-epoch archive of these mails at `path`: equal mails give equal commits. InboxError if it cannot be."""
    try:
        repository = pygit2.init_repository(str(path), bare=True, initial_head="master")
        parents: list[pygit2.Oid] = []
        for mail in mails:
            tree = repository.TreeBuilder()
            tree.insert("m", repository.create_blob(mail.raw), pygit2.enums.FileMode.BLOB)
            keeper = pygit2.Signature("archive", "archive@example.org", int(mail.arrived.timestamp()), 0)
            commit = repository.create_commit("refs/heads/master", keeper, keeper, mail.origin, tree.write(), parents)
            parents = [commit]
    except (pygit2.GitError, OSError) as error:
        raise InboxError(f"{path}: {error}") from error


def _is_repository(path: Path) -> bool:
    return any((place / "HEAD").is_file() and (place / "objects").is_dir() for place in (path, path / ".git"))


def _epochs(path: Path) -> list[tuple[str, Path]]:
    """Return the epochs in a directory, in order. `all.git` only borrows their objects and has no mails of its own."""
    for directory in (path, path / "git"):
        try:
            children = list(directory.iterdir()) if directory.is_dir() else []
        except OSError as error:
            raise InboxError(f"{directory}: {error.strerror or error}") from error
        if numbered := [(int(m[1]), child) for child in children if (m := _EPOCH.fullmatch(child.name))]:
            return [(child.name, child) for _, child in sorted(numbered)]
    return []


def _open(path: Path) -> pygit2.Repository:
    # Like `git cat-file`, trust the packs: hashing each object again takes half of the time of reading a mail.
    pygit2.option(pygit2.enums.Option.ENABLE_STRICT_HASH_VERIFICATION, False)
    try:
        return pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError as error:
        raise InboxError(f"{path}: {error}") from error


@contextmanager
def _epoch(path: Path) -> Iterator[pygit2.Repository]:
    """Open the repository of an epoch. Raises InboxError if none of its newest commits adds or removes a mail.

    At the end its packs are freed: the object refers to itself, so it would keep them until the collector finds it.
    Meanwhile no object is cached: each is read once, and a cached commit or tree takes half a kilobyte until the end.
    """
    repository = _open(path)
    try:
        pygit2.option(pygit2.enums.Option.ENABLE_CACHING, False)
        _check(repository, path)
        yield repository
    finally:
        pygit2.option(pygit2.enums.Option.ENABLE_CACHING, True)
        repository.free()


def _check(repository: pygit2.Repository, path: Path) -> None:
    if repository.head_is_unborn:
        return
    try:
        newest = islice(repository.walk(repository.head.target), _SAMPLE)
        is_archive = any(name in commit.tree for commit in newest for name in ("m", "d"))
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise InboxError(f"{path}: {error}") from error
    if not is_archive:
        raise InboxError(f"{path}: a git repository, but no public-inbox archive: its commits have no file `m`")


def _walk(repository: pygit2.Repository, cursor: str) -> Iterator[pygit2.Commit]:
    """Yield the commits after the cursor, oldest first; all commits if the cursor is no ancestor of the tip."""
    if repository.head_is_unborn:
        return
    try:
        head = repository.head.target
        walker = repository.walk(head, _OLDEST_FIRST)
        known = _known(repository, cursor)
        if known is not None:
            walker.hide(known)
        yield from walker
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise InboxError(f"{repository.path}: {error}") from error


def _walk_back(repository: pygit2.Repository, cursor: str) -> Iterator[pygit2.Commit]:
    """Yield the commits up to the cursor, newest first; none if the cursor is no ancestor of the tip."""
    try:
        known = None if repository.head_is_unborn else _known(repository, cursor)
        if known is not None:
            yield from repository.walk(known)
    except (pygit2.GitError, KeyError, ValueError) as error:
        raise InboxError(f"{repository.path}: {error}") from error


def _known(repository: pygit2.Repository, cursor: str) -> pygit2.Oid | None:
    """Return the cursor's commit if it is in the history of the tip."""
    commit = repository.get(cursor) if _COMMIT_ID.fullmatch(cursor) else None
    head = repository.head.target
    if commit is None or not (commit.id == head or repository.descendant_of(head, commit.id)):
        return None
    return commit.id


def _mail(commit: pygit2.Commit, repository: pygit2.Repository) -> tuple[str, bytes]:
    """Return the content of the file `m` of a commit, else of `d`, with its name; "" if it has neither."""
    try:
        files = {entry.name: entry.id for entry in commit.tree if isinstance(entry, pygit2.Blob)}
        name = next((name for name in ("m", "d") if name in files), "")
        # As `entry.data` the bytes would be copied once more.
        return name, repository.read(files[name])[1] if name else b""
    except (pygit2.GitError, KeyError) as error:
        raise InboxError(f"{repository.path}: commit {commit.id}: {error}") from error


def _arrived(commit: pygit2.Commit) -> datetime:
    return datetime.fromtimestamp(min(max(commit.commit_time, 0), 2**35), UTC)
