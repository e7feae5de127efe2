# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits of public-inbox archives, read with libgit2, which takes longer to load than a few mails to read."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

import pygit2
from pygit2.enums import SortMode

from bot.git_repository import READ_ERRORS, damage, open_repository
from bot.inbox.epochs import COMMIT_ID, find_epochs
from bot.inbox.error import InboxError
from bot.mail.parse import MAX_SIZE, TOO_LARGE
from bot.ports.raw_mail import Batch, DeletedMail, RawMail, UnreadMail

SAMPLE: Final = 100
MAX_DAMAGED: Final = 10
"""Mails of a batch that are skipped because their objects are damaged. With more of them, the archive needs repair."""

_OLDEST_FIRST: Final = SortMode.TOPOLOGICAL | SortMode.REVERSE


class _TooLargeError(InboxError):
    """A mail is larger than any that is parsed."""


@contextmanager
def open_epoch(path: Path) -> Iterator[pygit2.Repository]:
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


def walk(repository: pygit2.Repository, cursor: str) -> Iterator[pygit2.Commit]:
    """Yield the commits after the cursor, oldest first; all commits if the cursor is not an ancestor of the tip.

    Raises InboxError if there is a cursor and no commit: a file of refs that is lost or empty is no error to libgit2.
    """
    if repository.head_is_unborn:
        if cursor:
            raise InboxError(
                f"{repository.path}: it has no branch any more, although mails of it were read; its refs are lost: "
                f"`git -C {repository.path} fsck` lists the commits without a branch"
            )
        return
    with _damage_named(repository):
        head = repository.head.target
        walker = repository.walk(head, _OLDEST_FIRST)
        known = _known(repository, cursor)
        if known is not None:
            walker.hide(known)
        yield from walker


def walk_back(repository: pygit2.Repository, cursor: str) -> Iterator[pygit2.Commit]:
    """Yield the commits up to the cursor, newest first; none if the cursor is not an ancestor of the tip."""
    with _damage_named(repository):
        known = None if repository.head_is_unborn else _known(repository, cursor)
        if known is not None:
            yield from repository.walk(known)


def find_commits(repository: pygit2.Repository, ids: Iterable[bytes]) -> list[pygit2.Commit]:
    """Return the commits with these binary ids. Raises InboxError if one is missing."""
    with _damage_named(repository):
        return [repository[pygit2.Oid(raw=commit_id)].peel(pygit2.Commit) for commit_id in ids]


def read_batches(
    source: str, epoch: str, repository: pygit2.Repository, commits: Iterable[pygit2.Commit], size: int
) -> Iterator[Batch]:
    """Yield what these commits add and remove, in batches."""
    rest = iter(commits)
    while chosen := list(islice(rest, size)):
        yield read_batch(source, epoch, repository, chosen)


def read_batch(source: str, epoch: str, repository: pygit2.Repository, commits: Sequence[pygit2.Commit]) -> Batch:
    """Return what these commits add and remove, and which mails are too large or damaged.

    Raises InboxError if more than MAX_DAMAGED are damaged.
    """
    mails: list[RawMail] = []
    deleted: list[DeletedMail] = []
    unread: list[UnreadMail] = []
    for commit in commits:
        origin = f"{epoch.partition('@')[0]}@{commit.id}"
        try:
            name, content = _mail(commit, repository)
        except _TooLargeError as error:
            unread.append(UnreadMail(origin, _arrived(commit), str(error)))
            continue
        except InboxError as error:
            unread.append(UnreadMail(origin, _arrived(commit), str(error), is_damaged=True))
            if sum(mail.is_damaged for mail in unread) > MAX_DAMAGED:
                raise
            continue
        if name == "m":
            mails.append(RawMail(origin, _arrived(commit), content))
        elif name:
            deleted.append(DeletedMail(origin, content))
    return Batch(source, epoch, str(commits[-1].id), tuple(mails), tuple(deleted), unread=tuple(unread))


class CommitReader:
    """The mails of archives by their commits, for a process that does not walk the archives.

    Raises InboxError if an archive cannot be opened.
    """

    def __init__(self, archives: Iterable[str]) -> None:
        self._repositories = [_open(path) for archive in archives for _, path in find_epochs(Path(archive))]
        self._lock = Lock()

    def read(self, commit_id: str) -> bytes:
        """Return the mail of a commit. Raises InboxError if no archive has it, or if it is damaged."""
        with self._lock:  # libgit2 lets one thread at a time use a repository
            for number, repository in enumerate(self._repositories):
                with _damage_named(repository):
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


def _open(path: Path) -> pygit2.Repository:
    # Like `git cat-file`, trust the packs: hashing each object again takes half of the time of reading a mail.
    pygit2.option(pygit2.enums.Option.ENABLE_STRICT_HASH_VERIFICATION, False)
    try:
        repository = open_repository(path, pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError as error:
        raise InboxError(f"{path}: {error}") from error
    return repository


@contextmanager
def _damage_named(repository: pygit2.Repository) -> Iterator[None]:
    """Raise InboxError, which names the repository, for an object that is damaged or missing."""
    try:
        yield
    except READ_ERRORS as error:
        raise InboxError(damage(repository.path, error)) from error


def _check(repository: pygit2.Repository, path: Path) -> None:
    try:
        branches = sorted(repository.branches.local) if repository.head_is_unborn else []
        head = None if repository.head_is_unborn else repository.head.target
    except (pygit2.GitError, OSError) as error:  # a damaged file of refs, for example
        raise InboxError(f"{path}: {error}") from error
    if branches:
        raise InboxError(
            f"{path}: HEAD names a branch that does not exist; `git -C {path} symbolic-ref HEAD "
            f"refs/heads/{branches[0]}` names one that does"
        )
    if head is None:
        return
    with _damage_named(repository):
        newest = list(islice(repository.walk(head), SAMPLE))
    if not any(map(_has_mail, newest)):
        raise InboxError(
            f"{path}: a git repository, but no public-inbox archive: its commits have no file `m`; to check its "
            f"commits, run `patchwarden check --git {path} A..B`"
        )


def _has_mail(commit: pygit2.Commit) -> bool:
    """Return whether the commit adds or removes a mail, or may do so because its tree is damaged."""
    try:
        return any(name in commit.tree for name in ("m", "d"))
    except READ_ERRORS:
        return True


def _known(repository: pygit2.Repository, cursor: str) -> pygit2.Oid | None:
    """Return the cursor's commit if it is in the history of the tip."""
    commit = repository.get(cursor) if COMMIT_ID.fullmatch(cursor) else None
    head = repository.head.target
    if commit is None or not (commit.id == head or repository.descendant_of(head, commit.id)):
        return None
    return commit.id


def _mail(commit: pygit2.Commit, repository: pygit2.Repository) -> tuple[str, bytes]:
    """Return the content of the file `m` of a commit, else of `d`, with its name; "" if it has neither.

    Raises InboxError if an object is damaged or too large: a larger one is not read into memory.
    """
    with _damage_named(repository):
        files = {entry.name: entry.id for entry in commit.tree if isinstance(entry, pygit2.Blob)}
        name = next((name for name in ("m", "d") if name in files), "")
        if not name:
            return "", b""
        objects = repository.odb
        if objects.read_header(files[name])[1] > MAX_SIZE:
            if name == "d":  # the mail that it removes was not read either
                return "", b""
            raise _TooLargeError(TOO_LARGE)
        # As `entry.data` the bytes would be copied once more.
        return name, objects.read(files[name])[1]


def _arrived(commit: pygit2.Commit) -> datetime:
    return datetime.fromtimestamp(min(max(commit.commit_time, 0), 2**35), UTC)
