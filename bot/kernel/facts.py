# SPDX-License-Identifier: GPL-2.0-or-later
"""The facts of the bindings at a commit, read from the repository and cached in the index."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import pygit2

from bot.git_repository import READ_ERRORS, damage
from bot.kernel.error import KernelError
from bot.kernel.index import Index
from bot.kernel.out_of_memory import check_memory
from rules.bindings.fact_source import place_of
from rules.bindings.facts import Helper, RustFacts
from rules.bindings.helper_facts import is_helper_source
from rules.bindings.included_headers import read_included
from rules.bindings.kconfig_files import read_kconfig_files
from rules.bindings.module_facts import ModuleFacts
from rules.source.c.source import CSource, Declaration
from rules.source.kbuild.kconfig import KconfigFile, KconfigOutline, Option
from rules.source.kbuild.makefile import Makefile

# Third-party crates and tools. They do not use the bindings of the kernel.
_THIRD_PARTY = (
    "rust/syn/",
    "rust/quote/",
    "rust/proc-macro2/",
    "rust/zerocopy/",
    "rust/zerocopy-derive/",
    "rust/pin-init/",
)
_RUST_FOLDERS = (
    "rust",
    "drivers",
    "samples",
    "fs",
    "mm",
    "kernel",
    "net",
    "lib",
    "block",
    "security",
    "sound",
    "ipc",
    "init",
)


_MAX_FOLDERS = 256  # folders that are kept; a tree has 6,000
_MAX_DEPTH = 100  # folders in each other; a tree has 12, but an include in a patch may name any path
_FOLDER = b"40000"
_SUBMODULE = b"160000"
_ID_BYTES = 20


class GitFacts:
    """rules.bindings.fact_source.FactSource over the tree of a commit."""

    def __init__(self, repository: pygit2.Repository, tree: pygit2.Tree, index: Index) -> None:
        self._path = repository.path
        self._repository = repository
        self._objects = repository.odb
        self._tree = tree
        self._index = index
        self._ids: dict[str, str] = {}
        self._folders: dict[str, dict[bytes, bytes]] = {}
        self._modules: dict[str, ModuleFacts] = {}
        self._outlines: dict[str, KconfigOutline | None] = {}

    def rust_paths(self) -> Iterable[str]:
        return self._rust

    def helper_paths(self) -> Iterable[str]:
        return self._helpers

    def rust(self, path: str) -> RustFacts:
        blob = self.blob_id(path)
        return RustFacts() if blob is None else self._index.rust(path, blob, self._content(blob))

    def helpers(self, path: str) -> tuple[Helper, ...]:
        blob = self.blob_id(path)
        return () if blob is None else self._index.helpers(blob, self._content(blob))

    def c(self, path: str) -> CSource | None:
        blob = self.blob_id(path)
        return None if blob is None else self._index.c(blob, self._content(blob))

    def includes(self, path: str) -> tuple[str, ...] | None:
        blob = self.blob_id(path)
        return None if blob is None else self._index.includes(blob, self._content(blob))

    def declaring(self, name: str) -> Iterable[str]:
        paths = self._reached
        return sorted({path for blob in self._index.blobs_declaring((name,)) for path in paths.get(blob, ())})

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        paths = self._reached
        declarations = self._index.declarations(name)
        located = [(path, declaration) for blob, declaration in declarations for path in paths.get(blob, ())]
        return sorted(located, key=place_of)

    def modules(self, path: str) -> ModuleFacts:
        if path not in self._modules:
            blob = self.blob_id(path)
            facts = ModuleFacts() if blob is None else self._index.modules(path, blob, self._content(blob))
            self._modules[path] = facts
        return self._modules[path]

    def kconfig(self, path: str) -> KconfigFile | None:
        blob = self.blob_id(path)
        return None if blob is None else self._index.kconfig(blob, self._content(blob))

    def kconfig_outline(self, path: str) -> KconfigOutline | None:
        if path not in self._outlines:
            blob = self.blob_id(path)
            outline = None if blob is None else self._index.kconfig_outline(blob, self._content(blob))
            self._outlines[path] = outline
        return self._outlines[path]

    def options(self, name: str, *, selecting: bool = False) -> Iterable[tuple[str, Option]]:
        paths = self._kconfig_paths
        options = self._index.options(name, selecting=selecting)
        return sorted(((path, option) for blob, option in options for path in paths.get(blob, ())), key=place_of)

    def makefile(self, path: str) -> Makefile | None:
        blob = self.blob_id(path)
        return None if blob is None else self._index.makefile(blob, self._content(blob))

    def read(self, path: str) -> bytes | None:
        blob = self.blob_id(path)
        return None if blob is None else self._content(blob)()

    def cached(self, kind: str, compute: Callable[[], Iterable[str]], /) -> Iterable[str]:
        return self._index.of_tree(kind, str(self._tree.id), compute)

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of the file, or None if the commit has no such file."""
        if path not in self._ids:
            folder, _, name = path.rpartition("/")
            found = self._folder(folder).get(_bytes(name)) if folder.count("/") < _MAX_DEPTH else None
            if found is None:
                return None
            self._ids[path] = found.hex()
        return self._ids[path]

    def _folder(self, path: str) -> dict[bytes, bytes]:
        """Return the entries of a folder; none if it is missing. pygit2 leaks each name that it searches in a tree."""
        if path not in self._folders:
            found = self._folder_id(path)
            if len(self._folders) >= _MAX_FOLDERS:
                self._folders = {}
            with damage_named(self._path):
                self._folders[path] = {} if found is None else _entries(path, self._objects.read(found)[1])
        return self._folders[path]

    def _folder_id(self, path: str) -> pygit2.Oid | None:
        if not path:
            return self._tree.id
        above, _, name = path.rpartition("/")
        found = self._folder(above).get(_bytes(f"{name}/"))
        return None if found is None else pygit2.Oid(raw=found)

    def _content(self, blob: str) -> Callable[[], bytes]:
        def content() -> bytes:
            with damage_named(self._path):
                return self._objects.read(pygit2.Oid(hex=blob))[1]

        return content

    def _files(self, folder: str, ending: str | tuple[str, ...]) -> list[str]:
        found = self._folder_id(folder)
        with damage_named(self._path):
            top = None if found is None else self._repository[found]
            files = walk_files(top, f"{folder}/") if isinstance(top, pygit2.Tree) else ()
            return [path for path, _ in files if path.endswith(ending)]

    @cached_property
    def _rust(self) -> tuple[str, ...]:
        return tuple(self.cached("rust", self._read_rust_paths))

    def _read_rust_paths(self) -> Iterable[str]:
        paths = (path for top in _RUST_FOLDERS for path in self._files(top, (".rs", ".rs.S")))
        return sorted(path for path in paths if not path.startswith(_THIRD_PARTY))

    @cached_property
    def _helpers(self) -> tuple[str, ...]:
        return tuple(sorted(filter(is_helper_source, self._files("rust", ".c"))))

    @cached_property
    def _reached(self) -> dict[str, tuple[str, ...]]:
        return self._by_blob(read_included(self))

    @cached_property
    def _kconfig_paths(self) -> dict[str, tuple[str, ...]]:
        return self._by_blob(dict.fromkeys(reading.path for reading in read_kconfig_files(self).readings))

    def _by_blob(self, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
        by_blob: dict[str, tuple[str, ...]] = {}
        for path in paths:
            blob = self.blob_id(path)
            if blob is not None:
                by_blob[blob] = (*by_blob.get(blob, ()), path)
        return by_blob


def _entries(path: str, folder: bytes) -> dict[bytes, bytes]:
    """Return the ids of the files and folders in the object of a folder, by their names. Those of folders end in `/`.

    An entry is its mode, a space, its name, a zero byte and its id; some programs wrote a zero before the mode of a
    folder. Raises ValueError, which has the path of the folder, for another content.
    """
    entries: dict[bytes, bytes] = {}
    start = 0
    while start < len(folder):
        end = folder.find(b"\0", start)
        mode, _, name = folder[start:end].partition(b" ")
        start = end + 1 + _ID_BYTES
        if end < 0 or start > len(folder):
            raise ValueError(f"the folder {path or '/'} is malformed")
        if mode != _SUBMODULE:
            entries[name + b"/" if mode.endswith(_FOLDER) else name] = folder[end + 1 : start]
    return entries


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


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
