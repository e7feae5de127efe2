# SPDX-License-Identifier: GPL-2.0-or-later
"""All Rust files of a kernel tree: of a commit in a repository, or of a folder."""

import os
from pathlib import Path
from typing import Protocol

import pygit2

from bot.git_repository import READ_ERRORS
from bot.kernel.error import KernelError
from bot.kernel.files import walk_files
from bot.kernel.index import Index
from bot.kernel.out_of_memory import check_memory
from bot.kernel.tree import GitTree, Repository
from rules.bindings.tree import NoTree, Tree
from rules.lazy import dataclass

_RUST = ".rs"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A commit of a repository, or a folder if `commit` is "". A worker process can open it."""

    path: Path
    commit: str = ""


class SourceTree(Tree, Protocol):
    """A kernel tree and its Rust files."""

    def rust_paths(self) -> list[str]:
        """Return the paths of the Rust files in order, links excluded."""


def find_source(path: Path, ref: str) -> SourceSpec:
    """Return the tree at that ref, by default HEAD, or the folder if it is not a repository. Raises KernelError."""
    try:
        is_repository = _is_repository(path)
    except OSError as error:
        raise KernelError(f"{path}: {error.strerror}") from error
    if not is_repository:
        if not path.is_dir():
            raise KernelError(f"{path}: neither a git repository nor a folder")
        if ref:
            raise KernelError(f"{path}: not a git repository, so it has no commit {ref}")
        return SourceSpec(path)
    commit = Repository(path).commit(ref or "HEAD")
    if commit is None:
        raise KernelError(f"{path}: commit {ref or 'HEAD'} does not exist")
    return SourceSpec(path, str(commit.id))


def open_source(spec: SourceSpec) -> SourceTree:
    """Return the tree. Raises KernelError."""
    return _CommitTree(spec) if spec.commit else _FolderTree(spec.path)


def _is_repository(path: Path) -> bool:
    """Return whether the path itself is a repository or its work tree; libgit2 would also search the folders above."""
    return (path / ".git").exists() or all((path / name).exists() for name in ("HEAD", "objects"))


class _CommitTree(GitTree):
    def __init__(self, spec: SourceSpec) -> None:
        repository = Repository(spec.path)
        commit = repository.commit(spec.commit)
        if commit is None:
            raise KernelError(f"{spec.path}: commit {spec.commit} does not exist")
        super().__init__(repository, commit, Index(None))
        self._path = spec.path
        self._commit = commit

    def rust_paths(self) -> list[str]:
        try:
            return sorted(
                path
                for path, entry in walk_files(self._commit.tree, "")
                if path.endswith(_RUST) and entry.filemode != pygit2.enums.FileMode.LINK
            )
        except READ_ERRORS as error:
            check_memory()
            raise KernelError(f"{self._path}: commit {self._commit.id} is incomplete: {error}") from error

    def read(self, path: str) -> bytes | None:
        try:
            return super().read(path)
        except KernelError:  # a partial clone lacks files
            return None


class _FolderTree(NoTree):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rust_paths(self) -> list[str]:
        """Return the paths in order, with those of folders that cannot be read, as files that cannot be read."""
        unreadable: list[OSError] = []
        paths = [
            path
            for folder, folders, names in os.walk(self._folder, onerror=unreadable.append)
            for path in (Path(folder, name) for name in names if name.endswith(_RUST))
            if not path.is_symlink()
        ]
        paths += (Path(error.filename) for error in unreadable)
        return sorted(path.relative_to(self._folder).as_posix() for path in paths)

    def read(self, path: str) -> bytes | None:
        try:
            return (self._folder / path).read_bytes()
        except OSError:
            return None
