# SPDX-License-Identifier: GPL-2.0-or-later
"""Read which paths and macros the code of a Rust file uses, and what imports and inline modules make of a path."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

from rules.lazy import dataclass, field, re
from rules.source.rust.source import RustSource
from rules.source.rust.uses import Import

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_VALUE_END = re.compile(r"[\w)\]|]")
_BEFORE_CLOSURE = frozenset(("move", "async", "static", "const", "return", "in", "else", "break"))
_DEPTHS = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)
_OPENINGS = (("(",), ("[",), ("{",))
_UNCLEAR = frozenset("<#$")
_MAX_CALL = 400  # words of the arguments of a call
_MAX_ANGLES = 100  # words of the type parameters in a path
_MAX_TEXT = 200  # characters of a line that is quoted

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PathUse:
    """A path that the file writes, with its import resolved, and the number of arguments if it is called, else None.

    `module` are the inline modules around it. A name alone is a use if the file imports it, or if it calls a macro that
    the file does not define.
    """

    path: Path
    line: int
    text: str
    arguments: int | None = None
    is_import: bool = False
    is_macro: bool = False
    module: Path = ()
    offset: int = field(default=0, compare=False)


class Scopes:
    """What the imports of a source and the inline modules in it make of a path."""

    def __init__(self, source: RustSource, imports: Iterable[Import]) -> None:
        self._source = source
        self._imported: dict[str, Path] = {}
        for imported in imports:
            self._imported.setdefault(imported.name, imported.path)
        self._modules: list[tuple[int, Path]] = [(-1, ())]

    def enter(self, module: Path, offset: int) -> None:
        """Let the code from that offset be in these inline modules; offsets must increase."""
        self._modules.append((offset, module))

    def module_at(self, offset: int) -> Path:
        """Return the inline modules around an offset."""
        return self._modules[bisect_right(self._modules, offset, key=itemgetter(0)) - 1][1]

    def imports(self, name: str) -> bool:
        """Return whether an import brings in that name."""
        return name in self._imported

    def resolve(self, path: Path) -> Path:
        """Return the path with the import of its first name resolved."""
        return (*self._imported.get(path[0], path[:1]), *path[1:]) if path else ()

    def quote(self, line: int) -> str:
        """Return the text of a line, of limited length."""
        return self._source.line_text(line)[:_MAX_TEXT].strip()


def read_path_uses(source: RustSource, scopes: Scopes) -> Iterator[PathUse]:
    """Yield the uses of paths and the called macros in the code outside of `use`."""
    return _Reader(source, scopes).read()


class _Reader:
    def __init__(self, source: RustSource, scopes: Scopes) -> None:
        self._source = source
        self._words = source.tokens
        self._scopes = scopes

    def read(self) -> Iterator[PathUse]:
        words = self._words.words
        own_macros = {words[at + 2] for at in range(len(words) - 2) if words[at] == "macro_rules"}
        is_use = False
        for at, word in enumerate(words):
            is_use = word == "use" or (is_use and word != ";")
            before = words[at - 1] if at else ""
            is_variable = before == "$" and word != "crate"  # `$crate` in a macro is the crate that defines it
            is_later = before == "::" and not (word == "kernel" and self._is_rooted(at - 1))
            if is_use or not _NAME.match(word) or before in (".", "fn") or is_later or is_variable:
                continue
            path, end = self._read_path(at)
            is_macro = self._is_macro_call(end) and word not in own_macros
            if len(path) > 1 or self._scopes.imports(path[0]) or is_macro:
                yield self._use(path, at, end)

    def _read_path(self, at: int) -> tuple[Path, int]:
        """Return the names of the path that begins at an index, and the index after it. `A::<B>::c` is `A::c`."""
        words = self._words.words
        names, end = [words[at]], at + 1
        while words[end : end + 1] == ("::",):
            name = self._after_angles(end + 1) + 1 if words[end + 1 : end + 2] == ("<",) else end + 1
            if words[name - 1] != "::" or name >= len(words) or not _NAME.match(words[name]):
                break
            names.append(words[name])
            end = name + 1
        return tuple(names), end

    def _after_angles(self, opening: int) -> int:
        """Return the index after the `>` that closes the `<` at an index; the index itself if none of a path does."""
        words, depth = self._words.words, 0
        for at in range(opening, min(opening + _MAX_ANGLES, len(words) - 1)):
            depth += (words[at] == "<") - (words[at] == ">")
            if depth == 0:
                return at + 1
        return opening

    def _is_macro_call(self, at: int) -> bool:
        """Tell whether what follows the name before an index makes it the name of a macro; `a != b` does not."""
        return self._words.words[at : at + 1] == ("!",) and self._words.words[at + 1 : at + 2] in _OPENINGS

    def _is_rooted(self, at: int) -> bool:
        """Tell whether the `::` at an index begins a path."""
        before = self._words.words[at - 1] if at else ""
        return not _NAME.match(before) and before not in (">", "]", ")")

    def _use(self, path: Path, at: int, end: int) -> PathUse:
        offset = self._words.offsets[at]
        line = self._source.line(offset)
        return PathUse(
            self._scopes.resolve(path),
            line,
            self._scopes.quote(line),
            self._count_arguments(end) if self._words.words[end : end + 1] == ("(",) else None,
            is_macro=self._is_macro_call(end),
            module=self._scopes.module_at(offset),
            offset=offset,
        )

    def _count_arguments(self, opening: int) -> int | None:
        """Return the number of arguments of a call; None if that is unclear.

        Closures, generics, comments and metavariables make it unclear.
        """
        words, closing = self._words.words, self._words.closing(opening)
        if closing - opening > _MAX_CALL or words[closing : closing + 1] != (")",):
            return None
        inside = words[opening + 1 : closing]
        if _has_closure(inside) or not _UNCLEAR.isdisjoint(inside):
            return None
        count, depth, start = 0, 0, self._words.offsets[opening] + 1
        for index in range(opening + 1, closing + 1):
            word, offset = words[index], self._words.offsets[index]
            if depth == 0 and (word == "," or index == closing):
                text = self._source.text[start:offset].strip()
                if text.startswith("/"):
                    return None
                count += bool(text)
                start = offset + 1
            depth += _DEPTHS.get(word, 0)
        return count


def _has_closure(words: tuple[str, ...]) -> bool:
    """Tell whether a `|` may begin a closure: one that is not the operator between two values."""
    pairs = zip(("", *words), words, strict=False)
    return any(word == "|" and not (_VALUE_END.match(last) and last not in _BEFORE_CLOSURE) for last, word in pairs)
