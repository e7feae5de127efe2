# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources of facts: a tree's files, and the same tree with some files changed."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Protocol

from rules.bindings.facts import Helper, RustFacts
from rules.bindings.helper_facts import is_helper_source, read_helpers, read_visible_helpers
from rules.bindings.module_facts import ModuleFacts, read_modules
from rules.bindings.rust_facts import is_kernel_crate, is_rust_source, rust_facts
from rules.source.c.source import CSource, Declaration, scan
from rules.source.kbuild.kconfig import KconfigFile, KconfigOutline, Option, read_kconfig
from rules.source.kbuild.makefile import Makefile, read_makefile


class FactSource(Protocol):
    """The facts of a tree, file by file. The result is None or empty for a file that is not in the tree."""

    def rust_paths(self) -> Iterable[str]:
        """Return the Rust files with facts about the bindings."""

    def helper_paths(self) -> Iterable[str]:
        """Return the C files that hold helpers."""

    def rust(self, path: str) -> RustFacts:
        """Return what a Rust file uses of C."""

    def helpers(self, path: str) -> tuple[Helper, ...]:
        """Return the helpers in a C file."""

    def c(self, path: str) -> CSource | None:
        """Return the declarations of a C file."""

    def includes(self, path: str) -> tuple[str, ...] | None:
        """Return the includes of a C file, with their `<>` or quotes."""

    def declaring(self, name: str) -> Iterable[str]:
        """Return the C files that declare a name, in the order of their paths."""

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        """Return every declaration of a name with its file, in the order of paths and lines."""

    def modules(self, path: str) -> ModuleFacts:
        """Return what a Rust file says about modules."""

    def kconfig(self, path: str) -> KconfigFile | None:
        """Return what a Kconfig file declares."""

    def kconfig_outline(self, path: str) -> KconfigOutline | None:
        """Return which files a Kconfig file reads."""

    def options(self, name: str, *, selecting: bool = False) -> Iterable[tuple[str, Option]]:
        """Return every definition of an option with its file, in the order of paths and lines.

        With `selecting`, return the definitions of the options that select it.
        """

    def makefile(self, path: str) -> Makefile | None:
        """Return what a Makefile builds."""

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file."""

    def cached(self, kind: str, compute: Callable[[], Iterable[str]], /) -> Iterable[str]:
        """Return facts of the whole tree: those that were computed before for the same tree, or else new ones."""


def is_c(path: str) -> bool:
    """Tell whether the file is read as C."""
    return path.endswith((".h", ".c"))


def place_of(located: tuple[str, Declaration | Option]) -> tuple[str, int]:
    """Return the path and the line of a declaration or option."""
    return located[0], located[1].line


class FileFacts:
    """The facts of files in memory. `sources` are the C files that were already read, also without their bytes."""

    def __init__(self, files: Mapping[str, bytes], sources: Mapping[str, CSource] | None = None) -> None:
        self._files = files
        self._sources: dict[str, CSource] = dict(sources or {})
        self._kconfig: dict[str, KconfigFile] = {}
        self._paths = sorted({*files, *self._sources})

    def rust_paths(self) -> Iterable[str]:
        return [path for path in self._paths if is_rust_source(path)]

    def helper_paths(self) -> Iterable[str]:
        return [path for path in self._paths if is_helper_source(path)]

    def rust(self, path: str) -> RustFacts:
        return rust_facts(path, self._files[path]) if path in self._files else RustFacts()

    def helpers(self, path: str) -> tuple[Helper, ...]:
        return read_helpers(self._files[path]) if path in self._files else ()

    def c(self, path: str) -> CSource | None:
        if path not in self._sources and path in self._files:
            self._sources[path] = scan(self._files[path].decode("utf-8", "surrogateescape"))
        return self._sources.get(path)

    def includes(self, path: str) -> tuple[str, ...] | None:
        source = self.c(path)
        return None if source is None else source.includes

    def declaring(self, name: str) -> Iterable[str]:
        return self._paths_by_name.get(name, ())

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        sources = ((path, self.c(path)) for path in self.declaring(name))
        return [(path, declaration) for path, source in sources if source for declaration in source.named(name)]

    def modules(self, path: str) -> ModuleFacts:
        content = self._files.get(path)
        return ModuleFacts() if content is None else read_modules(content, is_in_crate=is_kernel_crate(path))

    def kconfig(self, path: str) -> KconfigFile | None:
        if path not in self._kconfig and path in self._files:
            self._kconfig[path] = read_kconfig(self._files[path])
        return self._kconfig.get(path)

    def kconfig_outline(self, path: str) -> KconfigOutline | None:
        file = self.kconfig(path)
        return None if file is None else KconfigOutline.of(file)

    def options(self, name: str, *, selecting: bool = False) -> Iterable[tuple[str, Option]]:
        return self._options.get((name, selecting), ())

    def makefile(self, path: str) -> Makefile | None:
        content = self._files.get(path)
        return None if content is None else read_makefile(content)

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def cached(self, _kind: str, compute: Callable[[], Iterable[str]], /) -> Iterable[str]:
        return compute()

    @cached_property
    def _options(self) -> dict[tuple[str, bool], list[tuple[str, Option]]]:
        """The options of all files that are not read as another language: Kconfig may read files of any name."""
        options: dict[tuple[str, bool], list[tuple[str, Option]]] = {}
        for path in self._paths:
            file = None if is_c(path) or is_rust_source(path) else self.kconfig(path)
            for option in file.options if file is not None else ():
                names = [(option.name, False), *((target, True) for target, _ in option.selects)]
                for name in dict.fromkeys(names):
                    options.setdefault(name, []).append((path, option))
        return options

    @cached_property
    def _paths_by_name(self) -> dict[str, list[str]]:
        paths: dict[str, list[str]] = {}
        for path in filter(is_c, self._paths):
            for name in (self.c(path) or CSource()).by_name:
                paths.setdefault(name, []).append(path)
        return paths


class ChangedFacts:
    """The facts of a tree with some files changed: `changed` are their bytes, None if the file is deleted.

    `fragments` are the known declarations of C files whose bytes are unknown. `sources` are changed C files that were
    already read.
    """

    def __init__(
        self,
        base: FactSource,
        changed: Mapping[str, bytes | None],
        fragments: Mapping[str, CSource] | None = None,
        sources: Mapping[str, CSource] | None = None,
    ) -> None:
        self._base = base
        self._fragments = fragments or {}
        self._changed_paths = frozenset((*changed, *self._fragments))
        contents = {path: content for path, content in changed.items() if content is not None}
        self._files = FileFacts(contents, {**(sources or {}), **self._fragments})

    def rust_paths(self) -> Iterable[str]:
        return sorted([*self._unchanged(self._base.rust_paths()), *self._files.rust_paths()])

    def helper_paths(self) -> Iterable[str]:
        return sorted([*self._unchanged(self._base.helper_paths()), *self._files.helper_paths()])

    def rust(self, path: str) -> RustFacts:
        return self._facts_of(path).rust(path)

    def helpers(self, path: str) -> tuple[Helper, ...]:
        if path in self._fragments:
            return read_visible_helpers(self._fragments[path], self._base.helpers(path))
        return self._facts_of(path).helpers(path)

    def c(self, path: str) -> CSource | None:
        return self._facts_of(path).c(path)

    def includes(self, path: str) -> tuple[str, ...] | None:
        return self._facts_of(path).includes(path)

    def declaring(self, name: str) -> Iterable[str]:
        return sorted([*self._unchanged(self._base.declaring(name)), *self._files.declaring(name)])

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        unchanged = [located for located in self._base.declarations(name) if located[0] not in self._changed_paths]
        return sorted([*unchanged, *self.changed_declarations(name)], key=place_of)

    def changed_declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        """Return the declarations of a name in the changed files."""
        return self._files.declarations(name)

    def modules(self, path: str) -> ModuleFacts:
        return self._facts_of(path).modules(path)

    def kconfig(self, path: str) -> KconfigFile | None:
        return self._facts_of(path).kconfig(path)

    def kconfig_outline(self, path: str) -> KconfigOutline | None:
        return self._facts_of(path).kconfig_outline(path)

    def options(self, name: str, *, selecting: bool = False) -> Iterable[tuple[str, Option]]:
        base = self._base.options(name, selecting=selecting)
        unchanged = [located for located in base if located[0] not in self._changed_paths]
        return sorted([*unchanged, *self._files.options(name, selecting=selecting)], key=place_of)

    def makefile(self, path: str) -> Makefile | None:
        return self._facts_of(path).makefile(path)

    def read(self, path: str) -> bytes | None:
        return self._facts_of(path).read(path)

    def cached(self, _kind: str, compute: Callable[[], Iterable[str]], /) -> Iterable[str]:
        return compute()

    def _facts_of(self, path: str) -> FactSource:
        return self._files if path in self._changed_paths else self._base

    def _unchanged(self, paths: Iterable[str]) -> Iterable[str]:
        return (path for path in paths if path not in self._changed_paths)
