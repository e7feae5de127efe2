# SPDX-License-Identifier: GPL-2.0-or-later
"""The epochs of public-inbox v2 archives: their git repositories, found by the files, and the origins of mails."""

from pathlib import Path

from bot.inbox.error import InboxError
from rules.lazy import re

COMMIT_ID = re.compile(r"[0-9a-f]{40}")
_EPOCH = re.compile(r"(\d+)\.git")


def is_git_archive(path: Path) -> bool:
    """Return whether the path is a git repository or a directory of epochs."""
    return _is_repository(path) or bool(_numbered(path))


def find_epochs(path: Path) -> list[tuple[str, Path]]:
    """Return the names and paths of the repositories of an archive, oldest first. InboxError if there is none.

    `path` is a repository, or a directory with `0.git`, `1.git` …, or `git/0.git` ….
    """
    if _is_repository(path):
        return [(path.name if _EPOCH.fullmatch(path.name) else "0.git", path)]
    if not (numbered := _numbered(path)):
        raise InboxError(f"{path}: not a public-inbox archive (no git repository, no epochs 0.git, 1.git, ...)")
    return numbered


def commit_of(origin: str) -> str:
    """Return the commit of a mail that came from a git archive, "" for another mail."""
    epoch, _, commit = origin.rpartition("@")
    return commit if _EPOCH.fullmatch(epoch) and COMMIT_ID.fullmatch(commit) else ""


def ref_folders(path: Path) -> list[Path]:
    """Return the folders in which the epochs of an archive, and the refs of each epoch, change."""
    folders = [path, path / "git"]
    for repository in (path, path / ".git", *(epoch for _, epoch in _numbered(path))):
        folders += [repository, repository / "refs", repository / "refs" / "heads", repository / "reftable"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _is_repository(path: Path) -> bool:
    return any((place / "HEAD").is_file() and (place / "objects").is_dir() for place in (path, path / ".git"))


def _numbered(path: Path) -> list[tuple[str, Path]]:
    """Return the epochs in a directory, in order. `all.git` only borrows their objects and has no mails of its own."""
    for directory in (path, path / "git"):
        try:
            children = list(directory.iterdir()) if directory.is_dir() else []
        except OSError as error:
            raise InboxError(f"{directory}: {error.strerror or error}") from error
        if numbered := [(int(m[1]), child) for child in children if (m := _EPOCH.fullmatch(child.name))]:
            return [(child.name, child) for _, child in sorted(numbered)]
    return []
