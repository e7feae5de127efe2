# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the border's facts come from: a tree's files, read once, and the same tree with some files changed."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Protocol

from rules.bindings.facts import Helper, RustFacts
from rules.bindings.helper_facts import helpers_of, is_helper_source, shown_helpers
from rules.bindings.rust_facts import rust_facts
from rules.source.c.source import CSource, Declaration, scan


class FactSource(Protocol):
    """The facts of a tree, file by file. What is not in the tree is None or empty."""

    def rust_paths(self) -> Iterable[str]:
        """The Rust files that say something about the border."""

    def helper_paths(self) -> Iterable[str]:
        """The C files that hold helpers."""

    def rust(self, path: str) -> RustFacts:
        """What a Rust file uses of C."""

    def helpers(self, path: str) -> tuple[Helper, ...]:
        """The helpers in a C file."""

    def c(self, path: str) -> CSource | None:
        """The declarations of a C file."""

    def includes(self, path: str) -> tuple[str, ...] | None:
        """The includes of a C file as written."""

    def declaring(self, name: str) -> Iterable[str]:
        """The C files that declare a name, in the order of their paths."""

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        """Every declaration of a name with the file it stands in, in the order of paths and lines."""

    def read(self, path: str) -> bytes | None:
        """A file's bytes."""


def is_c(path: str) -> bool:
    """Whether the border reads the file as C."""
    return path.endswith((".h", ".c"))


class FileFacts:
    """The facts of files in memory: a small tree, or the files that a series changes."""

    def __init__(self, files: Mapping[str, bytes], scanned: Mapping[str, CSource] | None = None) -> None:
        self._files = files
        self._c: dict[str, CSource] = dict(scanned or {})

    def rust_paths(self) -> Iterable[str]:
        return sorted(path for path in self._files if path.endswith(".rs"))

    def helper_paths(self) -> Iterable[str]:
        return sorted(path for path in self._files if is_helper_source(path))

    def rust(self, path: str) -> RustFacts:
        return rust_facts(path, self._files[path]) if path in self._files else RustFacts()

    def helpers(self, path: str) -> tuple[Helper, ...]:
        return helpers_of(self._files[path]) if path in self._files else ()

    def c(self, path: str) -> CSource | None:
        if path not in self._c and path in self._files:
            self._c[path] = scan(self._files[path].decode("utf-8", "surrogateescape"))
        return self._c.get(path)

    def includes(self, path: str) -> tuple[str, ...] | None:
        source = self.c(path)
        return None if source is None else source.includes

    def declaring(self, name: str) -> Iterable[str]:
        return self._names.get(name, ())

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        return [(path, one) for path in self.declaring(name) for one in _named(self.c(path), name)]

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path in sorted(path for path in self._files if is_c(path)):
            source = self.c(path)
            for name in {one.name for one in source.declarations} if source is not None else ():
                names.setdefault(name, []).append(path)
        return names


class ChangedFacts:
    """A tree's facts with some files changed: `changed` gives their bytes, None where the file is gone.

    `fragments` are C files known in part: what hunks show of them, laid onto what the tree says of them.
    """

    def __init__(
        self,
        base: FactSource,
        changed: Mapping[str, bytes | None],
        fragments: Mapping[str, CSource] | None = None,
        scanned: Mapping[str, CSource] | None = None,
    ) -> None:
        self._base = base
        self._gone = frozenset(changed) | frozenset(fragments or {})
        self._fragments = fragments or {}
        self._files = FileFacts({path: content for path, content in changed.items() if content is not None}, scanned)

    def rust_paths(self) -> Iterable[str]:
        kept = (path for path in self._base.rust_paths() if path not in self._gone)
        return sorted([*kept, *self._files.rust_paths()])

    def helper_paths(self) -> Iterable[str]:
        kept = (path for path in self._base.helper_paths() if path not in self._gone)
        return sorted([*kept, *filter(is_helper_source, self._fragments), *self._files.helper_paths()])

    def rust(self, path: str) -> RustFacts:
        return self._files.rust(path) if path in self._gone else self._base.rust(path)

    def helpers(self, path: str) -> tuple[Helper, ...]:
        if path in self._fragments:
            return shown_helpers(self._fragments[path], self._base.helpers(path))
        return self._files.helpers(path) if path in self._gone else self._base.helpers(path)

    def c(self, path: str) -> CSource | None:
        if path in self._fragments:
            return self._fragments[path]
        return self._files.c(path) if path in self._gone else self._base.c(path)

    def includes(self, path: str) -> tuple[str, ...] | None:
        if path in self._fragments:
            return self._fragments[path].includes
        return self._files.includes(path) if path in self._gone else self._base.includes(path)

    def declaring(self, name: str) -> Iterable[str]:
        kept = [path for path in self._base.declaring(name) if path not in self._gone]
        shown = [
            path for path, source in self._fragments.items() if any(one.name == name for one in source.declarations)
        ]
        return sorted([*kept, *shown, *self._files.declaring(name)])

    def declarations(self, name: str) -> Iterable[tuple[str, Declaration]]:
        kept = [(path, one) for path, one in self._base.declarations(name) if path not in self._gone]
        return sorted([*kept, *self.fresh(name)], key=lambda located: (located[0], located[1].line))

    def fresh(self, name: str) -> list[tuple[str, Declaration]]:
        """What the changed files declare by that name."""
        shown = [(path, one) for path, source in self._fragments.items() for one in _named(source, name)]
        return [*shown, *self._files.declarations(name)]

    def read(self, path: str) -> bytes | None:
        return self._files.read(path) if path in self._gone else self._base.read(path)


def _named(source: CSource | None, name: str) -> list[Declaration]:
    return [one for one in source.declarations if one.name == name] if source is not None else []
