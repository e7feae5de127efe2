# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the safety section of an unsafe function or trait: what it requires of its callers or implementations."""

from collections.abc import Iterator
from typing import Final

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import FileView, SeriesView
from rules.bindings.tree import Tree
from rules.diff.image import build_new_file_image
from rules.finding import Evidence
from rules.lazy import cached_property, re
from rules.source.rust.model import SafetySection
from rules.source.rust.operations import Operation
from rules.source.rust.source import RustSource
from rules.source.rust.structure import implemented_type
from rules.source.rust.work_limit import TooMuchError

_MAX_LINES = 12  # lines of a section that are shown
_MAX_DECLARING_FILES = 100  # A name that more files declare says nothing about which one is called.
_LAST_WORD = re.compile(r"(?<!\w)\w++(?=>*+\s*+$)")
_BULLET = re.compile(r"\A(?:[-*+]|\d{1,9}[.)])\s++")
_CONTAINER = re.compile(r"(?:impl|trait) ")
_STANDARD_METHOD = re.compile(  # Methods of pointers, cells, slices and options: a call may mean one of these.
    r"(?:add|sub|offset|offset_from|byte_\w+|as_(?:ref|mut)\w*|assume_init\w*|copy_(?:from|to)\w*|drop_in_place|replace"
    r"|get_unchecked\w*|map_unchecked\w*|read\w*|write\w*|set_len|swap|unwrap\w*)\Z"
)


class SafetySections:
    """The safety sections of the functions that a file calls and of the traits that it implements.

    They are searched in the file, in the other files of the series, and in the file of the base kernel that a `use`
    declaration names. A name that matches several functions has no section here. Each result is cached.
    """

    def __init__(self, file: FileView, *, with_landing: bool = False) -> None:
        """Take a file. With `with_landing`, files that the base does not have are searched in the landing trees."""
        self._file = file
        landing = [landing.tree for landing in file.series.landing] if with_landing else []
        self._trees: list[Tree] = [file.series.tree, *landing]
        self._cached: dict[tuple[Operation, str], Evidence | None] = {}

    def of(self, operation: Operation, scope: str) -> Evidence | None:
        """Return the section of the function or trait, a line for each requirement; None if there is no section."""
        if not operation.callee:
            return None
        owner = _owner(operation, scope)
        key = operation, owner
        if key not in self._cached:
            try:
                self._cached[key] = self._look_up(operation, owner)
            except TooMuchError:  # The limit may be that of another file; findings in this file are still valid.
                self._cached[key] = None
        return self._cached[key]

    def _look_up(self, operation: Operation, owner: str) -> Evidence | None:
        kind = "trait" if operation.kind == "implementation" else "fn"
        for path, sources in self._sources(operation.callee, owner):
            sections = [
                section
                for source in sources
                for section in source.safety_sections(operation.callee)
                if section.declaration.kind == kind
                and (kind == "trait" or self._is_callee(section.declaration.scope, path, operation, owner))
            ]
            if sections:
                return _evidence(path, sections[0]) if len(sections) == 1 else None
        return None

    def _is_callee(self, scope: str, path: str, operation: Operation, owner: str) -> bool:
        """Return whether the called function can be the one in this scope, by the path or receiver of the call."""
        container = _container(scope)
        if owner[:1].isupper():
            return container.startswith("trait ") or implemented_type(container) == owner
        if operation.name.startswith("."):
            return container != "" and not _STANDARD_METHOD.match(operation.callee)
        if container:
            return False
        if not owner:
            return path == self._file.path or operation.callee in self._imported
        stem = path.removesuffix(".rs").removesuffix("/mod").rsplit("/", 1)[-1]
        return owner in ("crate", "self", "super", stem) or f"mod {owner}" in scope.split(" / ")

    def _sources(self, name: str, owner: str) -> Iterator[tuple[str, tuple[RustSource, ...]]]:
        """Yield the sources that may declare the name, the nearest first. A changed file has its last image."""
        file, last = self._file, self._file.series.result(LAST_SOURCES)
        yield file.path, file.post_rust
        declaring = file.series.result(DECLARING_FILES).get(name.removeprefix("r#"), ())
        if len(declaring) <= _MAX_DECLARING_FILES:
            yield from ((path, last[path]) for path in declaring if path != file.path)
        for modules in self._imported.get(owner, ()) if owner else ():
            for path in _candidates(modules):
                if path in last or path == file.path:
                    continue
                content = next((found for tree in self._trees if (found := tree.read(path)) is not None), None)
                if content is not None:
                    yield path, file.series.sources.of(build_new_file_image(path, content))

    @cached_property
    def _imported(self) -> dict[str, list[tuple[str, ...]]]:
        """The modules of the `kernel` crate that imported names come from, by name."""
        modules: dict[str, list[tuple[str, ...]]] = {}
        for source in self._file.post_rust:
            for imported in source.uses:
                crate = imported.path[0] if len(imported.path) > 1 else ""
                if crate == "kernel" or (crate == "crate" and self._file.in_kernel_crate):
                    modules.setdefault(imported.name, []).append(imported.path[1:-1])
        return modules


def points(operation: Operation, section: Evidence) -> Iterator[str]:
    """Yield what a comment on the operation should address: the requirements of its section, without list marks."""
    return (f"`{operation.callee}`: {_BULLET.sub('', line)}" for line in section.lines)


def _find_last_sources(series: SeriesView, _: Results) -> dict[str, tuple[RustSource, ...]]:
    files: dict[str, FileView] = {}
    for file in reversed(series.files):
        files.setdefault(file.path, file)
    return {path: file.post_rust for path, file in files.items() if file.is_rust and file.post is not None}


LAST_SOURCES: Final = Analysis("last-sources", _find_last_sources)
"""The Rust source of every file after the last patch that changes it, by path. The last file comes first."""


def _find_declaring_files(_: SeriesView, results: Results) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for path, sources in results.of(LAST_SOURCES).items():
        for name in dict.fromkeys(name for source in sources for name in source.unsafe_names()):
            paths.setdefault(name, []).append(path)
    return paths


DECLARING_FILES: Final = Analysis("declaring-files", _find_declaring_files, requires=(LAST_SOURCES,))
"""The files of the series that may declare unsafe functions and traits, by the name of the function or trait."""


def _candidates(modules: tuple[str, ...]) -> Iterator[str]:
    """Yield the files that can contain an item of these modules of the `kernel` crate."""
    for length in range(len(modules), 0, -1):
        stem = "rust/kernel/" + "/".join(modules[:length])
        yield from (f"{stem}.rs", f"{stem}/mod.rs")


def _evidence(path: str, section: SafetySection) -> Evidence:
    return Evidence(f"{path}:{section.declaration.section_line}", section.requirements[:_MAX_LINES])


def _owner(operation: Operation, scope: str) -> str:
    """Return the type whose function is called, "" if the path does not name it. `Self` is the type of the impl."""
    path, _, _ = operation.name.rpartition("::")
    if operation.kind == "implementation":
        return operation.callee
    owner = _LAST_WORD.search(path)
    if owner is None or owner[0] != "Self":
        return owner[0] if owner else ""
    return implemented_type(_container(scope)) or ""


def _container(scope: str) -> str:
    """Return the innermost impl or trait of a scope."""
    return next((item for item in reversed(scope.split(" / ")) if _CONTAINER.match(item)), "")
