# SPDX-License-Identifier: GPL-2.0-or-later
"""What an unsafe function or trait asks of those who call or implement it, where its documentation is at hand."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from rules.analysis.analysis import Analysis, Results
from rules.analysis.view import FileView, SeriesView
from rules.diff.image import build_new_file_image
from rules.finding import Evidence
from rules.source.rust.docs import SAFETY_TITLES, section
from rules.source.rust.model import Docs, UnsafeDeclaration
from rules.source.rust.operations import Operation
from rules.source.rust.source import RustSource
from rules.source.rust.work_limit import TooMuchError

_BULLET = re.compile(r"(?:[-*+]|\d+[.)])\s+")
_MAX_LINES = 12
_MAX_DECLARING_FILES = 100  # files that are looked at for one name: what all of them have is nobody's
_LAST_WORD = re.compile(r"(?<!\w)\w++(?=>*+\s*+$)")
_CONTAINER = re.compile(r"(?:impl|trait) ")
_OF_THE_LANGUAGE = re.compile(  # methods of pointers, cells, slices and options: one of that name may be theirs
    r"(?:add|sub|offset|offset_from|byte_\w+|as_(?:ref|mut)\w*|assume_init\w*|copy_(?:from|to)\w*|drop_in_place|replace"
    r"|get_unchecked\w*|map_unchecked\w*|read\w*|write\w*|set_len|swap|unwrap\w*)\Z"
)


class SafetySections:
    """Where the safety sections of what a file calls and implements are looked for; every place is read once.

    In the file itself, in the other files of the series, and in the base kernel where a `use` declaration says where
    the type stands. A name that fits more than one function is left alone.
    """

    def __init__(self, file: FileView) -> None:
        self._file = file
        self._found: dict[tuple[Operation, str], Evidence | None] = {}

    def of(self, operation: Operation, scope: str) -> Evidence | None:
        """The safety section of what is called or implemented, each requirement a line; None where there is none."""
        if not operation.callee:
            return None
        owner = _owner(operation, scope)
        key = operation, owner
        if key not in self._found:
            try:
                self._found[key] = self._look_up(operation, owner)
            except TooMuchError:  # in another file, maybe: what is said of this one stays true
                self._found[key] = None
        return self._found[key]

    def _look_up(self, operation: Operation, owner: str) -> Evidence | None:
        word = operation.callee.encode("utf-8", "surrogateescape")
        kind = "trait" if operation.kind == "implementation" else "fn"
        for path, source in self._sources(operation.callee, owner):
            declared = (one for part in source.parts if part.holds(word) for one in part.declarations)
            fitting = [one for one in declared if one.kind == kind and one.name == operation.callee]
            if kind == "fn":
                fitting = [one for one in fitting if self._is_callee(one, path, operation, owner)]
            sections = [(one, lines) for one in fitting if (lines := asked(one.docs))]
            if sections:
                return _evidence(path, *sections[0]) if len(sections) == 1 else None
        return None

    def _is_callee(self, one: UnsafeDeclaration, path: str, operation: Operation, owner: str) -> bool:
        """Whether a function of the name that is called is the one that the path before the name means."""
        container = next((part for part in reversed(one.scope.split(" / ")) if _CONTAINER.match(part)), "")
        if owner[:1].isupper():
            return container.startswith("trait ") or (container != "" and _implemented(container) == owner)
        if operation.name.startswith("."):
            return container != "" and not _OF_THE_LANGUAGE.match(operation.callee)
        if container:
            return False
        if not owner:
            return path == self._file.path or operation.callee in self._imported
        stem = path.removesuffix(".rs").removesuffix("/mod").rsplit("/", 1)[-1]
        return owner in ("crate", "self", "super", stem) or f"mod {owner}" in one.scope.split(" / ")

    def _sources(self, name: str, owner: str) -> Iterator[tuple[str, RustSource]]:
        """Where it may be declared, the nearest first; of a file that is changed often, the last image."""
        file, last = self._file, self._file.series.result(LAST_SOURCES)
        if file.post_rust is not None:
            yield file.path, file.post_rust
        declaring = file.series.result(DECLARING_FILES).get(name.removeprefix("r#"), ())
        if len(declaring) <= _MAX_DECLARING_FILES:
            yield from ((path, last[path]) for path in declaring if path != file.path)
        for modules in self._imported.get(owner, ()) if owner else ():
            for path in _candidates(modules):
                content = file.series.tree.read(path) if path not in last and path != file.path else None
                if content is not None:
                    yield path, file.series.sources.of(build_new_file_image(path, content))

    @cached_property
    def _imported(self) -> dict[str, list[tuple[str, ...]]]:
        """The modules of the `kernel` crate that imported names come from."""
        found: dict[str, list[tuple[str, ...]]] = {}
        inside = self._file.path.startswith("rust/kernel/")
        for part in self._file.post_rust.parts if self._file.post_rust is not None else ():
            for one in part.imports:
                if len(one.path) > 1 and (one.path[0] == "kernel" or (inside and one.path[0] == "crate")):
                    found.setdefault(one.name, []).append(one.path[1:-1])
        return found


def _find_last_sources(series: SeriesView, _: Results) -> dict[str, RustSource]:
    files: dict[str, FileView] = {}
    for file in reversed(series.files):
        files.setdefault(file.path, file)
    rust = ((path, file.post_rust) for path, file in files.items())
    return {path: source for path, source in rust if source is not None}


LAST_SOURCES: Final = Analysis("last-sources", _find_last_sources)
"""The Rust of every file after the last patch that changes it, the last file first, by path."""


def _find_declaring_files(_: SeriesView, results: Results) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for path, source in results.of(LAST_SOURCES).items():
        for name in dict.fromkeys(name for part in source.parts for name in part.declared_names()):
            paths.setdefault(name, []).append(path)
    return paths


DECLARING_FILES: Final = Analysis("declaring-files", _find_declaring_files, requires=(LAST_SOURCES,))
"""The files of the series that may declare unsafe functions and traits, by the names of these."""


def _candidates(modules: tuple[str, ...]) -> Iterator[str]:
    """The files in which an item of these modules of the `kernel` crate may stand."""
    for length in range(len(modules), 0, -1):
        stem = "rust/kernel/" + "/".join(modules[:length])
        yield from (f"{stem}.rs", f"{stem}/mod.rs")


def _evidence(path: str, one: UnsafeDeclaration, lines: tuple[str, ...]) -> Evidence:
    return Evidence(f"{path}:{one.section_line}", lines[:_MAX_LINES])


def asked(docs: Docs) -> tuple[str, ...]:
    """The requirements of a safety section: each item of a list and each paragraph in one line."""
    said: list[str] = []
    open_ended = False
    for _, text in section(docs, SAFETY_TITLES):
        if not text:
            open_ended = False
        elif open_ended and not _BULLET.match(text):
            said[-1] += " " + text
        else:
            said.append(text)
            open_ended = True
    return tuple(said)


def _owner(operation: Operation, scope: str) -> str:
    """The type whose function is called, as far as the path says it; `Self` is that of the enclosing impl."""
    path, _, _ = operation.name.rpartition("::")
    if operation.kind == "implementation":
        return operation.callee
    owner = _LAST_WORD.search(path)
    if owner is None or owner[0] != "Self":
        return owner[0] if owner else ""
    head = next((part for part in reversed(scope.split(" / ")) if _CONTAINER.match(part)), "")
    return _implemented(head)


def _implemented(container: str) -> str:
    """The type that an `impl` is for, or the trait, without its path and generics."""
    named = container.rsplit(" for ", 1)[-1].removeprefix("impl ").removeprefix("trait ")
    name = _LAST_WORD.search(named.partition("<")[0])
    return name[0] if name else ""
