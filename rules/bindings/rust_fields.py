# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields of C structs in Rust code, with the struct if the text around them names it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rules.bindings.known_types import KnownTypes
from rules.source.rust.tokens import NAME, Tokens

_FIELD_MACROS = frozenset(("offset_of", "container_of", "clist_create", "field", "project", "try_project"))
_OPENING = frozenset("([{")
_UNION_REFERENCES = (("as_ref", "(", ")"), ("as_mut", "(", ")"))  # of bindgen's `__BindgenUnionField`
_MAX_CHAIN = 32  # fields of an expression
_MAX_ARGUMENTS = 500  # words of the arguments of a macro
ANONYMOUS: Final = "__bindgen_anon"
"""How the names begin that bindgen gives to members without a name."""


def accesses(words: Tokens, types: Mapping[int, str]) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield each field access: the struct ("" if unknown), the chain of fields, the index of the chain's first word.

    `types` says which words name C types. A file without any has no accesses.
    """
    if not types:
        return
    known = KnownTypes(words, types)
    for index, word in enumerate(words.words):
        if word == "{" and index - 1 in types:
            yield from _literal(words, index, types[index - 1])
        elif word == "{" and index - 4 in types and (words.words[index - 3], words.words[index - 1]) == ("=", "!"):
            yield from _fields_of_literal(words, _starts(words, index), types[index - 4])
        elif word == "!" and index and words.words[index - 1] in _FIELD_MACROS:
            yield from _macro(words, index, types)
        elif word == ".":
            yield from _access(words, index, known)
        elif word == "::" and index - 1 in types and words.words[index + 2 : index + 3] == ("(",):
            yield from _raw_accessor(words, index, types[index - 1])


def _literal(words: Tokens, opening: int, struct: str) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield the fields of `bindings::T { a: …, b, ..rest }`, and `{}` without a rest; a block after a type has none."""
    before = opening - 1
    while before > 0 and (words.words[before] in ("::", "&") or NAME.match(words.words[before])):
        before -= 1
        if words.words[before] in ("impl", "for", "struct", "enum", "union", "unsafe"):
            return
    if words.words[before] in ("->", "*", "+"):
        return
    starts = list(_starts(words, opening))
    yield from _fields_of_literal(words, starts, struct)
    if words.closing(opening) > opening + 1 and not any(words.words[start] == ".." for start in starts):
        yield struct, ("{}",), opening - 1


def _fields_of_literal(words: Tokens, starts: Iterable[int], struct: str) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield the fields of a literal `{ a: …, #[cfg(X)] b }`, also of one in a macro, as in `fields! { a: … }`."""
    for index in starts:
        word = words.words[index]
        if NAME.match(word) and words.words[index + 1] in (":", ",", "}", "<"):
            yield struct, (word,), index


def _starts(words: Tokens, opening: int) -> Iterator[int]:
    """Yield the indices of the first words of what the commas between two brackets separate, without attributes."""
    index, end = opening + 1, words.closing(opening)
    while index < end:
        while index < end and words.words[index] == "#" and words.words[index + 1] == "[":
            index = words.closing(index + 1) + 1
        if index < end:
            yield index
        while index < end and words.words[index] != ",":
            index = words.closing(index) + 1 if words.words[index] in _OPENING else index + 1
        index += 1


def _macro(words: Tokens, bang: int, types: Mapping[int, str]) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield the fields of `offset_of!(bindings::T, a.b)` and `container_of!(pointer, bindings::T, a)`."""
    if bang + 1 >= len(words.words) or words.words[bang + 1] not in ("(", "[", "{"):
        return
    end = min(words.closing(bang + 1), bang + 1 + _MAX_ARGUMENTS)
    for index in range(bang + 2, end):
        if index in types and words.words[index + 1] == ",":
            chain = []
            at = index + 2
            while at < end and NAME.match(words.words[at]):
                chain.append(words.words[at])
                if words.words[at + 1] != ".":
                    break
                at += 2
            if chain:
                yield types[index], tuple(chain), index + 2


def _access(words: Tokens, dot: int, known: KnownTypes) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """`(*expr).a.b`, `value.a` where the type of `value` is a C struct, both also with `.as_ref()` of a union."""
    all_words = words.words
    before = all_words[dot - 1] if dot else ""
    if dot > 1 and all_words[dot - 2] == "." and NAME.match(before):
        return  # The chain begins further left.
    chain: list[str] = []
    at = dot
    while (
        at + 1 < len(all_words) and all_words[at] == "." and NAME.match(all_words[at + 1]) and len(chain) < _MAX_CHAIN
    ):
        if at + 2 < len(all_words) and all_words[at + 2] in ("(", "::"):
            if not chain or not chain[-1].startswith(ANONYMOUS) or all_words[at + 1 : at + 4] not in _UNION_REFERENCES:
                break
            at += 4
            continue
        chain.append(all_words[at + 1])
        at += 2
    if not chain and not (chain := _accessor(all_words, dot)):
        return
    if before == ")":
        opening = words.opening(dot - 1)
        if all_words[opening + 1] == "*":
            struct, way = known.reached(opening + 2, dot - 1)
            passed = 0
            if not struct and opening + 3 == dot - 1:
                struct, passed = known.place(all_words[opening + 2], opening + 2, chain)
            if (struct or chain[-1] != "()") and passed < len(chain):
                yield struct, (*way, *chain[passed:]), dot + 1 + 2 * passed
        elif opening > 3 and all_words[opening - 3 : opening - 1] == ("self", ".") and all_words[opening - 4] != ".":
            struct = known.reference(all_words[opening - 1], opening)
            if struct:
                yield struct, tuple(chain), dot + 1
    else:
        yield from _value_access(words, dot, chain, known)


def _value_access(
    words: Tokens, dot: int, chain: list[str], known: KnownTypes
) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """`value.a` and `self.field.a`, where the value or the field of a struct of this file is a C struct."""
    all_words = words.words
    before = all_words[dot - 1] if dot else ""
    if NAME.match(before) and (dot < 2 or all_words[dot - 2] not in (".", "::", ")")):
        struct = known.variable(before, dot - 1, by_value=True) if before != "self" else ""
        passed = 0
        if not struct:
            struct, passed = known.place(before, dot - 1, chain)
        if struct and passed < len(chain):
            yield struct, tuple(chain[passed:]), dot + 1 + 2 * passed
    elif before.isdigit() and dot > 2 and all_words[dot - 2] == "." and all_words[dot - 4 : dot - 3] != (".",):
        struct, passed = known.place(all_words[dot - 3], dot - 3, [before, *chain])
        if struct and passed <= len(chain):
            yield struct, tuple(chain[passed - 1 :]), dot - 1 + 2 * passed


def _raw_accessor(words: Tokens, colons: int, struct: str) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """`bindings::T::set_a_raw(pointer, value)`: each field whose accessor that may be."""
    name = words.words[colons + 1].removeprefix("set_")
    for field in dict.fromkeys((name, name.removesuffix("_raw"))):
        yield struct, (field, "()"), colons + 1


def _accessor(words: tuple[str, ...], dot: int) -> list[str]:
    """The bitfield whose accessor may be called: `.set_NAME(value)`, and `(*pointer).NAME()`."""
    name = words[dot + 1] if words[dot + 2 : dot + 3] == ("(",) else ""
    if name.startswith("set_"):
        return [name.removeprefix("set_"), "()"]
    return [name, "()"] if NAME.match(name) and words[dot + 3 : dot + 4] == (")",) and words[dot - 1] == ")" else []
