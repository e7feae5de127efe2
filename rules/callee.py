# SPDX-License-Identifier: GPL-2.0-or-later
"""What an unsafe function or trait asks of those who call or implement it, where its documentation is at hand."""

import re
from collections.abc import Iterable, Iterator

from rules.finding import Evidence
from rules.image import whole
from rules.syntax.rust import Source, parse
from rules.syntax.rust_docs import SAFETY_TITLES, section
from rules.syntax.rust_model import Docs, UnsafeDeclaration
from rules.syntax.rust_operations import Operation
from rules.syntax.rust_use import imports
from rules.view import FileView

_BULLET = re.compile(r"(?:[-*+]|\d+[.)])\s+")
_MOST_LINES = 12


def requirements(file: FileView, operation: Operation, scope: str) -> Evidence | None:
    """The safety section of what is called or implemented, each requirement a line; None where it is not to be found.

    It is looked for in the file itself, in the other files of the series, and in the base kernel where a `use`
    declaration says where the function's type stands. A name that fits more than one function is left alone.
    """
    if not operation.callee:
        return None
    owner = _owner(operation, scope)
    for path, source in _sources(file, owner):
        kind = "trait" if operation.kind == "implementation" else "fn"
        fitting = [one for one in source.declarations if one.kind == kind and one.name == operation.callee]
        own = [one for one in fitting if owner and owner in one.scope.split(" / ")[0]] or fitting
        sections = [(one, asked(one.docs)) for one in own]
        sections = [(one, lines) for one, lines in sections if lines]
        if len(sections) == 1:
            return _evidence(path, *sections[0])
        if sections:
            return None
    return None


def _evidence(path: str, one: UnsafeDeclaration, lines: tuple[str, ...]) -> Evidence:
    return Evidence(f"{path}:{one.section_line}", lines[:_MOST_LINES])


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
    parts = operation.name.split("::")
    if operation.kind == "implementation":
        return parts[-1]
    if len(parts) < 2:
        return ""
    if parts[-2] != "Self":
        return parts[-2]
    head = next((part for part in scope.split(" / ") if part.startswith("impl ")), "")
    return re.sub(r"<.*", "", head.rsplit(" for ", 1)[-1].removeprefix("impl "))


def _sources(file: FileView, owner: str) -> Iterator[tuple[str, Source]]:
    """Where the function may be declared, the nearest first; of a file that is changed often, the last image."""
    if file.post_rust is not None:
        yield file.path, file.post_rust
    seen = {file.path}
    for other in reversed(file.series.files):
        if other.path not in seen and other.post_rust is not None:
            seen.add(other.path)
            yield other.path, other.post_rust
    for path in _candidates(file, owner) if owner else ():
        content = file.series.tree.read(path) if path not in seen else None
        if content is not None:
            yield path, parse(whole(path, content))


def _candidates(file: FileView, owner: str) -> Iterable[str]:
    """The files of the `kernel` crate in which an imported type may stand."""
    for part in file.post_code:
        for one in imports(part):
            inside = one.path[0] == "crate" and file.path.startswith("rust/kernel/")
            if one.name == owner and len(one.path) > 1 and (one.path[0] == "kernel" or inside):
                modules = one.path[1:-1]
                for length in range(len(modules), 0, -1):
                    stem = "rust/kernel/" + "/".join(modules[:length])
                    yield from (f"{stem}.rs", f"{stem}/mod.rs")
