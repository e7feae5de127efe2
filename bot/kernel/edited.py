# SPDX-License-Identifier: GPL-2.0-or-later
"""A work tree with the texts of an editor, which may not be saved yet, compared with a commit."""

import os
import stat
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import DiffOption

from bot.kernel.commit import CommitTree, start_commit
from bot.kernel.error import KernelError
from bot.kernel.tree import Repository
from bot.kernel.work_tree import make_diff
from rules.diff.parse import parse
from rules.diff.patch import FileChange, Patch, Series, Unreadable
from rules.finding import Edit
from rules.lazy import dataclass

MAX_FILE: Final = 2_000_000
"""Bytes of the largest file that is read."""

ChangedFiles = tuple[tuple[str | None, str | None], ...]
"""Paths of files that differ from the base: before, None for a new file, and after, None for a removed one."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree, its repository, and the commit that it is compared with, "" before the first commit.

    The base is the last commit that a revision and `HEAD` have in common.
    """

    folder: str
    repository: Path
    base: str

    def relative(self, path: str) -> str | None:
        """Return the path of a file below the folder, None for one that is elsewhere or belongs to git."""
        name = os.path.relpath(os.path.realpath(path), self.folder)
        return None if name.split("/", 1)[0] in ("..", ".git") else name


def find_work_tree(path: str, revision: str) -> WorkTree | None:
    """Return the work tree that a file is in, None if it is in none. The file need not exist.

    Raises KernelError if the revision does not exist there.
    """
    folder = Path(os.path.realpath(path)).parent
    while not folder.is_dir():
        folder = folder.parent
    found = pygit2.discover_repository(str(folder))
    if found is None:
        return None
    repository = _open(found)
    git = repository.git
    if git.is_bare or git.workdir is None:
        return None
    base = start_commit(repository, f"{revision}..HEAD") or repository.commit(revision)
    if base is None and not (revision == "HEAD" and git.head_is_unborn):
        raise KernelError(f"{git.workdir}: the base revision {revision!r} does not exist")
    tree = WorkTree(os.path.realpath(git.workdir), repository.path, "" if base is None else str(base.id))
    return tree if tree.relative(path) is not None else None


class EditedFiles:
    """The files of a work tree that differ from its base, and the texts that are open in an editor, by path.

    A text that equals the base is a change without hunks, so that rules can read it. `unreadable` has the error for
    each file whose changes cannot be read, such as one with a line feed in its name.
    """

    def __init__(self, work_tree: WorkTree, changed: ChangedFiles, texts: Mapping[str, bytes]) -> None:
        self._folder = work_tree.folder
        repository = _open(str(work_tree.repository))
        self._base = CommitTree(repository, repository.commit(work_tree.base) if work_tree.base else None)
        self.before: dict[str, bytes] = {}
        self.unreadable: dict[str, str] = {}
        self._changes: dict[str, tuple[FileChange, ...]] = {}
        befores = {after: before for before, after in changed if after is not None}
        for path, content in texts.items():
            self._changes[path] = self._compare(befores.get(path, path), path, content)
        for before, after in changed:
            path = after or before or ""
            text = None if after is None else self._read(after)
            if path not in self._changes and (text is not None or after is None):
                self._changes[path] = self._compare(before, after, text)

    def series(self, path: str = "", text: bytes = b"") -> Series:
        """Return all changes as one patch; the file with the path, if one is named, has another text."""
        changes = self._changes
        if path:
            before = next((change.before for change in changes[path]), path)
            changes = changes | {path: self._compare(before, path, text)}
        return Series("", (Patch(1, "", changes=tuple(change for file in changes.values() for change in file)),))

    def _compare(self, before: str | None, after: str | None, text: bytes | None) -> tuple[FileChange, ...]:
        old = self._base.read(before) if before is not None else None
        if old is not None and text is not None and not _is_utf8(old) and _is_utf8(text):
            old = old.decode("latin-1").encode()  # as editors read and show such a file
        before = None if old is None else before
        if before is not None and old is not None:
            self.before[before] = old
        if old == text:
            return () if text is None else (FileChange(before, after),)
        path = after or before or ""
        try:
            changes = parse(make_diff(path, old, text, before).decode("utf-8", "surrogateescape"))
            if isinstance(changes, Unreadable):
                raise KernelError(f"{path}: its changes cannot be read: {changes.reason}")
        except KernelError as error:
            self.unreadable[path] = str(error)
            return ()
        return changes

    def _read(self, path: str) -> bytes | None:
        """Return the content of a regular file of the work tree, None if there is none or it is too large."""
        try:
            descriptor = os.open(Path(self._folder, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                return file.read() if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE else None
        except OSError:
            return None


def line_edits(before: bytes, after: bytes) -> Iterator[Edit]:
    """Yield edits of whole lines that make one text of another."""
    patch = pygit2.Patch.create_from(before, after, context_lines=0, flag=DiffOption.FORCE_TEXT)
    for hunk in patch.hunks:
        first = hunk.old_start if hunk.old_lines else hunk.old_start + 1
        added = b"".join(line.raw_content for line in hunk.lines if line.origin == "+")
        yield Edit(first, 1, first + hunk.old_lines, 1, added.decode("utf-8", "surrogateescape"))


@lru_cache(maxsize=8)
def _open(folder: str) -> Repository:
    return Repository(Path(folder))


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
