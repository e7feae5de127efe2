# SPDX-License-Identifier: GPL-2.0-or-later
"""The C structs that the variables, methods and wrappers of a Rust file are or point to, as far as its text says so.

This is not a type checker. The type of a variable comes from its nearest declaration above, the type of a method from
its signature in the same file, and the struct of a wrapper from its definition. An unclear type is "", because a guess
would blame the wrong struct.
"""

from bisect import bisect_right
from collections.abc import Mapping
from operator import attrgetter
from typing import NamedTuple

from rules.source.rust.tokens import NAME, Tokens

_ADDRESS_METHODS = frozenset(
    ("get", "as_ptr", "as_mut_ptr", "as_ref", "as_mut", "cast", "cast_mut", "cast_const", "raw_get")
)
_CELLS = frozenset(("Opaque", "UnsafeCell"))
_CELL_METHODS = frozenset(("raw_get", "cast_into"))
# What gives the fields or methods of the type in it, through a reference.
_BOXES = frozenset(("KBox", "VBox", "KVBox", "Box", "Arc", "ARef", "NonNull", "ManuallyDrop"))
_SAME_POINTER = (("cast_mut",), ("cast_const",), ("as_ptr",))
_BEFORE_PLACE = frozenset(("unsafe", "{", "&", "*", "mut"))
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_REACH = 600
_STEPS = 2


class _Impl(NamedTuple):
    """An `impl`: the indices of its first and last word, its type, and the number of the `impl` around it, or -1."""

    start: int
    end: int
    name: str
    outer: int


class KnownTypes:
    """What the file says about the types of its variables, methods and wrappers."""

    def __init__(self, words: Tokens, types: Mapping[int, str]) -> None:
        self._words = words
        self._types = types
        self._methods: dict[str, set[str]] = {}  # the structs that functions with a name give
        self._methods_of: dict[tuple[str, str], set[str]] = {}  # the same for a name and the type of its `impl`
        self._references: set[tuple[str, str]] = set()
        self._fields: dict[tuple[str, str], str] = {}
        self._values: dict[tuple[str, str], str] = {}
        self._nested: dict[tuple[str, str], str] = {}
        self._impls: list[_Impl] = []
        self._read()

    def type_of(self, start: int, end: int) -> str:
        """Return the struct that the expression between the indices points to; "" if the file does not say."""
        if end - start > _REACH:
            return ""
        words = self._words.words
        span = [index for index in range(start, end) if index in self._types]
        if span and words[span[0] + 1 : span[0] + 2] != ("(",):
            return self._types[span[-1]]
        while words[start] in ("(", "*", "&", "mut", "raw", "const"):
            start += 1
        if start >= end or not NAME.match(words[start]):
            return ""
        if start + 1 == end:
            return self.variable(words[start], start)
        if words[start + 1] == "::":
            return self._associated(start, start, 0) if self._words.closing(start + 3) == end - 1 else ""
        methods = [words[at + 1] for at in range(start + 1, end - 1) if words[at] == "." and words[at + 2] == "("]
        fields = self._chain(start, end)
        if words[start] == "self" and not fields and methods:
            return self._method(methods[0], start)
        if words[start] == "self" and fields:
            return self._fields.get((self._impl(start), fields[0]), "") if len(fields) == 1 else ""
        if methods and all(method in _ADDRESS_METHODS for method in methods) and not fields:
            return self.variable(words[start], start)
        if methods and not fields and methods[0] in self._methods:
            return self._method(methods[0], start)
        if methods and not fields and _ADDRESS_METHODS.issuperset(methods[:-1]):
            return self._method_of(self._owner(words[start], start), methods[-1])
        return ""

    def reached(self, start: int, end: int, depth: int = 0) -> tuple[str, tuple[str, ...]]:
        """Return the struct of `type_of` or, if there is none, the struct before the last fields, and these fields."""
        struct = self.type_of(start, end)
        words = self._words.words
        if struct or end - start < 3 or depth > _STEPS:
            return struct, ()
        if words[start : start + 2] == ("(", "*"):
            closing = self._words.closing(start)
            chain = self._chain(closing, end)
            if chain and closing + 2 * len(chain) + 1 == end:
                struct, way = self.reached(start + 2, closing, depth + 1)
                return (struct, (*way, *chain)) if struct else ("", ())
        if words[start] == "self":
            chain = self._chain(start, end)
            if len(chain) > 1 and start + 2 * len(chain) + 1 == end:
                struct = self._fields.get((self._impl(start), chain[0]), "")
                return (struct, tuple(chain[1:])) if struct else ("", ())
        return "", ()

    def place(self, name: str, at: int, chain: list[str]) -> tuple[str, int]:
        """Return the C struct that the first fields after a variable lead to, and the number of these fields."""
        owner = self._owner(name, at)
        for passed, field in enumerate(chain, 1):
            if (owner, field) in self._values:
                return self._values[owner, field], passed
            owner = self._nested.get((owner, field), "")
        return "", 0

    def _owner(self, name: str, at: int) -> str:
        """Return the struct of this file that a variable is, borrows or points to; "" if the file does not say."""
        if name == "self":
            return self._impl(at)
        words = self._words.words
        for index in range(at - 1, max(at - _REACH, 0), -1):
            if words[index] == "fn" and words[index + 1] == name:
                return ""
            if words[index] == name and words[index + 1] == ":" and words[index - 1] not in (".", "::"):
                last = self._plain_type(index + 2)
                owner = words[last] if last else ""
                return self._impl(at) if owner == "Self" else owner
        return ""

    def _plain_type(self, at: int) -> int:
        """Return the index of the last word of a path, also behind references, pointers or boxes; 0 for other types."""
        words = self._words.words
        end = at + 24
        while at < end and words[at : at + 1] and (words[at] in ("&", "*", "const", "mut") or words[at] in _BOXES):
            at += 2 if words[at] in _BOXES and words[at + 1 : at + 2] == ("<",) else 1
        while at < end and words[at + 1 : at + 2] == ("::",):
            at += 2
        if not words[at : at + 1] or not NAME.match(words[at]):
            return 0
        following = words[at + 1 : at + 2]
        if following == ("<",):
            return at if at not in self._types else 0
        return at if following and following[0] in (",", ")", "}", ">", "=", ";", "{") else 0

    def _associated(self, at: int, declared: int, steps: int) -> str:
        """Return the struct behind `Type::method(..)` of a type of this file, or a cell's `Opaque::raw_get(..)`."""
        words = self._words.words
        if words[at + 1 : at + 2] != ("::",) or words[at + 3 : at + 4] != ("(",):
            return ""
        owner, method = words[at], words[at + 2]
        if owner in _CELLS:
            inside = at + 4, self._words.closing(at + 3)
            return self._cell(*inside, declared, steps) if method in _CELL_METHODS else ""
        impl = self._impl(at) if owner == "Self" else owner
        return self._method_of(impl, method)

    def _method_of(self, owner: str, method: str) -> str:
        """Return the struct that a method or function of a type of this file returns."""
        return _only(self._methods_of.get((method, owner))) if owner else ""

    def _cell(self, start: int, end: int, declared: int, steps: int) -> str:
        """Return the struct in the cell that `&raw const (*this).a`, `addr_of!((*this).a)` or `p` points to."""
        words = self._words.words[start:end]
        if len(words) == 1 and steps < _STEPS:
            return self.variable(words[0], declared, steps=steps + 1)
        if "addr_of" in words or "addr_of_mut" in words:
            words = words[words.index("!") + 2 : -1] if "!" in words else ()
        words = tuple(word for word in words if word not in ("&", "raw", "const", "mut", "(", ")", "*"))
        if len(words) == 3 and words[1] == ".":
            return self._fields.get((self._owner(words[0], declared), words[2]), "")
        return ""

    def reference(self, method: str, at: int) -> str:
        """Return the struct to which a method of `self` returns a reference; "" if the `impl` does not say so."""
        lends = (method, self._impl(at)) in self._references
        return self._method(method, at) if lends else ""

    def variable(self, name: str, at: int, by_value: bool = False, steps: int = 0) -> str:
        """Return the struct of a variable by its declaration above: `name: *mut bindings::T` or `let name = …`."""
        words = self._words.words
        for index in range(at - 1, max(at - _REACH, 0), -1):
            if words[index] == "fn" and words[index + 1] == name:
                return ""
            if words[index] != name or index + 1 >= len(words) or words[index - 1] in (".", "::"):
                continue
            follows = words[index + 1]
            if follows == ":" and not self._is_label(index):
                return self._annotation(index + 2, by_value)
            if follows == "=" and words[index - 1] in ("let", "mut", "Some", "(") and self._ends_above(index, at):
                return self._initialiser(index + 2, index, steps)
        return ""

    def _is_label(self, at: int) -> bool:
        """Tell whether the name before a colon is that of a field, in a struct or in a literal of one."""
        words = self._words.words
        if words[at - 1] not in (",", "{", "]"):
            return False
        index = at - 1
        while index > max(at - _REACH, 0) and words[index] not in _OPENING:
            index = (self._words.opening(index) if words[index] in _CLOSING else index) - 1
        return words[index] == "{"

    def _ends_above(self, at: int, use: int) -> bool:
        """Tell whether the statement at one index ends before another index, and does not contain it."""
        words = self._words.words
        if ";" not in words[at:use]:
            return False
        return self._words.find(at, use, (";",)) < use

    def _annotation(self, at: int, by_value: bool) -> str:
        words = self._words.words
        depth = 0
        for index in range(at, min(at + 24, len(words))):
            word = words[index]
            if depth == 0 and word in (",", ")", "=", ";", "{", "}", "|"):
                return ""
            depth += (word in "(<[") - (word in ")>]")
            if index in self._types:
                pointer = "*" in words[at:index]
                return "" if by_value and pointer else self._types[index]
        return ""

    def _initialiser(self, at: int, declared: int, steps: int) -> str:
        words = self._words.words
        index = at
        while words[index : index + 1] and words[index] in _BEFORE_PLACE:
            index += 1
        found = self._address(index, declared, steps)
        if found:
            return found
        if words[index + 1 : index + 2] == ("::",) and words[index + 3 : index + 4] == ("(",):
            after = self._words.closing(index + 3) + 1
            is_whole = words[after : after + 1] in (("}",), (";",)) or words[after + 1 : after + 2] in _SAME_POINTER
            found = self._associated(index, declared, steps) if is_whole else ""
            if found:
                return found
        index = at
        while index < min(at + 40, len(words)) and words[index] != ";":
            if index in self._types:
                follows = words[index + 1 : index + 2]
                if follows == ("(",):
                    return f"{self._types[index]}()"  # what that C function returns
                return self._types[index]
            if (
                words[index] == "self"
                and words[index + 1 : index + 2] == (".",)
                and words[index + 3 : index + 4] == ("(",)
            ):
                return self._method(words[index + 2], index)
            index += 1
        return ""

    def _address(self, at: int, declared: int, steps: int) -> str:
        """Return the struct behind `self.field.get()`, `value.as_ptr()`, `value.as_raw()` if it is the whole value."""
        words = self._words.words
        end = at
        while end < min(at + 16, len(words)) and words[end] not in (";", "}"):
            end += 1
        if words[at + 1 : at + 2] != (".",) or words[end - 2 : end] != ("(", ")") or at in self._types:
            return ""
        if words[at] == "self" and end - at in (5, 7) and (end - at == 5 or words[end - 3] in _ADDRESS_METHODS):
            return self.type_of(at, end)
        if end - at != 5:
            return ""
        if words[at + 2] in _ADDRESS_METHODS:
            return self.variable(words[at], declared, steps=steps + 1) if steps < _STEPS else ""
        return self._method(words[at + 2], at)

    def _chain(self, start: int, end: int) -> list[str]:
        words = self._words.words
        fields = []
        at = start + 1
        while at + 1 < end and words[at] == "." and words[at + 2] != "(":
            fields.append(words[at + 1])
            at += 2
        return fields

    def _method(self, name: str, at: int) -> str:
        return _only(self._methods_of.get((name, self._impl(at)))) or _only(self._methods.get(name))

    def _impl(self, at: int) -> str:
        """Return the type of the innermost `impl` around an index; "" if there is none."""
        number = self._last_impl(at)
        return self._impls[number].name if number >= 0 else ""

    def _last_impl(self, at: int) -> int:
        """Return the number of the innermost `impl` around an index, -1 if there is none."""
        number = bisect_right(self._impls, at, key=attrgetter("start")) - 1
        while number >= 0 and self._impls[number].end < at:
            number = self._impls[number].outer
        return number

    def _read(self) -> None:
        words = self._words.words
        for index, word in enumerate(words):
            if word == "impl":
                self._read_impl(index)
            elif word == "struct" and index + 1 < len(words) and NAME.match(words[index + 1]):
                self._read_struct(index)
            elif word == "fn" and index + 1 < len(words):
                self._read_fn(index)

    def _read_impl(self, at: int) -> None:
        words = self._words.words
        opening = next((index for index in range(at, min(at + 120, len(words))) if words[index] == "{"), 0)
        if not opening:
            return
        head = words[at:opening]
        named = head[head.index("for") + 1 :] if "for" in head else head[1:]
        depth = 0
        name = ""
        for word in named:
            if word == "where":
                break
            if word == "<":
                depth += 1
            elif word == ">":
                depth -= 1
            elif depth == 0 and NAME.match(word):
                name = word
                if "for" in head and word not in ("crate", "super", "self", "kernel"):
                    break
        self._impls.append(_Impl(at, self._words.closing(opening), name, self._last_impl(at)))

    def _read_struct(self, at: int) -> None:
        words = self._words.words
        name = words[at + 1]
        opening = next((i for i in range(at, min(at + 80, len(words))) if words[i] in ("{", "(", ";")), 0)
        if not opening or words[opening] == ";":
            return
        end = self._words.closing(opening)
        if end - opening > 2000:
            return
        self._read_values(name, opening, end)
        if words[opening] == "(":
            found = [self._types[index] for index in range(opening, end) if index in self._types]
            if found:
                self._fields[name, "0"] = found[0]
            return
        for index in range(opening + 1, end):
            if words[index] == ":" and NAME.match(words[index - 1]):
                struct = self._annotation(index + 1, by_value=False)
                if struct:
                    self._fields[name, words[index - 1]] = struct

    def _read_values(self, name: str, opening: int, end: int) -> None:
        """Note the fields that hold a C struct, or another struct, and not a pointer or a cell."""
        words = self._words.words
        depth = number = 0
        start = opening + 1
        for index in range(opening + 1, end + 1):
            depth += (words[index] in "([{<") - (words[index] in ")]}>" and index != end)
            if (words[index] == "," and depth == 0) or index == end:
                colon = next((at for at in range(start, index) if words[at] == ":"), None)
                field = words[colon - 1] if colon is not None else str(number)
                at = (
                    colon + 1
                    if colon is not None
                    else next((at for at in range(start, index) if words[at] != "pub"), 0)
                )
                last = self._plain_type(at) if at and "*" not in words[at:index] else 0
                if last in self._types:
                    self._values[name, field] = self._types[last]
                elif last:
                    self._nested[name, field] = words[last]
                start, number = index + 1, number + 1

    def _read_fn(self, at: int) -> None:
        words = self._words.words
        name = words[at + 1]
        for index in range(at, min(at + 160, len(words) - 1)):
            if words[index] in ("{", ";"):
                return
            if words[index] == "->":
                for inner in range(index, min(index + 16, len(words))):
                    if words[inner] in ("{", ";", "where"):
                        return
                    if inner in self._types:
                        impl = self._impl(at)
                        self._methods.setdefault(name, set()).add(self._types[inner])
                        self._methods_of.setdefault((name, impl), set()).add(self._types[inner])
                        if words[index + 1] == "&":
                            self._references.add((name, impl))
                        return


def _only(structs: set[str] | None) -> str:
    """Return the struct if there is exactly one, else ""."""
    return next(iter(structs)) if structs is not None and len(structs) == 1 else ""
