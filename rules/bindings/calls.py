# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the calls between Rust and C: the arguments of calls into C, and the Rust functions that C calls."""

from collections.abc import Iterator
from functools import lru_cache

from rules.bindings.facts import User
from rules.bindings.index import Bindings
from rules.lazy import dataclass, re
from rules.source.c.declarator import split_commas
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import Tokens

_MAX_CALL_LENGTH = 4000  # characters
_MAX_NAME_WORDS = 60  # between `fn` and its parameters
_MAX_RETURN_WORDS = 40
_FIELD_INIT = re.compile(r"^(\w+)\s*:.*\bSome\(\s*+(?:[\w:<>, ]*::)?(\w++)(?:::<[^<>]*+>)?\s*+\)")


@dataclass(frozen=True, slots=True)
class Callback:
    """An `extern "C" fn` of Rust.

    `types` are the types of its parameters and, last, its return type ("" for none); `offsets` are their positions.
    """

    name: str
    offsets: tuple[int, ...]
    types: tuple[str, ...]


def read_arguments(user: User, bindings: Bindings) -> tuple[tuple[str, ...], ...]:
    """Return the words of each argument of the call that begins with the use; empty if it is not a complete call."""
    source = _source(bindings.facts.read(user.path) or b"")
    start = source.offset(user.use.line, user.use.column)
    words = RustSource(source.text[start : start + _MAX_CALL_LENGTH]).tokens
    if words.words[1:2] != ("(",):
        return ()
    end = words.closing(1)
    if words.words[end] != ")":
        return ()
    return tuple(tuple(argument) for argument in split_commas(words.words[2:end]) if argument)


_source = lru_cache(maxsize=1)(RustSource)  # many calls of one file in turn


def is_const_pointer(argument: tuple[str, ...]) -> bool:
    """Tell whether an argument is certainly a `*const`, or a shared reference, which becomes one."""
    if "as" in argument:
        at = len(argument) - 1 - argument[::-1].index("as")
        return argument[at + 1 : at + 3] == ("*", "const") and "(" not in argument[at:]
    if argument[:3] == ("&", "raw", "const") or (argument[0] == "&" and argument[1:2] not in (("mut",), ("raw",))):
        return True
    return argument[-2:] == ("(", ")") and argument[-3:-2] in (("as_char_ptr",), ("cast_const",), ("null",))


def read_callbacks(text: str) -> Iterator[Callback]:
    """Yield the functions with the C calling convention, in the order of the file."""
    words = RustSource(text).tokens
    for index, word in enumerate(words.words):
        if word == "extern" and words.words[index + 1 : index + 2] == ("fn",) and index + 3 < len(words.words):
            opening = _find_word(words, index + 2, index + _MAX_NAME_WORDS, ("(",))
            if opening is not None:
                yield _read_callback(words, index + 2, opening)


def find_field_types(bindings: Bindings, path: str, name: str) -> tuple[str, ...]:
    """Return the C types of the field to which a file assigns the function: parameters, then return type.

    Return nothing unless exactly one type of field is known.
    """
    types: set[tuple[str, ...]] = set()
    for access in bindings.facts.rust(path).accesses:
        match = _FIELD_INIT.match(access.text)
        if match is None or match.group(2) != name or access.chain != (match.group(1),):
            continue
        for located in bindings.declarations(access.struct):
            members = located.declaration.members
            types.update(_split_function_type(member.type) for member in members if member.name == access.chain[0])
    return types.pop() if len(types) == 1 else ()


def _split_function_type(c_type: str) -> tuple[str, ...]:
    returns, pointer, inner = c_type.partition(" (*)(")
    if not pointer or not inner.endswith(")"):
        return ()
    inner = inner.removesuffix(")")
    parts, depth, start = [], 0, 0
    for index, sign in enumerate(inner):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(inner[start:index].strip())
            start = index + 1
    last = inner[start:].strip()
    return (*parts, *((last,) if last else ()), "" if returns == "void" else returns)


def _read_callback(words: Tokens, at: int, opening: int) -> Callback:
    end = words.closing(opening)
    offsets: list[int] = []
    types: list[str] = []
    depth = 0
    start = opening + 1
    for index in range(opening + 1, end + 1):
        word = words.words[index]
        depth += (word in "([{<") - (word in ")]}>" and index != end)
        if (word == "," and depth == 0) or index == end:
            colon = _find_word(words, start, index, (":",))
            if colon is not None:
                offsets.append(words.offsets[colon + 1])
                types.append("".join(words.words[colon + 1 : index]))
            start = index + 1
    has_return_type = words.words[end + 1 : end + 2] == ("->",)
    stop = _find_word(words, end, end + _MAX_RETURN_WORDS, ("{", ";", "where")) or end
    offsets.append(words.offsets[end + 2] if has_return_type else words.offsets[end])
    types.append("".join(words.words[end + 2 : stop]) if has_return_type else "")
    return Callback(words.words[at], tuple(offsets), tuple(types))


def _find_word(words: Tokens, start: int, end: int, wanted: tuple[str, ...]) -> int | None:
    return next((index for index in range(start, min(end, len(words.words))) if words.words[index] in wanted), None)
