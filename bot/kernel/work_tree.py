# SPDX-License-Identifier: GPL-2.0-or-later
"""The changes of a range of commits as one patch, and the work tree in which they can be fixed."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import DiffOption, FileMode

from bot.kernel.commit import CommitTree, open_repository, start_commit
from bot.kernel.error import KernelError
from bot.review.render.text import count
from rules.diff.parse import parse
from rules.diff.patch import FileChange, Patch, Series, Unreadable
from rules.diff.tree import blob_id
from rules.lazy import replace

_REGULAR: Final = (FileMode.BLOB, FileMode.BLOB_EXECUTABLE)
_MAX_NAMED: Final = 3
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FixableRange:
    """The commits `A..B` of a repository as one patch of Rust files. A file with CRLF line ends is read with LF.

    `diff_rust` returns the changes of Rust files between two commits of a repository. Raises KernelError if the
    repository or the range does not exist.
    """

    def __init__(self, folder: Path, commits: str, diff_rust: Callable[[Path, str, str], bytes]) -> None:
        self._repository = open_repository(folder)
        self._name = f"{folder} {commits}"
        start = start_commit(self._repository, commits)
        end = self._repository.commit(commits.partition("..")[2].lstrip(".") or "HEAD")
        if ".." not in commits or start is None or end is None:
            raise KernelError(f"{self._name}: the range of commits does not exist; write A..B")
        self._end = end
        self.tree = _LfTree(CommitTree(self._repository, start))
        self.end_tree = _LfTree(CommitTree(self._repository, end))
        diff = diff_rust(folder, str(start.id), str(end.id))
        changes = tuple(with_lf for change in self._read(diff) for with_lf in self._with_lf(change))
        self.series = Series("", (Patch(1, "", changes=changes),))

    def series_with(self, contents: Mapping[str, bytes]) -> Series:
        """Return the patch that has these contents of some files instead."""
        (patch,) = self.series.patches
        changes: list[FileChange] = []
        for change in patch.changes:
            if change.path not in contents:
                changes.append(change)
                continue
            before = self.tree.read(change.before) if change.before is not None else None
            changes += self._read(make_diff(change.path, before, contents[change.path], change.before))
        return replace(self.series, patches=(replace(patch, changes=tuple(changes)),))

    def refuse_unfit_work_tree(self, changed_files: Callable[[Path], list[str]]) -> None:
        """Raise KernelError if the range does not end at HEAD, or the work tree has changes that are not committed.

        `changed_files` asks git, because libgit2 reads no sparse index, and misses the files that a sparse checkout
        leaves out.
        """
        git = self._repository.git
        if git.is_bare or git.workdir is None:
            raise KernelError(f"{self._name}: a bare repository has no work tree to fix; use --diff")
        if git.head_is_unborn or git.head.peel(pygit2.Commit).id != self._end.id:
            raise KernelError(f"{self._name}: the range does not end at HEAD, which the work tree has; use --diff")
        changed = changed_files(Path(git.workdir))
        if changed:
            named = ", ".join(changed[:_MAX_NAMED])
            more = f" and {count(len(changed) - _MAX_NAMED, 'more file')}" if len(changed) > _MAX_NAMED else ""
            raise KernelError(f"{self._name}: commit or stash your changes first: {named}{more}")

    def diff(self, path: str, before: bytes, content: bytes) -> bytes:
        """Return the changes of a file as a diff that fits the work tree. Raises KernelError."""
        return make_diff(path, self._stored(path, before), self._stored(path, content))

    def write(self, path: str, before: bytes, content: bytes) -> None:
        """Replace the content of a file of the work tree. A reader sees the old or the new content.

        Its mode and line ends stay, also those that git converts. Raises KernelError if the file is not regular or
        does not have the content `before`, or if a folder of its path is a symbolic link.
        """
        parts = path.split("/")
        try:
            is_regular = self._end.tree[path].filemode in _REGULAR
        except KeyError:
            is_regular = False
        if not is_regular or not {"", ".", "..", ".git"}.isdisjoint(parts):
            raise KernelError(f"{path}: not a regular file of the commit")
        try:
            with _opened_folder(self._repository.git.workdir, parts[:-1]) as folder:
                _replace(folder, parts[-1], self._stored(path, before), self._stored(path, content))
        except OSError as error:
            raise KernelError(f"{path}: cannot be written: {error.strerror}") from error
        except ValueError as error:
            raise KernelError(f"{path}: {error}") from error

    def _stored(self, path: str, content: bytes) -> bytes:
        """Return a content of a file with the line ends that it has at the end of the range."""
        return content.replace(b"\n", b"\r\n") if self.end_tree.has_crlf(path) else content

    def _with_lf(self, change: FileChange) -> tuple[FileChange, ...]:
        """Return a change of a file with CRLF line ends as one of the same file with LF, any other as it is."""
        if change.after is None or not has_utf8_names(change):
            return (change,)
        before = self.tree.read(change.before) if change.before is not None else None
        had_crlf = change.before is not None and self.tree.has_crlf(change.before)
        if not had_crlf and not self.end_tree.has_crlf(change.after):
            return (change,)
        return self._read(make_diff(change.after, before, self.end_tree.read(change.after), change.before))

    def _read(self, diff: bytes) -> tuple[FileChange, ...]:
        changes = parse(diff.decode("utf-8", "surrogateescape")) if diff else ()
        if isinstance(changes, Unreadable):
            raise KernelError(f"{self._name}: the changes cannot be read: {changes.reason}")
        return changes


class _LfTree:
    """The files and blobs of a commit. A file of which all lines end in CRLF has LF instead, as a diff that is read."""

    def __init__(self, tree: CommitTree) -> None:
        self._tree = tree
        self._crlf: dict[str, bool] = {}
        self._blobs: dict[str, bytes] = {}

    def read(self, path: str) -> bytes | None:
        content = self._tree.read(path)
        self._crlf[path] = content is not None and _has_crlf(content)
        if content is None or not self._crlf[path]:
            return content
        with_lf = content.replace(b"\r\n", b"\n")
        self._blobs[blob_id(with_lf)] = with_lf
        return with_lf

    def has_crlf(self, path: str) -> bool:
        """Return whether all lines of a file end in CRLF."""
        if path not in self._crlf:
            self.read(path)
        return self._crlf[path]

    def blob(self, name: str) -> bytes | None:
        content = next((content for full, content in self._blobs.items() if full.startswith(name)), None)
        return self._tree.blob(name) if content is None else content

    def bindings(self) -> None:
        return None


def _has_crlf(content: bytes) -> bool:
    return 0 < content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")


def has_utf8_names(change: FileChange) -> bool:
    """Return whether the names of a file are UTF-8. `make_diff` takes no others."""
    names = f"{change.before}\n{change.after}"
    return names.encode("utf-8", "ignore").decode() == names


def make_diff(path: str, before: bytes | None, after: bytes | None, old_path: str | None = None) -> bytes:
    """Return a unified diff of a file. Its content before is None if it is new, that after if it is removed.

    Raises KernelError for a name that is not UTF-8, which pygit2 does not take.
    """
    old = path if old_path is None else old_path
    try:
        patch = pygit2.Patch.create_from(before, after, old_as_path=old, new_as_path=path, flag=DiffOption.FORCE_TEXT)
    except UnicodeEncodeError as error:
        raise KernelError(f"{path}: the changes cannot be read: the name of the file is not UTF-8") from error
    data: bytes = patch.data
    return data


@contextmanager
def _opened_folder(top: str, names: list[str]) -> Iterator[int]:
    """Open a folder below another one, without following symbolic links."""
    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            below = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


def _replace(folder: int, name: str, before: bytes, content: bytes) -> None:
    """Replace a file of an open folder. If it has CRLF instead of LF, it keeps them.

    Raises ValueError if it is not a regular file with that content.
    """
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        found = file.read() if stat.S_ISREG(status.st_mode) else None
    if found is not None and _has_crlf(found) and found.replace(b"\r\n", b"\n") == before:
        content = content.replace(b"\n", b"\r\n")  # Git checks LF out as CRLF if eol or core.autocrlf says so.
    elif found != before:
        raise ValueError("the work tree has another content than the commit")
    temporary = f".{name}.{os.getpid()}.patchwarden"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
