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

READ_ERRORS: Final = (pygit2.GitError, KeyError, OSError, ValueError)
"""What is raised for an object that is damaged or missing: OSError for a damaged pack of a multi-pack index, and
ValueError for an object with other content than its kind has."""

_STORAGE: Final = "extensions.refstorage"
_LIST: Final = ("for-each-ref", "--include-root-refs", "--format=%(objectname) %(refname) %(symref)")
_UNBORN: Final = "refs/heads/unborn"
_ID: Final = re.compile(r"[0-9a-f]{40}")
_LOOSE_FOLDER: Final = re.compile(r"[0-9a-f]{2}")
_PIECE: Final = 1024 * 1024  # bytes of an object that are read and decompressed at once
_ID_LENGTH: Final = 40
_MAX_ALTERNATES: Final = 5  # folders of objects that name one another, as in git

_LOOSE_PRIORITY: Final = 0
"""Libgit2 reads packs first (2), then asks `_DamagedObjects` (1), then reads loose objects."""

_Stamp = tuple[tuple[int, int], ...]


def open_repository(path: Path, flags: RepositoryOpenFlag = RepositoryOpenFlag.DEFAULT) -> pygit2.Repository:
    """Return the repository at a path. Raises pygit2.GitError if it cannot be opened or its refs cannot be listed.

    It is for reading only. The error for a loose object that is truncated or damaged names its file.
    """
    pygit2.option(Option.SET_EXTENSIONS, [_STORAGE.partition(".")[2]], 1)
    pygit2.option(Option.SET_ODB_LOOSE_PRIORITY, _LOOSE_PRIORITY)
    try:
        repository = pygit2.Repository(str(path), flags)
    except pygit2.GitError as error:
        reason = str(error).removeprefix(f"{path}: ")
        if "is not owned by" in reason:
            reason = f"it belongs to another user; `git config --global --add safe.directory {path}` permits to read it"
        raise pygit2.GitError(reason) from error
    # Objects become truncated when the machine stops, so the folders are asked only when a repository is opened.
    if loose := tuple(filter(_has_loose_objects, _object_folders(Path(repository.path)))):
        repository.odb.add_backend(_DamagedObjects(loose), _LOOSE_PRIORITY + 1)
    if _STORAGE in repository.config and repository.config[_STORAGE] != "files":
        refs = pygit2.Refdb.new(repository)
        refs.set_backend(_ListedRefs(Path(repository.path)))
        repository.set_refdb(refs)
    return repository


def damage(path: str | Path, error: Exception) -> str:
    """Return what is wrong with a repository of which libgit2 cannot read an object, and how to find or get it."""
    top = Path(path)
    # The text of a KeyError is quoted, and is often the id alone.
    reason = str(error.args[0] if isinstance(error, KeyError) and error.args else error).removesuffix(": ")
    reason = f"there is no object {reason}" if _ID.fullmatch(reason) else reason
    if any(any((top / place).glob("pack/*.promisor")) for place in ("objects", ".git/objects")):
        fault = "is a partial clone, which lacks files; `git fetch --refetch --no-filter` gets them"
        return f"{top}: the repository {fault}: {reason}"
    return f"{top}: the repository is damaged or incomplete: {reason}; `git -C {top} fsck` lists what is wrong"


def table_lists(git_directory: Path) -> tuple[Path, ...]:
    """Return the files that git replaces when a ref in a reftable changes. A linked work tree has one of its own."""
    return tuple(directory / "reftable" / "tables.list" for directory in _git_directories(git_directory))


def _git_directories(git_directory: Path) -> list[Path]:
    """Return the directory, and for a linked work tree also that of its repository."""
    common = git_directory / "commondir"
    if not common.is_file():
        return [git_directory]
    return [git_directory, git_directory / os.fsdecode(common.read_bytes()).rstrip("\n")]


def _object_folders(git_directory: Path) -> tuple[Path, ...]:
    """Return the folders of the objects of a repository: its own, and those that it borrows from."""
    folders: dict[Path, None] = {}
    found = [Path(os.path.realpath(_git_directories(git_directory)[-1] / "objects"))]
    for _ in range(_MAX_ALTERNATES + 1):
        folders |= dict.fromkeys(found)
        borrowed = dict.fromkeys(os.path.realpath(folder / name) for folder in found for name in _alternates(folder))
        found = [folder for folder in map(Path, borrowed) if folder not in folders]
    return tuple(folders)


def _has_loose_objects(folder: Path) -> bool:
    try:
        return any(_LOOSE_FOLDER.fullmatch(entry.name) for entry in folder.iterdir())
    except OSError:
        return False


def _alternates(folder: Path) -> list[str]:
    """Return the folders that a folder of objects borrows from, as they are written. libgit2 stops at a zero byte."""
    try:
        lines = os.fsdecode((folder / "info" / "alternates").read_bytes().partition(b"\0")[0]).split("\n")
    except OSError:
        return []
    return [line for line in lines if line and not line.startswith("#")]


class _DamagedObjects(pygit2.OdbBackend):
    """Has no objects, but raises pygit2.GitError for a loose object that cannot be decompressed.

    libgit2 decompresses a truncated object without end, and no signal but SIGKILL stops it. So it asks here first.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        super().__init__()
        self._folders = tuple(map(str, folders))

    def read_cb(self, name: pygit2.Oid) -> NoReturn:
        """Raise KeyError, which lets libgit2 continue with the next backend."""
        self.read_prefix_cb(str(name))

    read_header_cb = read_cb

    def read_prefix_cb(self, start: str) -> NoReturn:
        """Raise KeyError, as `read_cb`. libgit2 calls this for most objects of packs too, so it must be fast."""
        for folder in self._folders:
            if len(start) == _ID_LENGTH:
                _refuse_damaged(f"{folder}/{start[:2]}/{start[2:]}")
            else:
                for path in Path(folder, start[:2]).glob(f"{start[2:]}*"):
                    _refuse_damaged(str(path))
        raise KeyError(start)

    def exists_cb(self, _: pygit2.Oid) -> bool:
        return False

    def exists_prefix_cb(self, start: str) -> NoReturn:
        raise KeyError(start)

    def refresh_cb(self) -> None:
        """Do nothing: each file is read when it is asked for."""


def _refuse_damaged(path: str) -> None:
    """Raise pygit2.GitError if the file of an object ends too early or cannot be decompressed."""
    stream = zlib.decompressobj()
    try:
        with open(path, "rb") as file:  # noqa: PTH123 pathlib is slower
            while not stream.eof and (piece := file.read(_PIECE)):
                while piece and not stream.eof:
                    stream.decompress(piece, _PIECE)
                    piece = stream.unconsumed_tail
    except OSError:  # mostly there is no such file; libgit2 reports any other error
        return
    except zlib.error as error:
        raise pygit2.GitError(f"the object {_name(path)} is damaged: {error}: {path}") from error
    if not stream.eof:
        raise pygit2.GitError(f"the object {_name(path)} is truncated: {path}")


def _name(path: str) -> str:
    return "".join(path.split("/")[-2:])


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
