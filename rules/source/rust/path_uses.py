# SPDX-License-Identifier: GPL-2.0-or-later
"""Read which paths and macros the code of a Rust file uses, and what imports and inline modules make of a path."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import itemgetter

from rules.lazy import dataclass, field, re, replace
from rules.source.rust.code_regions import MARKS, Regions, begins_closure
from rules.source.rust.generics import closing_angle, count_arguments, count_lifetimes, read_names
from rules.source.rust.match_arms import read_arms
from rules.source.rust.receivers import MethodCall, find_method_calls
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import NAME, Path
from rules.source.rust.type_shapes import PRIMITIVE_TYPES
from rules.source.rust.uses import Import

_DEPTHS = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)
_OPENINGS = (("(",), ("[",), ("{",))
_UNCLEAR = frozenset("<#$")
_BEFORE_LITERAL = frozenset("=(,{;}[:|") | {"=>", "return", "let"}
_NO_TYPE = frozenset("<({!") | {"::"}  # what follows the name of a type whose generic arguments may be inferred
_TYPE = re.compile(r"\b(?:struct|enum|union|trait|type|mod)\s++(?:r#)?(\w++)")
_VALUE = re.compile(
    r"\b(?:fn|const|static(?>\s++mut)?)\s++(?=(\w++))|\blet\s++(?>mut\s++)?(\w++)\s*+[=;]|\b(\w++)\s*+:(?!:)"
)
_AFTER_NAME = (("::",), ("!",))  # what makes a name the first of a path, or a macro
_NO_BINDING = (("(",), ("::",), ("!",))  # what follows a name that no pattern binds
_MODULE = re.compile(r"\bmod\s++(?:r#)?(\w++)\s*+\{")
_GENERIC = re.compile(r"\b(?>impl|(?:fn|struct|enum|union|trait|type)\s++(?:r#)?\w++)\s*+<")
_ROOTS = frozenset(("kernel", "crate", "self", "super"))  # where a path begins that no import decides about
_GLOB = ("*",)
_MAX_DEPTH = 24  # inline modules in each other
_MAX_CALL = 400  # words of the arguments of a call
_MAX_TEXT = 200  # characters of a line that is quoted

UNKNOWN = "?"
"""Where a path begins that may lead to one item or another."""


@dataclass(frozen=True, slots=True)
class PathUse:
    """A path that the file writes, with its import resolved, and the number of arguments if it is called, else None.

    `module` are the inline modules around it. A name alone is a use if the file imports it, or if it calls a macro that
    the file does not define. `generics` are the numbers of the generic arguments of its last names, each None if they
    may be inferred; empty if all may. `fields` are the fields that a literal or pattern of a struct names, with ".." if
    it omits others. `is_const_call` says that it is certainly called where the code is evaluated by the compiler.
    `wanted` is the primitive type that its value must have, as the length of an array or the value of a variable or
    constant of that type; empty if that is unclear. `lifetimes` is the number of lifetimes that are passed to the last
    name; None if they are omitted where they may not be. `is_method_call` is for a method of a variable whose type the
    code says; `arguments` counts the variable too. `is_tried` says that a `?` is after the call. `arms` are
    the last names of the patterns of a `match` in which all patterns are such paths and this is the first one.
    `is_local` is for an import in a function that has a `use a::*`.
    """

    path: Path
    line: int
    text: str
    arguments: int | None = None
    is_import: bool = False
    is_macro: bool = False
    module: Path = ()
    offset: int = field(default=0, compare=False)
    is_in_macro: bool = False
    is_in_unsafe: bool = False
    generics: tuple[int | None, ...] = ()
    fields: tuple[str, ...] | None = None
    is_const_call: bool = False
    wanted: str = ""
    lifetimes: int | None = 0
    is_method_call: bool = False
    is_tried: bool = False
    arms: frozenset[str] = frozenset()
    is_local: bool = False


class Scopes:
    """What the imports of a source and the inline modules in it make of a path.

    A name leads nowhere if it may stand for different things: several imports of a module bring it in, it is also a
    type, a module or a generic parameter of the source, or a glob in a function may bring in another one.
    """

    def __init__(self, source: RustSource, imports: Iterable[Import]) -> None:
        self._source = source
        self._modules = _read_modules(source)
        self._imported: dict[Path, dict[str, Path]] = {}
        self._offsets: dict[str, set[int]] = {}
        self._with_super: set[Path] = set()
        self._globs: list[tuple[int, int]] = []  # the functions with one, without those in each other
        declared = set(_TYPE.findall(source.code))
        self.generics = frozenset(_read_generics(source))
        self._unclear = self.generics | declared.intersection(("kernel",)) | set(_read_local_types(source))
        for imported in imports:
            self._import(imported, declared)

    def _import(self, imported: Import, declared: set[str]) -> None:
        name, path, offset = imported.name, imported.path, imported.offset
        module = self.module_at(offset)
        if path[-1:] == _GLOB:
            if path == ("super", "*"):
                self._with_super.add(module)
            if (function := self._source.structure.function(offset)) and not self.is_below_glob(offset):
                while self._globs and self._globs[-1][0] > function[0]:
                    self._globs.pop()
                self._globs.append((function[0], len(self._source.code) if function[1] is None else function[1]))
            return
        names = self._imported.setdefault(module, {})
        self._offsets.setdefault(name, set()).add(offset)
        is_clear = names.setdefault(name, path) == path and name not in declared
        names[name] = path if is_clear else (UNKNOWN, name)

    def module_at(self, offset: int) -> Path:
        """Return the inline modules around an offset."""
        return self._modules[bisect_right(self._modules, offset, key=itemgetter(0)) - 1][1]

    def is_below_glob(self, offset: int) -> bool:
        """Tell whether the function around an offset has a `use a::*`."""
        at = bisect_right(self._globs, offset, key=itemgetter(0)) - 1
        return at >= 0 and offset <= self._globs[at][1]

    def imports(self, name: str) -> bool:
        """Return whether an import brings in that name."""
        return name in self._offsets

    def imports_value(self, name: str) -> bool:
        """Return whether a name alone is that of an import: no function, variable or field of the source has it."""
        return name in self._offsets and name not in self._values

    @cached_property
    def _values(self) -> frozenset[str]:
        return frozenset(name for names in _VALUE.findall(self._source.code) for name in names) | self._bound

    @property
    def _bound(self) -> set[str]:
        """The imported names that a pattern may bind: they are alone somewhere, and neither called nor a constant."""
        words, offsets = self._source.tokens.words, self._source.tokens.offsets
        names = {name for name in self._offsets if not name[0].isupper()}
        places = (at for at, word in enumerate(words) if word in names)
        return {
            words[at]
            for at in places
            if words[at + 1 : at + 2] not in _NO_BINDING
            and words[at - 1] not in (".", "::", "as")
            and offsets[at] not in self._offsets[words[at]]
        }

    def resolve(self, path: Path, offset: int) -> Path:
        """Return a path at an offset with the import of its first name resolved."""
        if not path:
            return ()
        name, module = path[0], self.module_at(offset)
        if name in self._unclear or (name not in _ROOTS and self.is_below_glob(offset)):
            return UNKNOWN, *path
        imported = self._imported.get(module, {}).get(name)
        while imported is None and module and module in self._with_super:
            module = module[:-1]
            imported = self._imported.get(module, {}).get(name)
        return (*(imported or path[:1]), *path[1:])

    def quote(self, line: int) -> str:
        """Return the text of a line, of limited length."""
        return quote_line(self._source.line_text(line))


def _read_modules(source: RustSource) -> list[tuple[int, Path]]:
    """Return the offsets where an inline module begins or ends, each with the modules around what follows."""
    edges: list[tuple[int, Path]] = [(-1, ())]
    ends: list[tuple[int, Path]] = []
    for match in _MODULE.finditer(source.code):
        opening = match.end() - 1
        while ends and ends[-1][0] < opening:
            edges.append(ends.pop())
        around, closing = edges[-1][1], source.structure.closing(opening)
        if closing is not None and len(around) < _MAX_DEPTH:
            ends.append((closing, around))
            edges.append((opening, (*around, match[1])))
    return edges + ends[::-1]


def _read_generics(source: RustSource) -> Iterator[str]:
    """Yield the names of the generic parameters of all items."""
    for match in _GENERIC.finditer(source.code):
        opening = bisect_left(source.tokens.offsets, match.end() - 1)
        yield from read_names(source.tokens.words[opening + 1 : closing_angle(source.tokens, opening)])


def _read_local_types(source: RustSource) -> Iterator[str]:
    """Yield the names of the types and modules in functions."""
    return (match[1] for match in _TYPE.finditer(source.code) if source.structure.function(match.start()))


def quote_line(text: str) -> str:
    """Return a line without the blanks around it, of limited length."""
    return text[:_MAX_TEXT].strip()


def read_path_uses(source: RustSource, scopes: Scopes) -> Iterator[PathUse]:
    """Yield the uses of paths and the called macros in the code outside of `use`."""
    return _Reader(source, scopes).read()


class _Reader:
    def __init__(self, source: RustSource, scopes: Scopes) -> None:
        self._source = source
        self._words = source.tokens
        self._scopes = scopes
        self._arms: dict[int, frozenset[str]] = {}

    def read(self) -> Iterator[PathUse]:
        words = self._words.words
        own_macros = {words[at + 2] for at in range(len(words) - 2) if words[at] == "macro_rules"}
        is_use = False
        regions = Regions(self._words)
        calls = find_method_calls(self._words)
        for at, word in enumerate(words):
            if word in MARKS:
                regions.enter(at)
            if not NAME.match(word):
                is_use = is_use and word != ";"
                continue
            if at in calls and not regions.is_in_macro(at):  # a macro may bind the name
                yield self._method_use(calls[at], regions)
            if word == "match":
                self._read_match(at)
            is_use = is_use or word == "use"
            before = words[at - 1] if at else ""
            is_variable = before == "$" and word != "crate"  # `$crate` in a macro is the crate that defines it
            is_later = before == "::" and not (word == "kernel" and self._is_rooted(at - 1))
            if is_use or before in (".", "fn") or is_later or is_variable or self._is_no_path(at, word):
                continue
            path = self._read_path(at)
            is_macro = self._is_macro_call(path.end) and word not in own_macros
            if len(path.names) > 1 or self._scopes.imports_value(word) or is_macro:
                yield self._use(path, at, regions)

    def _is_no_path(self, at: int, word: str) -> bool:
        """Tell quickly whether a name is alone, not imported and no macro."""
        following = self._words.words[at + 1 : at + 2]
        return following not in _AFTER_NAME and not self._scopes.imports(word)

    def _read_match(self, at: int) -> None:
        """Note the arms of a `match` whose patterns all begin with the same path, at the first pattern."""
        first, paths = read_arms(self._words, at)
        if len({self._scopes.resolve(path, self._words.offsets[at])[:-1] for path in paths}) == 1:
            self._arms[first] = frozenset(path[-1] for path in paths)

    def _read_path(self, at: int) -> "_WrittenPath":
        """Return the path that begins at an index. `A::<B>::c` is `A::c`."""
        words = self._words.words
        names, generics, end = [words[at]], list[int | None]([None]), at + 1
        call = end
        while words[end : end + 1] == ("::",):
            following = end + 1
            if words[following : following + 1] == ("<",):
                count, following = self._read_generics(following)
                generics[-1] = count or None
                call = following
                following += words[following : following + 1] == ("::",)
            if words[following - 1] != "::" or following >= len(words) or not NAME.match(words[following]):
                break
            names.append(words[following])
            generics.append(None)
            call = end = following + 1
        if words[end : end + 1] == ("<",):
            generics[-1], _ = self._read_generics(end)
        elif generics[-1] is None and self._is_type(at, end):
            generics[-1] = 0
        is_inferred = all(count is None for count in generics)
        return _WrittenPath(tuple(names), end, () if is_inferred else tuple(generics), call)

    def _is_type(self, at: int, end: int) -> bool:
        """Tell whether a path is not called, and no literal: it is a type then if its name is not one of a value."""
        following = self._words.words[end : end + 1]
        is_returned = following == ("{",) and self._words.words[at - 1 : at] == ("->",)
        return is_returned or (bool(following) and following[0] not in _NO_TYPE)

    def _read_generics(self, opening: int) -> tuple[int | None, int]:
        """Return how many arguments are after a `<`, and the index after the `>`; None if no `>` closes them."""
        closing = closing_angle(self._words, opening)
        if closing == opening:
            return None, opening
        return count_arguments(self._words.words[opening + 1 : closing]), closing + 1

    def _is_macro_call(self, at: int) -> bool:
        """Tell whether what follows the name before an index makes it the name of a macro; `a != b` does not."""
        return self._words.words[at : at + 1] == ("!",) and self._words.words[at + 1 : at + 2] in _OPENINGS

    def _is_rooted(self, at: int) -> bool:
        """Tell whether the `::` at an index begins a path."""
        before = self._words.words[at - 1] if at else ""
        return not NAME.match(before) and before not in (">", "]", ")")

    def _use(self, path: "_WrittenPath", at: int, regions: Regions) -> PathUse:
        offset, end = self._words.offsets[at], path.end
        line = self._source.line(offset)
        following = self._words.words[end : end + 1]
        is_call = self._words.words[path.call : path.call + 1] == ("(",)
        return PathUse(
            self._scopes.resolve(path.names, offset),
            line,
            self._scopes.quote(line),
            self._count_arguments(path.call) if is_call else None,
            is_macro=self._is_macro_call(end),
            module=self._scopes.module_at(offset),
            offset=offset,
            is_in_macro=regions.is_in_macro(at),
            is_in_unsafe=regions.is_in_unsafe(at),
            generics=path.generics,
            fields=self._read_fields(at, end) if following == ("{",) else None,
            is_const_call=is_call and regions.is_in_const(at),
            wanted=self._wanted_type(at, end),
            arms=self._arms.get(at, frozenset()),
            is_tried=is_call and self._is_tried(path.call),
            lifetimes=self._count_lifetimes(end) or (None if regions.needs_lifetimes(at) else 0),
        )

    def _count_lifetimes(self, end: int) -> int:
        """Return the number of lifetimes between the `<` and `>` after a path."""
        words = self._words.words
        opening = end + 1 if words[end : end + 1] == ("::",) else end
        if words[opening : opening + 1] != ("<",):
            return 0
        return count_lifetimes(self._source.code, self._words.offsets[opening] + 1)

    def _method_use(self, call: MethodCall, regions: Regions) -> PathUse:
        at = call.method
        path = self._read_path(at)
        use = self._use(path, at, regions)
        count = None if use.arguments is None else use.arguments + 1
        names = (*self._scopes.resolve(call.type, use.offset), *path.names)
        return replace(use, path=names, arguments=count, is_const_call=False, wanted="", is_method_call=True)

    def _is_tried(self, opening: int) -> bool:
        """Tell whether a `?` is after the call with that `(`."""
        closing = self._words.closing(opening)
        return self._words.words[closing : closing + 2] == (")", "?")

    def _wanted_type(self, at: int, end: int) -> str:
        """Return the primitive type of the value that a path is, if the code around it says so."""
        words = self._words.words
        before, following = words[at - 1 : at], words[end : end + 1]
        if before == (";",) and following == ("]",):
            return "usize"
        is_value = before == ("=",) and following == (";",) and words[at - 3 : at - 2] == (":",)
        is_declared = is_value and words[at - 5] in ("const", "static", "let", "mut")
        return words[at - 2] if is_declared and words[at - 2] in PRIMITIVE_TYPES else ""

    def _read_fields(self, at: int, opening: int) -> tuple[str, ...] | None:
        """Return the fields between the braces after a path; None unless it is the literal or pattern of a struct."""
        words = self._words.words
        while at and words[at - 1] in ("&", "mut"):
            at -= 1
        if at == 0 or words[at - 1] not in _BEFORE_LITERAL:
            return None
        fields: list[str] = []
        at, closing = opening + 1, self._words.closing(opening)
        while at < closing:
            is_named = NAME.match(words[at]) and words[at + 1] in (":", ",", "}")
            if not is_named and words[at] != "..":
                return None
            fields.append(words[at])
            at = self._words.find(at, closing, (",",)) + 1
        return tuple(fields)

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


@dataclass(frozen=True, slots=True)
class _WrittenPath:
    """A path as the code writes it. `end` is the index after its names, `call` also after their generic arguments."""

    names: Path
    end: int
    generics: tuple[int | None, ...]
    call: int


def _has_closure(words: tuple[str, ...]) -> bool:
    """Tell whether a `|` may begin a closure: one that is not the operator between two values."""
    pairs = zip(("", *words), words, strict=False)
    return any(word == "|" and begins_closure(last) for last, word in pairs)
