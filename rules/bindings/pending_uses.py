# SPDX-License-Identifier: GPL-2.0-or-later
"""Which C names and which paths of the `kernel` crate a series begins to use.

Only the changed lines are read, by their layout, because most of a posting's time would go into reading whole files.
Names that a glob imports, paths that a line break divides, and lines of more than 200 characters stay unknown.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.crate_paths import CRATE, below_crate, full_name, is_in_crate
from rules.bindings.pending_facts import MAX_TEXT, PendingFact, PendingKind, added_place
from rules.bindings.pending_rust import RustFile
from rules.bindings.rust_facts import ROOTS
from rules.diff.patch import Line
from rules.finding import Anchor
from rules.lazy import dataclass, field, re
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import find_words
from rules.source.rust.uses import read_leaves

_MAX_BODY = 400  # lines of an implementation
_MAX_LINE = 200  # characters of a line of code; rustfmt allows 100
_PATH = re.compile(r"(?<![\w:.$])([A-Za-z_]\w*+(?>::[A-Za-z_]\w*+)*+)(\()?")
_IMPL = re.compile(r"(?:unsafe )?impl(?:<[^<>{}\n]{0,200}>)? ([A-Za-z_][\w:]*+)(?:<[^{}\n]{0,200}>)? for ")
_ADDED_IMPL = re.compile(r"\n\+(?:unsafe )?impl")
_METHOD = re.compile(r" {4}(?>pub |const |async |unsafe |extern \"C\" )*+fn (\w++)")
_UNCLEAR = "|<#\"'"  # a comma after one of these may not divide arguments
_PARAMETER_BRACKETS = "([{<", ")]}>"
_MACRO = re.compile(r" {4}(?:#\[|[\w:]++!)")

_Names = Mapping[str, tuple[str, ...]]
_Imports = Mapping[str, tuple[tuple[str, ...], str]]


@dataclass(slots=True)
class _Uses:
    """Uses by name and form: how often they are added more often than removed, and the first place of each."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: dict[tuple[str, str], Anchor] = field(default_factory=dict)

    def count(self, name: str, form: str, file: RustFile, line: Line | None) -> None:
        """Count a use on a line that the patch adds, or None for a line that it removes."""
        use = name, form
        if line is None:
            self.counts[use] -= 1
        else:
            self.counts[use] += 1
            if use not in self.places:
                self.places[use] = added_place(file, line)

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
    imports = [_imports(file) if _may_name_crate(file) else None for file in files]
    for file, imported in zip(files, imports, strict=True):
        for is_c, name, arguments, line in _paths(file, imported) if imported is not None else ():
            (c_uses if is_c else item_uses).count(name, arguments, file, line)
        for name, line in _fields(file, diff):
            c_uses.count(name, "", file, line)
    for name, arguments, place in c_uses.new():
        yield PendingFact(PendingKind.C_USE, name, place, arguments, declared(name)[:MAX_TEXT])
    for name, arguments, place in item_uses.new():
        yield PendingFact(PendingKind.ITEM_USE, name, place, "", arguments)
    for file, imported in zip(files, imports, strict=True):
        if file.post is not None and imported is not None:
            yield from _implementations(file, imported)


def _fields(file: RustFile, diff: BindingsDiff | None) -> Iterator[tuple[str, Line]]:
    """Yield the fields of C structs that are accessed on added lines, if the index of the tree has read the file."""
    if diff is None or file.post is None or not file.post.is_complete:
        return
    added = {line.after: line for line in file.added}
    for access in diff.after.facts.rust(file.change.path).accesses if added else ():
        line = added.get(access.line)
        if line is not None and line.text.strip() == access.text and access.struct.isidentifier():
            yield f"{access.struct}.{access.chain[0]}", line


def _may_name_crate(file: RustFile) -> bool:
    """Tell quickly whether the file may have a path below the `kernel` crate: vendored files have none."""
    words = (*_crates(file), *ROOTS)
    texts = chain((hunk.text for hunk in file.change.hunks), (source.text for source in _shown(file)))
    return any(word in text for text in texts for word in words)


def _crates(file: RustFile) -> tuple[str, ...]:
    """Return the names of the `kernel` crate in a file."""
    return (CRATE, "crate") if is_in_crate(file.change.path) else (CRATE,)


def _shown(file: RustFile) -> tuple[RustSource, ...]:
    """Return the Rust after the patch, or before it if the patch deletes the file."""
    return file.post_rust if file.post is not None else file.pre_rust


def _imports(file: RustFile) -> _Imports:
    """Return the path that each imported name stands for, and the line that imports it from the `kernel` crate."""
    imported: dict[str, tuple[tuple[str, ...], str]] = {}
    crates = _crates(file)
    for source in _shown(file):
        text = source.text
        for name, path, offset in read_leaves(text) if "use " in text else ():
            if name not in imported:
                imported[name] = path, _line_at(text, offset) if path[0] in crates else ""
    return imported


def _line_at(text: str, offset: int) -> str:
    """Return the line at an offset without its indentation, "" if it is too long."""
    first, last = max(0, offset - _MAX_LINE), offset + _MAX_LINE
    start, end = text.rfind("\n", first, offset) + 1, text.find("\n", offset, last)
    if (start == 0 and first > 0) or (end < 0 and last < len(text)):
        return ""
    return text[start : end if end >= 0 else None].strip()


def _paths(file: RustFile, imported: _Imports) -> Iterator[tuple[bool, str, str, Line | None]]:
    """Yield the paths below the `kernel` crate on the changed lines, with the number of arguments of a call.

    The path of a C name is that name, and the first value says that it is one. The line is None if it is removed.
    """
    crates = _crates(file)
    names = {name: path for name, (path, _) in imported.items() if path[0] in crates}
    yield from _imported_paths(file, [imported[name] for name in names])
    roots = {*names, *crates, *ROOTS}.difference(name for name in imported if name not in names)
    roots.discard("*")
    known: dict[str, tuple[bool, str] | None] = {}
    for hunk in file.change.hunks:
        text, number, start, end, code = f"\n{hunk.text}", hunk.after_start, 0, 0, ""
        for at in find_words(text, roots):
            if at >= end:  # the first one on its line, which begins with a newline and the marker
                above, start = start, text.rfind("\n", end, at)
                end = text.index("\n", at)
                number += text.count("\n", above, start) - text.count("\n-", above, start)
                code = _code_of(text[start + 2 : end]) if text[start + 1] in "+-" else ""
            match = _PATH.match(code, at - start - 2) if at - start - 2 < len(code) else None
            if match is not None:
                path, opening = match.groups()
                if path not in known:
                    parts = tuple(path.split("::"))
                    known[path] = _named(_resolve(parts, names, file.change.path) if parts[0] in roots else None)
                if (named := known[path]) is not None:
                    line = Line(text[start + 2 : end], None, number) if text[start + 1] == "+" else None
                    yield *named, _count_parts(code, match.end(), ("([{", ")]}"), _UNCLEAR) if opening else "", line


def _code_of(line: str) -> str:
    """Return the code of a line that may use a path, without a comment at its end; "" for other and long lines."""
    code = line.partition("//")[0] if ("(" in line or "::" in line) and len(line) <= _MAX_LINE else ""
    return code if ("(" in code or "::" in code) and not code.lstrip().startswith(("use ", "pub use ")) else ""


def _named(below: tuple[str, ...] | None) -> tuple[bool, str] | None:
    """Return whether a path below the `kernel` crate is a C name, and its name."""
    if below is None:
        return None
    return (True, below[1]) if below[0] in ROOTS else (False, full_name(below))


def _imported_paths(
    file: RustFile, imports: Sequence[tuple[tuple[str, ...], str]]
) -> Iterator[tuple[bool, str, str, Line | None]]:
    """Yield the imports on changed lines: each with its first added line, and with None if one is removed."""
    texts = {text for _, text in imports if text}
    added, removed = (texts.intersection(map(str.strip, file.change.texts(marker) if texts else ())) for marker in "+-")
    places: dict[str, Line] = {}
    for number, text in (line for hunk in file.change.hunks if added for line in hunk.added.items()):
        if (stripped := text.strip()) in added:
            places.setdefault(stripped, Line(text, None, number))
    for path, text in imports:
        named = _named(_below_crate(path, file.change.path)) if text in added or text in removed else None
        if named is not None:
            if text in added:
                yield *named, "", places[text]
            if text in removed:
                yield *named, "", None


def _resolve(path: tuple[str, ...], names: _Names, file: str) -> tuple[str, ...] | None:
    """Return the path below the `kernel` crate that a path on a line stands for; None for other paths."""
    if path[0] in names:
        return _below_crate((*names[path[0]], *path[1:]), file)
    if path[0] in ROOTS and len(path) > 1:
        return path  # a hunk rarely shows the import of the bindings
    return _below_crate(path, file) if len(path) > 1 else None


def _below_crate(path: tuple[str, ...], file: str) -> tuple[str, ...] | None:
    below = tuple(part for part in below_crate(path, file) or () if part != "*")
    is_item = bool(below) and below[0] != "prelude" and (below[0] not in ROOTS or len(below) > 1)
    return below if is_item else None


def _count_parts(text: str, start: int, brackets: tuple[str, str], unclear: str = "") -> str:
    """Return the number of parts between commas in a bracket that opens before `start`.

    The result is "" if the text does not show the end of the bracket, or an unclear character is before it. `brackets`
    are the characters that open and close inner brackets.
    """
    opening, closing = brackets
    count, depth, is_empty = 0, 0, True
    for character in islice(text, start, None):
        if character in unclear:
            return ""
        if character == ")" and depth == 0:
            return str(count + (not is_empty))
        depth += (character in opening) - (character in closing)
        if character == "," and depth == 0:
            count, is_empty = count + 1, True
        elif not character.isspace():
            is_empty = False
    return ""


def _implementations(file: RustFile, imported: _Imports) -> Iterator[PendingFact]:
    """Yield the traits of the `kernel` crate that the added lines implement, with the methods."""
    names = {name: path for name, (path, _) in imported.items()}
    for hunk in file.change.hunks:
        text, number, start = f"\n{hunk.text}", hunk.after_start, 0
        for added in _ADDED_IMPL.finditer(text):  # a line begins with a newline and the marker
            above, start = start, added.start()
            number += text.count("\n", above, start) - text.count("\n-", above, start)
            head = _IMPL.match(text, start + 2)
            path = _resolve(tuple(head[1].split("::")), names, file.change.path) if head is not None else None
            if path is None or path[0] in ROOTS:
                continue
            line = Line(text[start + 2 : text.index("\n", start + 2)], None, number)
            body = [] if line.text.rstrip().endswith("{}") else _body(text, start + 2 + len(line.text))
            if body is None:
                continue
            has_attribute = start > 0 and text[text.rindex("\n", 0, start) + 2 : start].startswith("#")
            is_open = has_attribute or any(map(_MACRO.match, body))
            methods = " ".join(_methods(body))
            name, form = full_name(path), "open impl" if is_open else "impl"
            yield PendingFact(PendingKind.ITEM_USE, name, added_place(file, line), methods, form)


def _body(text: str, end: int) -> list[str] | None:
    """Return the lines of a block whose head ends there, if all of them are added and the hunk shows its end."""
    body: list[str] = []
    for _ in range(1, _MAX_BODY):
        start, end = end, text.find("\n", end + 1)
        if end < 0 or text[start + 1] != "+":
            return None
        if text[start + 2] == "}":
            return body
        body.append(text[start + 2 : end])
    return None


def _methods(body: Sequence[str]) -> Iterator[str]:
    """Yield the methods of an implementation with their numbers of parameters, `self` included."""
    for index, text in enumerate(body):
        match = _METHOD.match(text)
        if match is not None:
            head = " ".join(line.strip() for line in body[index : index + 12])
            yield f"{match[1]}/{_count_parts(head.partition('(')[2], 0, _PARAMETER_BRACKETS)}"
