# SPDX-License-Identifier: GPL-2.0-or-later
"""The commits by which a landing ref moved, from the newest to the oldest."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import pygit2
from pygit2.enums import DeltaStatus, FileMode, SortMode

from bot.kernel.files import damage_named
from bot.kernel.tree import Repository
from bot.mail.landed import MAX_MESSAGE, LandedCommit, patch_id, plain_title, read_links, read_reverts
from rules.diff.parse import parse
from rules.diff.patch import Unreadable

MAX_FILES: Final = 10_000
"""Changed files of a commit. A commit with more is compared with no patch."""

_MAX_DIFF: Final = 4 * 1024 * 1024  # bytes of a diff that is compared with patches


def landed_commits(
    repository: Repository, tip: pygit2.Commit, before: pygit2.Commit | None, since: int
) -> Iterator[LandedCommit | None]:
    """Yield the commits of `tip` that `before` does not have, newest first, down to that time in seconds since 1970.

    `before` need not be an ancestor of `tip`. None means a merge: the commits that it merges are yielded themselves.
    Raises KernelError if the repository is damaged.
    """
    for commit in _new_commits(repository, tip, before):
        if commit.commit_time < since:
            return
        yield _read_commit(repository, commit) if len(commit.parent_ids) <= 1 else None


def removed_commits(
    repository: Repository, tip: pygit2.Commit, before: pygit2.Commit | None, limit: int
) -> frozenset[str]:
    """Return the ids of at most `limit` commits that a rebased ref had and does not have any more."""
    if before is None:
        return frozenset()
    return frozenset(str(commit.id) for commit in islice(_new_commits(repository, before, tip), limit))


def commit_patch_id(repository: Repository, commit_id: str) -> str:
    """Return the patch-id of a commit, "" if its diff is too large to compare."""
    commit = repository.commit(commit_id)
    if commit is None:
        return ""
    parts: list[bytes] = []
    size = 0
    for patch in _diff(repository, commit):
        data = b"" if patch is None else patch.data
        size += len(data)
        if size > _MAX_DIFF:
            return ""
        parts.append(data)
    changes = parse(b"".join(parts).decode("utf-8", "surrogateescape"))
    return "" if isinstance(changes, Unreadable) else patch_id(changes)


def _new_commits(repository: Repository, tip: pygit2.Commit, before: pygit2.Commit | None) -> Iterator[pygit2.Commit]:
    with damage_named(repository.path):
        # Like git without an option, newest first. Any other order would read the whole history first.
        walker = repository.git.walk(tip.id, SortMode.NONE)
        if before is not None:
            walker.hide(before.id)
        yield from walker


def _read_commit(repository: Repository, commit: pygit2.Commit) -> LandedCommit:
    message = commit.raw_message[:MAX_MESSAGE].decode("utf-8", "replace")
    author = commit.author
    names = (raw.decode("utf-8", "replace").lower() for raw in (author.raw_name, author.raw_email))
    return LandedCommit(
        commit=str(commit.id),
        time=commit.commit_time,
        title=plain_title(message),
        authors=frozenset(name for name in names if name),
        links=read_links(message),
        blobs=_changed_blobs(_diff(repository, commit)),
        reverts=read_reverts(message),
    )


def _diff(repository: Repository, commit: pygit2.Commit) -> pygit2.Diff:
    with damage_named(repository.path):  # a shallow clone lacks parents
        tree = commit.tree
        if not commit.parent_ids:
            return tree.diff_to_tree(swap=True)
        return commit.parents[0].tree.diff_to_tree(tree)


def _changed_blobs(diff: pygit2.Diff) -> dict[str, str]:
    """Return the ids of the changed files after the commit, none if there are too many."""
    blobs: dict[str, str] = {}
    if len(diff) > MAX_FILES:
        return blobs
    for delta in diff.deltas:
        if delta.status == DeltaStatus.DELETED:
            blobs[delta.old_file.path] = ""
        elif delta.new_file.mode != FileMode.COMMIT:
            blobs[delta.new_file.path] = str(delta.new_file.id)
    return blobs
