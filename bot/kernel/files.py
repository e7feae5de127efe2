# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of a commit, found by their paths. pygit2 1.21 leaks each name that it searches in a tree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pygit2

from bot.git_repository import READ_ERRORS, damage
from bot.kernel.error import KernelError
from bot.kernel.out_of_memory import check_memory
from rules.lazy import re

_MAX_FOLDERS: Final = 256  # folders that are kept; a tree has 6,000
_MAX_DEPTH: Final = 100  # folders in each other; a tree has 12, but an include in a patch may name any path
_ID_BYTES: Final = 20
# An entry is its mode, a space, its name, a zero byte and its id. Some programs wrote a zero before a folder's mode.
_FORM = re.compile(rb"(?>(?:[0-7]{5,6} [^\0]++\0.{20})*)", re.DOTALL)
# A mode is compared too, because an id may contain a short name.
_FILE: Final = (b"100644", b"100755", b"100664", b"120000")
_FOLDER: Final = (b"40000",)


class CommitFiles:
    """The files of the tree of a commit, and links, which count as files. Raises KernelError if it is damaged."""

    def __init__(self, repository: pygit2.Repository, tree: pygit2.Tree) -> None:
        self._repository = repository
        self._objects = repository.odb
        self._tree = tree.id
        self._ids: dict[str, str] = {}
        self._folders: dict[str, bytes] = {}

    @property
    def tree_id(self) -> str:
        """The id of the tree."""
        return str(self._tree)

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of the file, or None if the commit has no such file."""
        if path not in self._ids:
            folder, _, name = path.rpartition("/")
            found = _find(self._folder(folder), name, _FILE) if folder.count("/") < _MAX_DEPTH else None
            if found is None:
                return None
            self._ids[path] = found.hex()
        return self._ids[path]

    def read(self, path: str) -> bytes | None:
        """Return the content of the file, or None if the commit has no such file."""
        blob = self.blob_id(path)
        return None if blob is None else self.content(blob)

    def content(self, blob: str) -> bytes:
        """Return the content of the blob with that id."""
        with damage_named(self._repository.path):
            return self._objects.read(pygit2.Oid(hex=blob))[1]

    def below(self, folder: str, ending: str | tuple[str, ...]) -> list[str]:
        """Return the paths of the files below a folder that end so."""
        found = self._folder_id(folder)
        with damage_named(self._repository.path):
            top = None if found is None else self._repository[found]
            files = walk_files(top, f"{folder}/") if isinstance(top, pygit2.Tree) else ()
            return [path for path, _ in files if path.endswith(ending)]

    def _folder(self, path: str) -> bytes:
        """Return the entries of a folder, as git stores them; none if it is missing."""
        if path not in self._folders:
            found = self._folder_id(path)
            if len(self._folders) >= _MAX_FOLDERS:
                self._folders = {}
            with damage_named(self._repository.path):
                self._folders[path] = b"" if found is None else _checked(path, self._objects.read(found)[1])
        return self._folders[path]

    def _folder_id(self, path: str) -> pygit2.Oid | None:
        if not path:
            return self._tree
        above, _, name = path.rpartition("/")
        found = _find(self._folder(above), name, _FOLDER)
        return None if found is None else pygit2.Oid(raw=found)


def _checked(path: str, folder: bytes) -> bytes:
    """Return the entries of a folder. Raises ValueError, which has its path, if they do not have their form."""
    if _FORM.fullmatch(folder) is None:
        raise ValueError(f"the folder {path or '/'} is malformed")
    return folder


def _find(folder: bytes, name: str, modes: tuple[bytes, ...]) -> bytes | None:
    """Return the id of the entry of a folder that has this name, and one of these modes; None if there is none."""
    entry = b" %b\0" % name.encode("utf-8", "surrogateescape")
    at = folder.find(entry) if "\0" not in name else -1
    while at >= 0 and not folder.endswith(modes, 0, at):
        at = folder.find(entry, at + 1)
    start = at + len(entry)
    return folder[start : start + _ID_BYTES] if at >= 0 else None


@contextmanager
def damage_named(path: str | Path) -> Iterator[None]:
    """Raise KernelError, which names the repository, for an object of a tree that is damaged or missing."""
    try:
        yield
    except READ_ERRORS as error:
        check_memory()
        raise KernelError(damage(path, error)) from error


def walk_files(top: pygit2.Tree, prefix: str) -> Iterator[tuple[str, pygit2.Object]]:
    """Yield the entries below a folder that are not folders, each with its path after the prefix."""
    folders = [(prefix, top)]
    while folders:
        above, folder = folders.pop()
        for entry in folder:
            path = f"{above}{entry.name or ''}"
            if isinstance(entry, pygit2.Tree):
                folders.append((f"{path}/", entry))
            else:
                yield path, entry
