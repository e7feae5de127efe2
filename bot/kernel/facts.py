# SPDX-License-Identifier: GPL-2.0-or-later
"""The facts of the bindings at a commit, read from the repository and cached in the index."""

from collections.abc import Callable, Iterable
from functools import cached_property, partial

from bot.kernel.files import CommitFiles
from bot.kernel.index import Index
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


class GitFacts:
    """rules.bindings.fact_source.FactSource over the files of a commit."""

    def __init__(self, files: CommitFiles, index: Index) -> None:
        self._files = files
        self._index = index
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
        return self._files.read(path)

    def cached(self, kind: str, compute: Callable[[], Iterable[str]], /) -> Iterable[str]:
        return self._index.of_tree(kind, self._files.tree_id, compute)

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of the file, or None if the commit has no such file."""
        return self._files.blob_id(path)

    def _content(self, blob: str) -> Callable[[], bytes]:
        return partial(self._files.content, blob)

    @cached_property
    def _rust(self) -> tuple[str, ...]:
        return tuple(self.cached("rust", self._read_rust_paths))

    def _read_rust_paths(self) -> Iterable[str]:
        paths = (path for top in _RUST_FOLDERS for path in self._files.below(top, (".rs", ".rs.S")))
        return sorted(path for path in paths if not path.startswith(_THIRD_PARTY))

    @cached_property
    def _helpers(self) -> tuple[str, ...]:
        return tuple(sorted(filter(is_helper_source, self._files.below("rust", ".c"))))

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
