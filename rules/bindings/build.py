# SPDX-License-Identifier: GPL-2.0-or-later
"""The Kconfig options under which Rust files are built: by their Makefiles, and by the modules that lead to them."""

from collections.abc import Iterator
from itertools import islice

from rules.bindings.crate_paths import is_in_crate
from rules.bindings.fact_source import FactSource
from rules.bindings.kconfig import RUST
from rules.bindings.module_facts import ModuleLine
from rules.diff.top_level import KERNEL_CRATE_ROOT
from rules.source.kbuild.condition import ALWAYS, Condition, both
from rules.source.kbuild.makefile import Makefile

_MAX_WAYS = 4  # in which a file or folder is built
_MAX_COMPOSITES = 3  # composite objects in each other
_MAKEFILES = ("Kbuild", "Makefile")


class Build:
    """How a tree is built. Files are read when they are first needed."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self._rust_paths = frozenset(facts.rust_paths())
        self._makefiles: dict[str, dict[str, list[tuple[str, Condition]]]] = {}
        self._composites: dict[str, frozenset[str]] = {}
        self._lists: dict[tuple[str, str, int], tuple[Condition, ...]] = {}
        self._folders: dict[str, tuple[Condition, ...]] = {"": (ALWAYS,)}
        self._crates: dict[str, dict[str, tuple[Condition, ...]]] = {}
        self._built_by: dict[str, dict[str, list[Condition]]] = {}
        self._ways: dict[str, tuple[Condition, ...]] = {}

    def ways(self, path: str) -> tuple[Condition, ...]:
        """Return the conditions under which a Rust file is built, one for each way; none if that is unknown."""
        if path not in self._ways:
            ways: list[Condition] = []
            if is_in_crate(path):
                ways = [both(RUST, inner) for inner in self._crate(KERNEL_CRATE_ROOT).get(path, ())]
            elif not path.startswith("rust/"):
                ways = [way for folder in _folders_above(path) for way in self._built(folder).get(path, ())]
            self._ways[path] = tuple(dict.fromkeys(ways))[:_MAX_WAYS]
        return self._ways[path]

    def _built(self, folder: str) -> dict[str, list[Condition]]:
        """Return the Rust files of all crates whose roots are in a Makefile, each with the conditions for its ways."""
        if folder not in self._built_by:
            files: dict[str, list[Condition]] = {}
            prefix = f"{folder}/" if folder else ""
            for member in self._members(folder):
                root = f"{prefix}{member.removesuffix('.o')}.rs"
                above = self._object(folder, member) if root in self._rust_paths else ()
                for path, inner in self._crate(root).items() if above else ():
                    files.setdefault(path, []).extend([both(outer, way) for outer in above for way in inner])
            self._built_by[folder] = files
        return self._built_by[folder]

    def _members(self, folder: str) -> dict[str, list[tuple[str, Condition]]]:
        """Return the objects and folders of a Makefile, each with the composite objects that have it."""
        if folder not in self._makefiles:
            prefix = f"{folder}/" if folder else ""
            files = (self._facts.makefile(prefix + name) for name in _MAKEFILES)
            makefile = next((file for file in files if file is not None), Makefile())
            members: dict[str, list[tuple[str, Condition]]] = {}
            for owner, member, condition in makefile.members:
                members.setdefault(member, []).append((owner, condition))
            self._makefiles[folder] = members
            self._composites[folder] = frozenset(owner for owner, _, _ in makefile.members)
        return self._makefiles[folder]

    def _object(self, folder: str, member: str) -> tuple[Condition, ...]:
        """Return the conditions under which an object or a folder of a Makefile is built."""
        ways = self._in_lists(folder, member, 0)
        above = self._folder(folder)
        return tuple(dict.fromkeys(both(outer, inner) for outer in above for inner in ways))[:_MAX_WAYS]

    def _in_lists(self, folder: str, member: str, depth: int) -> tuple[Condition, ...]:
        """Return the conditions under which an object or a folder is in a list of its Makefile."""
        key = folder, member, depth
        if key not in self._lists:
            self._lists[key] = tuple(islice(self._find_lists(folder, member, depth), _MAX_WAYS))
        return self._lists[key]

    def _find_lists(self, folder: str, member: str, depth: int) -> Iterator[Condition]:
        members = self._members(folder)
        name = member.removesuffix(".o")
        if not depth and name in self._composites[folder]:
            return  # the object is made of others, and not of the source with its name
        for owner, condition in members.get(member, ()):
            if not owner:
                yield condition
            elif owner != name and depth < _MAX_COMPOSITES:
                for outer in self._in_lists(folder, f"{owner}.o", depth + 1):
                    yield both(condition, outer)

    def _folder(self, folder: str) -> tuple[Condition, ...]:
        """Return the conditions under which the build enters a folder."""
        if folder not in self._folders:
            ways: list[Condition] = []
            above = folder
            while above and not ways:
                above = above.rpartition("/")[0]
                member = f"{folder[len(above) :].removeprefix('/')}/"
                ways += self._object(above, member)
            self._folders[folder] = tuple(dict.fromkeys(ways))[:_MAX_WAYS]
        return self._folders[folder]

    def _crate(self, root: str) -> dict[str, tuple[Condition, ...]]:
        """Return the files of a crate, with the conditions that its modules add."""
        if root not in self._crates:
            files: dict[str, tuple[Condition, ...]] = {}
            pending: list[tuple[str, Condition]] = [(root, ALWAYS)]
            while pending:
                path, condition = pending.pop()
                known = files.get(path, ())
                if condition in known or len(known) >= _MAX_WAYS:
                    continue
                files[path] = (*known, condition)
                for line in self._facts.modules(path).modules:
                    child = self._file_of(path, line, is_root=path == root)
                    if child is not None:
                        pending.append((child, both(condition, line.condition)))
            self._crates[root] = files
        return self._crates[root]

    def _file_of(self, path: str, line: ModuleLine, *, is_root: bool) -> str | None:
        """Return the file of a module that a file declares."""
        folder, _, name = path.rpartition("/")
        stem = name.removesuffix(".rs")
        parts = [folder] if is_root or stem in ("mod", "lib", "main") else [folder, stem]
        parts += line.inside
        if line.path:
            if line.inside or ".." in line.path:
                return None
            candidate = "/".join((folder, line.path.removeprefix("./"))).removeprefix("/")
            return candidate if candidate in self._rust_paths else None
        base = "/".join((*parts, line.name)).removeprefix("/")
        return next((other for other in (f"{base}.rs", f"{base}/mod.rs") if other in self._rust_paths), None)


def _folders_above(path: str) -> Iterator[str]:
    """Yield the folders of a file, its own first and the top last."""
    while path:
        path = path.rpartition("/")[0]
        yield path
