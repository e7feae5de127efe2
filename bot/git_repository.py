# SPDX-License-Identifier: GPL-2.0-or-later
"""Open git repositories with libgit2, also those that keep their refs in reftables, as git 3.0 makes them by default.

libgit2 1.9 knows the format of their objects, but not of their refs. So git itself lists the refs.
"""

import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pygit2
from pygit2.enums import Option, RepositoryOpenFlag

from rules.lazy import re

_STORAGE: Final = "extensions.refstorage"
_LIST: Final = ("for-each-ref", "--include-root-refs", "--format=%(objectname) %(refname) %(symref)")
_UNBORN: Final = "refs/heads/unborn"
_ID: Final = re.compile(r"[0-9a-f]{40}")
_FOLDER: Final = re.compile(r"[0-9a-f]{2}")
_NAME: Final = re.compile(r"[0-9a-f]{38}")  # of the file of a loose object
_MAX_PIECE: Final = 1024 * 1024  # bytes of an object that are decompressed at once

_complete: Final[dict[Path, int]] = {}
"""When each folder of loose objects was changed that had no truncated one."""

_Stamp = tuple[tuple[int, int], ...]


def open_repository(path: Path, flags: RepositoryOpenFlag = RepositoryOpenFlag.DEFAULT) -> pygit2.Repository:
    """Return the repository at a path. Raises pygit2.GitError if it cannot be opened or its refs cannot be listed."""
    pygit2.option(Option.SET_EXTENSIONS, [_STORAGE.partition(".")[2]], 1)
    try:
        repository = pygit2.Repository(str(path), flags)
    except pygit2.GitError as error:
        reason = str(error).removeprefix(f"{path}: ")
        if "is not owned by" in reason:
            reason = f"it belongs to another user; `git config --global --add safe.directory {path}` permits to read it"
        raise pygit2.GitError(reason) from error
    if _STORAGE in repository.config and repository.config[_STORAGE] != "files":
        refs = pygit2.Refdb.new(repository)
        refs.set_backend(_ListedRefs(Path(repository.path)))
        repository.set_refdb(refs)
    return repository


def refuse_truncated(git_directory: Path) -> None:
    """Raise pygit2.GitError, which names the object, if a loose object of the repository is truncated.

    libgit2 reads such an object without end, and no signal stops it. Only folders that changed are read again.
    """
    objects = git_directory / "objects"
    # A linked work tree has no objects of its own.
    for folder in objects.iterdir() if objects.is_dir() else ():
        if not _FOLDER.fullmatch(folder.name):
            continue
        try:
            changed = folder.stat().st_mtime_ns
            if _complete.get(folder) != changed:
                for file in sorted(folder.iterdir()):
                    if _NAME.fullmatch(file.name):
                        _refuse_truncated(file)
                _complete[folder] = changed
        except FileNotFoundError:  # git has just packed the objects
            continue


def _refuse_truncated(file: Path) -> None:
    stream, rest = zlib.decompressobj(), file.read_bytes()
    try:
        while rest and not stream.eof:
            stream.decompress(rest, _MAX_PIECE)
            rest = stream.unconsumed_tail
    except zlib.error:
        return  # libgit2 reports it
    if not stream.eof:
        raise pygit2.GitError(
            f"the object {file.parent.name}{file.name} is truncated; remove {file}, then `git fetch --refetch` gets it "
            "again"
        )


def damage(path: str | Path, error: Exception) -> str:
    """Return what is wrong with a repository of which libgit2 cannot read an object, and how to find or get it."""
    top = Path(path)
    # The text of a KeyError is quoted, and is often the id alone.
    reason = str(error.args[0] if error.args else error)
    reason = f"there is no object {reason}" if _ID.fullmatch(reason) else reason
    if any(any((top / place).glob("pack/*.promisor")) for place in ("objects", ".git/objects")):
        fault = "is a partial clone, which lacks files; `git fetch --refetch --no-filter` gets them"
        return f"{path}: the repository {fault}: {reason}"
    return f"{path}: the repository is damaged or incomplete: {reason}; `git -C {path} fsck` lists what is wrong"


def table_lists(git_directory: Path) -> tuple[Path, ...]:
    """Return the files that git replaces when a ref in a reftable changes. A linked work tree has one of its own."""
    common = git_directory / "commondir"
    directories = [git_directory]
    if common.is_file():
        directories.append(git_directory / os.fsdecode(common.read_bytes()).rstrip("\n"))
    return tuple(directory / "reftable" / "tables.list" for directory in directories)


class _ListedRefs(pygit2.RefdbBackend):
    """The refs of a repository as git lists them, for reading. They are listed again after a change."""

    def __init__(self, git_directory: Path) -> None:
        super().__init__()
        self._git_directory = git_directory
        self._lists = table_lists(git_directory)
        self._stamp: _Stamp = ()
        self._refs: dict[str, tuple[str, str]] = {}
        self._read()

    def exists(self, name: str) -> bool:
        return name in self._read()

    def lookup(self, name: str) -> pygit2.Reference:
        """Return the ref. Raises KeyError if it does not exist."""
        commit, target = self._read()[name]
        return pygit2.Reference(name, target) if target else pygit2.Reference(name, pygit2.Oid(hex=commit), None)

    def __iter__(self) -> Iterator[pygit2.Reference]:
        return iter([self.lookup(name) for name in self._read() if name.startswith("refs/")])

    def __next__(self) -> NoReturn:
        """Raise StopIteration. Only `__iter__` is used, but pygit2 looks for `__next__`."""
        raise StopIteration

    # libgit2 takes no backend without them.
    write: Any = None
    rename: Any = None
    delete: Any = None

    def _read(self) -> dict[str, tuple[str, str]]:
        states = [path.stat() for path in self._lists if path.exists()]
        stamp = tuple([(state.st_mtime_ns, state.st_ino) for state in states])
        if not stamp or stamp != self._stamp:
            git = ["git", f"--git-dir={self._git_directory}", *_LIST]
            try:
                listed = subprocess.run(git, capture_output=True, check=True, encoding="utf-8", errors="replace")
            except (OSError, subprocess.CalledProcessError) as error:
                reason = getattr(error, "stderr", "") or str(error)
                raise pygit2.GitError(f"git for-each-ref: {' '.join(reason.split())}") from error
            rows = (line.split(" ") for line in listed.stdout.split("\n") if line)
            self._refs = {"HEAD": ("", _UNBORN)} | {name: (commit, target) for commit, name, target in rows}
            self._stamp = stamp
        return self._refs
