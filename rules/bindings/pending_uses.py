# SPDX-License-Identifier: GPL-2.0-or-later
"""Which C names and which paths of the `kernel` crate a series begins to use.

Only the changed lines are read, by their layout, because most of a posting's time would go into reading whole files.
Names that a glob imports, and paths that a line break divides, stay unknown.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.crate_paths import CRATE, below_crate, full_name
from rules.bindings.pending_facts import MAX_TEXT, PendingFact, PendingKind, added_place
from rules.bindings.pending_rust import RustFile
from rules.diff.image import Image
from rules.diff.patch import Line
from rules.finding import Anchor
from rules.lazy import dataclass, field, re
from rules.source.rust.uses import read_uses

_BINDINGS: Final = ("bindings", "uapi")
_MAX_BODY = 400  # lines of an implementation
_PATH = re.compile(r"(?<![\w:.$])([A-Za-z_]\w*+(?:::[A-Za-z_]\w*+)*+)(\()?")
_NAME = re.compile(r"[A-Za-z_]\w*+")
_IMPL = re.compile(r"(?:unsafe )?impl(?:<[^<>{}\n]{0,200}>)? ([A-Za-z_][\w:]*+)(?:<[^{}\n]{0,200}>)? for ")
_METHOD = re.compile(r" {4}(?:pub |const |async |unsafe |extern \"C\" )*+fn (\w++)")
_MACRO = re.compile(r" {4}(?:#\[|[\w:]++!)")
_SELF = re.compile(r"&?(?:'\w++ )?(?:mut )?self\b")

_Names = Mapping[str, tuple[str, ...]]
_Imports = Mapping[str, tuple[tuple[str, ...], str]]


@dataclass(slots=True)
class _Uses:
    """Uses by name and form: how often they are added more often than removed, and the first place of each."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: dict[tuple[str, str], Anchor] = field(default_factory=dict)

    def add(self, name: str, form: str, place: Anchor) -> None:
        self.counts[name, form] += 1
        self.places.setdefault((name, form), place)

    def remove(self, name: str, form: str) -> None:
        self.counts[name, form] -= 1

    def new(self) -> Iterator[tuple[str, str, Anchor]]:
        """Yield what is used more often after the series, in the order of the first places."""
        return ((*key, place) for key, place in self.places.items() if self.counts[key] > 0)


def find_uses(
    files: Sequence[RustFile], declared: Callable[[str], str], diff: BindingsDiff | None
) -> Iterator[PendingFact]:
    """Yield the C names, the paths of the `kernel` crate and the traits that Rust code begins to use.

    A line that is only moved begins no use. `declared` gives the declaration of a C name in the tree.
    """
    c_uses, item_uses = _Uses(), _Uses()
    imports = [_imports(file.post if file.post is not None else file.pre) for file in files]
    for file, imported in zip(files, imports, strict=True):
        for path, arguments, line in _paths(file.change.path, file.added, imported):
            (c_uses if path[0] in _BINDINGS else item_uses).add(_name(path), arguments, added_place(file, line))
        for path, arguments, _ in _paths(file.change.path, file.removed, imported):
            (c_uses if path[0] in _BINDINGS else item_uses).remove(_name(path), arguments)
        for name, line in _fields(file, diff):
            c_uses.add(name, "", added_place(file, line))
    for name, arguments, place in c_uses.new():
        yield PendingFact(PendingKind.C_USE, name, place, arguments, declared(name)[:MAX_TEXT])
    for name, arguments, place in item_uses.new():
        yield PendingFact(PendingKind.ITEM_USE, name, place, "", arguments)
    for file, imported in zip(files, imports, strict=True):
        if file.post is not None:
            yield from _implementations(file, imported)


def _name(path: tuple[str, ...]) -> str:
    return path[1] if path[0] in _BINDINGS else full_name(path)


def _fields(file: RustFile, diff: BindingsDiff | None) -> Iterator[tuple[str, Line]]:
    """Yield the fields of C structs that are accessed on added lines, if the index of the tree has read the file."""
    if diff is None or file.post is None or not file.post.is_complete:
        return
    added = {line.after: line for line in file.added}
    for access in diff.after.facts.rust(file.change.path).accesses if added else ():
        line = added.get(access.line)
        if line is not None and line.text.strip() == access.text and access.struct.isidentifier():
            yield f"{access.struct}.{access.chain[0]}", line


def _paths(file: str, lines: Sequence[Line], imported: _Imports) -> Iterator[tuple[tuple[str, ...], str, Line]]:
    """Yield the paths below the `kernel` crate on these lines, with the number of arguments of a call."""
    shown = {line.text.strip(): line for line in reversed(lines)}
    for path, text in imported.values():
        if text in shown and (below := _below_crate(path, file)) is not None:
            yield below, "", shown[text]
    names = {name: path for name, (path, _) in imported.items() if path[0] in (CRATE, "crate")}
    roots = {*names, CRATE, "crate", *_BINDINGS}.difference(name for name in imported if name not in names)
    for line in lines:
        if "(" not in line.text and "::" not in line.text:
            continue
        code = line.text.partition("//")[0]
        if ("::" not in code and "(" not in code) or code.lstrip().startswith(("use ", "pub use ")):
            continue
        if roots.isdisjoint(_NAME.findall(code)):
            continue
        for match in _PATH.finditer(code):
            if match[1].partition("::")[0] not in roots:
                continue
            below = _resolve(tuple(match[1].split("::")), names, file)
            if below is not None:
                yield below, _count_arguments(code, match.end()) if match[2] else "", line


def _imports(image: Image | None) -> _Imports:
    """Return the path that each imported name stands for, and the line that imports it."""
    imported: dict[str, tuple[tuple[str, ...], str]] = {}
    for fragment in image.fragments if image is not None else ():
        if b"use " in fragment.text:
            text = fragment.text.decode("utf-8", "surrogateescape")
            for leaf in read_uses(text, lambda _: 0, lambda _: 0):
                start, end = text.rfind("\n", 0, leaf.offset) + 1, text.find("\n", leaf.offset)
                imported.setdefault(leaf.name, (leaf.path, text[start : end if end >= 0 else None].strip()))
    return imported


def _resolve(path: tuple[str, ...], names: _Names, file: str) -> tuple[str, ...] | None:
    """Return the path below the `kernel` crate that a path on a line stands for; None for other paths."""
    if path[0] in names:
        return _below_crate((*names[path[0]], *path[1:]), file)
    if path[0] in _BINDINGS and len(path) > 1:
        return path  # a hunk rarely shows the import of the bindings
    return _below_crate(path, file) if len(path) > 1 else None


def _below_crate(path: tuple[str, ...], file: str) -> tuple[str, ...] | None:
    below = tuple(part for part in below_crate(path, file) or () if part != "*")
    is_item = bool(below) and below[0] != "prelude" and (below[0] not in _BINDINGS or len(below) > 1)
    return below if is_item else None


def _count_arguments(code: str, start: int) -> str:
    """Return the number of arguments of a call whose bracket opens before `start`, "" if the line does not show it."""
    count, depth, is_empty = 0, 0, True
    for character in code[start:]:
        if character in "|<#\"'":
            return ""
        if character == ")" and depth == 0:
            return str(count + (not is_empty))
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            count, is_empty = count + 1, True
        elif not character.isspace():
            is_empty = False
    return ""


def _implementations(file: RustFile, imported: _Imports) -> Iterator[PendingFact]:
    """Yield the traits of the `kernel` crate that the added lines implement, with the methods."""
    names = {name: path for name, (path, _) in imported.items()}
    for hunk in file.change.hunks:
        if not (hunk.has("+impl") or hunk.has("+unsafe impl")):
            continue
        for start, line in enumerate(hunk.lines):
            if line.before is not None or not line.text.startswith(("impl", "unsafe impl")):
                continue
            head = _IMPL.match(line.text)
            if head is None:
                continue
            path = _resolve(tuple(head[1].split("::")), names, file.change.path)
            body = _body(hunk.lines, start)
            if path is None or path[0] in _BINDINGS or body is None:
                continue
            has_attribute = start > 0 and hunk.lines[start - 1].text.startswith("#")
            is_open = has_attribute or any(map(_MACRO.match, body))
            methods = " ".join(_methods(body))
            name, form = full_name(path), "open impl" if is_open else "impl"
            yield PendingFact(PendingKind.ITEM_USE, name, added_place(file, line), methods, form)


def _body(lines: Sequence[Line], start: int) -> list[str] | None:
    """Return the lines of a block after its head, if all of them are added and the hunk shows its end."""
    if lines[start].text.rstrip().endswith("{}"):
        return []
    body: list[str] = []
    for line in lines[start + 1 : start + _MAX_BODY]:
        if not line.is_added:
            return None
        if line.text.startswith("}"):
            return body
        body.append(line.text)
    return None


def _methods(body: Sequence[str]) -> Iterator[str]:
    """Yield the methods of an implementation with their numbers of parameters, `self` included."""
    for index, text in enumerate(body):
        match = _METHOD.match(text)
        if match is not None:
            head = " ".join(line.strip() for line in body[index : index + 12])
            yield f"{match[1]}/{_count_parameters(head.partition('(')[2])}"


def _count_parameters(text: str) -> str:
    """Return the number of parameters in a text that begins after their bracket, "" if it does not show the end."""
    depth, parts = 0, [""]
    for character in text:
        if character == ")" and depth == 0:
            return str(sum(bool(part.strip()) for part in parts))
        depth += (character in "([{<") - (character in ")]}>")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return ""
