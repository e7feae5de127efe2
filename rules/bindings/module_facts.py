# SPDX-License-Identifier: GPL-2.0-or-later
"""What a Rust file says about modules: those that it declares, what it offers and uses, and the `cfg`s of each."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from rules.lazy import dataclass, re
from rules.source.kbuild.condition import ALWAYS, Condition
from rules.source.rust.api import RustApi, read_api_of
from rules.source.rust.cfg import Gates
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import Path

_MODULE = re.compile(r"(?<!\w)mod\s++(?:r#)?(\w++)\s*+;")
_WORD = re.compile(r"\w++")
_INLINE = re.compile(r"(?:^|\s)mod\s++(\w++)\Z")
_PATH = re.compile(r'#\[path\s*+=\s*+"([^"\n]{1,200})"\]')
_MAX_ATTRIBUTES = 400  # characters before a `mod` that are searched for its attributes
_MAX_PARTS = 8  # of a path


@dataclass(frozen=True, slots=True)
class ModuleLine:
    """A line `mod name;`. `inside` are the inline modules around it; `path` is its `#[path]`, "" if it has none."""

    name: str
    inside: Path
    condition: Condition
    path: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """An item, or a path that is exported again as `name`, "*" for a glob; `target` is empty for an item."""

    name: str
    inside: Path
    condition: Condition
    target: Path = ()
    is_macro: bool = False


@dataclass(frozen=True, slots=True)
class CrateUse:
    """A path into the `kernel` crate, without the name of the crate, at the first place that uses it."""

    path: Path
    line: int
    column: int
    text: str
    condition: Condition
    is_macro: bool = False


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """The modules of a file, what it offers (only for a file of the `kernel` crate), and what it uses of the crate."""

    modules: tuple[ModuleLine, ...] = ()
    offers: tuple[Offer, ...] = ()
    uses: tuple[CrateUse, ...] = ()


def read_modules(content: bytes, *, is_in_crate: bool) -> ModuleFacts:
    """Read a Rust file."""
    source = RustSource(content)
    gates = Gates(source)
    api = read_api_of(source)
    offers: list[Offer] = []
    if is_in_crate:
        offers = [
            Offer(item.name, item.module, gates.at(item.offset), is_macro=item.kind == "macro")
            for item in api.items
            if not item.owner
        ]
        offers += [Offer(item.name, item.module, gates.at(item.offset), item.path) for item in api.exports]
    starts, ends = _macro_bodies(source)
    unclear = _unclear_names(source, gates, api)
    uses: dict[tuple[Path, Condition], CrateUse] = {}
    for use in api.uses:
        root = use.path[:1]
        if root != ("kernel",) and not (is_in_crate and root == ("crate",)):
            continue
        body = bisect_right(starts, use.offset) - 1
        if body >= 0 and use.offset < ends[body]:
            continue
        if not use.is_import and (first := _WORD.match(source.code, use.offset)) is not None and first[0] in unclear:
            continue
        path, condition = use.path[1 : _MAX_PARTS + 1], gates.at(use.offset)
        crate_use = CrateUse(path, use.line, source.column(use.offset), use.text, condition, use.is_macro)
        known = uses.setdefault((path, condition), crate_use)
        if (known.line, known.column) > (crate_use.line, crate_use.column):
            uses[path, condition] = crate_use
    ordered = sorted(uses.values(), key=lambda use: (use.line, use.column))
    return ModuleFacts(tuple(_modules(source, gates)), tuple(offers), tuple(ordered))


class Places:
    """The conditions of the places of a Rust file."""

    def __init__(self, content: bytes) -> None:
        source = RustSource(content)
        self._gates = Gates(source)
        self._starts = [0, *accumulate(len(line) + 1 for line in source.text.split("\n"))]

    def condition(self, line: int, column: int) -> Condition:
        """Return the condition of the `cfg`s around a place."""
        return self._gates.at(self._starts[min(line, len(self._starts)) - 1] + column - 1)


def _modules(source: RustSource, gates: Gates) -> Iterator[ModuleLine]:
    names: dict[int, str] = {}
    for match in _MODULE.finditer(source.code):
        inside: list[str] = []
        for opening in source.structure.enclosing(match.start()):
            if opening not in names:
                head = _INLINE.search(source.structure.head(opening))
                names[opening] = head[1] if head is not None else ""
            inside[:0] = [names[opening]] if names[opening] else []
        before = source.text[max(0, match.start() - _MAX_ATTRIBUTES) : match.start()]
        paths = _PATH.findall(before[max(map(before.rfind, ";{}")) + 1 :])
        yield ModuleLine(match[1], tuple(inside), gates.at(match.start()), paths[-1] if paths else "")


def _unclear_names(source: RustSource, gates: Gates, api: RustApi) -> set[str]:
    """Return the names whose import is not the only one, is under a `cfg`, or that the file defines too."""
    unclear = {item.name for item in api.items if not item.owner}
    seen: set[str] = set()
    for imported in source.uses:
        if imported.name in seen or gates.at(imported.offset) != ALWAYS:
            unclear.add(imported.name)
        seen.add(imported.name)
    return unclear - {"crate", "kernel"}


def _macro_bodies(source: RustSource) -> tuple[list[int], list[int]]:
    """Return where macro definitions start and end: their code is built where they are called."""
    words, tokens = source.tokens.words, source.tokens
    starts: list[int] = []
    ends: list[int] = []
    for index in range(len(words) - 3):
        if words[index] == "macro_rules" and words[index + 1] == "!":
            start, end = tokens.offsets[index], tokens.offsets[tokens.closing(index + 3)]
            if not ends or start >= ends[-1]:
                starts.append(start)
                ends.append(end)
    return starts, ends
