# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the method calls on variables and fields whose type the file states.

These are parameters and variables of a `let` with a type, if the function binds the name only once, and fields of
`self`, if their struct is in the file.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from rules.lazy import dataclass, field
from rules.source.rust.code_regions import begins_closure
from rules.source.rust.functions import read_parameters, split_at_commas
from rules.source.rust.tokens import NAME, Path, Tokens

_NO_TYPE = frozenset(("dyn", "impl", "fn", "for", "unsafe", "extern", "Self"))
_BEFORE_NAME = frozenset((".", "::", "$"))
_BOXES = frozenset(("ARef", "Arc", "KBox"))
_BOX_METHODS = frozenset(
    (
        *("as_mut", "as_ref", "borrow", "borrow_mut", "clone", "cmp", "deref", "deref_mut", "eq", "fmt", "hash"),
        *("into", "ne", "partial_cmp", "try_into", "as_arc_borrow", "init_with", "into_raw", "write"),
    )
)
_TYPES = ("struct", "enum", "union")
_BEFORE_VALUE = frozenset(("else", "return", "in", "break", "move", "match", "while", "if"))
_CALLED = (("(",), ("::",))
_MAX_BOXES = 4
_MAX_PATTERN = 200  # words
_MAX_HEAD = 200  # words between the name of a function and its body


class MethodCall(NamedTuple):
    """A call on a variable or field: the type that the file states for it, and the index of the method's name."""

    type: Path
    method: int


class _FieldCall(NamedTuple):
    """A call on `self.field`: the type of the impl around it, the name of the field, and the index of that name."""

    type: str
    name: str
    at: int


@dataclass(slots=True)
class _Function:
    """A function with the types of its variables, and how often it binds each name.

    `end` is the index of its `}`. `closure` is the index after the parameters of the last closure: another may begin
    there.
    """

    end: int = -1
    types: dict[str, Path] = field(default_factory=dict)
    bound: Counter[str] = field(default_factory=Counter)
    calls: list[tuple[int, str]] = field(default_factory=list)
    closure: int = -1


def find_method_calls(tokens: Tokens) -> dict[int, MethodCall]:
    """Return the calls by the index of the variable or field."""
    calls = {at: call for function in _read_functions(tokens) for at, call in _calls_of(function)}
    if "self" in tokens.words:
        calls |= _find_field_calls(tokens)
    return {at: call for at, call in calls.items() if not _is_unclear(call, tokens)}


def _is_unclear(call: MethodCall, tokens: Tokens) -> bool:
    """Tell whether there is no type, or whether a box around it may have a method of that name."""
    return not call.type or tokens.words[call.method] in _BOX_METHODS


def _calls_of(function: _Function) -> Iterator[tuple[int, MethodCall]]:
    for at, name in function.calls:
        if function.bound[name] == 1 and name in function.types:
            yield at, MethodCall(function.types[name], at + 2)


def _find_field_calls(tokens: Tokens) -> dict[int, MethodCall]:
    words = tokens.words
    fields: dict[tuple[str, str], Path] = {}
    calls: list[_FieldCall] = []
    declared = Counter(words[at + 1] for at in range(len(words) - 1) if words[at] in _TYPES)
    around: list[tuple[int, str]] = []  # where each `impl` ends, and its type
    struct_end = -1
    for at, word in enumerate(words):
        while around and around[-1][0] < at:
            around.pop()
        if word in ("struct", "impl"):
            opening = _pattern_end(tokens, at, ("{", "(", ";"))
            if word == "struct" and words[opening : opening + 1] == ("{",) and at > struct_end:
                struct_end = tokens.closing(opening)
                for name, typed in _read_fields(words[opening + 1 : struct_end]):
                    key = words[at + 1], name
                    fields[key] = typed if fields.get(key, typed) == typed else ()
            elif word == "impl" and words[opening : opening + 1] == ("{",):
                around.append((tokens.closing(opening), _type_name(words[at + 1 : opening])))
        elif word == "self" and around and _is_field_call(words[at + 1 : at + 6]):
            calls.append(_FieldCall(around[-1][1], words[at + 2], at + 2))
    return {
        call.at: MethodCall(fields.get((call.type, call.name), ()), call.at + 2)
        for call in calls
        if declared[call.type] == 1
    }


def _is_field_call(words: tuple[str, ...]) -> bool:
    """Tell whether words after `self` name a field and call a method of it: `.field.method(`."""
    return words[0::2][:2] == (".", ".") and words[4:] in _CALLED


def _read_fields(words: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for part in split_at_commas(words):
        if ":" in part and part.index(":"):
            colon = part.index(":")
            yield part[colon - 1], _path_of(tuple(part[colon + 1 :]))


def _type_name(words: tuple[str, ...]) -> str:
    """Return the name of the type in the head of an `impl`, also behind a reference; "" for another type."""
    depth, names = 0, list[str]()
    for word in words[: words.index("where") if "where" in words else len(words)]:
        depth += (word == "<") - (word == ">")
        if word == "for":
            names.clear()
        elif depth == 0 and word not in (">", "&", "mut"):
            names.append(word)
    return names[0] if len(names) == 1 else ""


def _read_functions(tokens: Tokens) -> Iterator[_Function]:
    words = tokens.words
    functions: dict[int, _Function] = {}  # by the index of the `{` of their bodies
    around: list[_Function] = []
    for at, word in enumerate(words):
        while around and around[-1].end < at:
            yield around.pop()
        if word == "fn" and NAME.match(words[at + 1] if at + 1 < len(words) else ""):
            functions.update(_read_head(tokens, at + 2))
        elif word == "{" and at in functions:
            around.append(functions.pop(at))
        elif around:
            _read_word(tokens, at, around[-1])
    yield from reversed(around)


def _read_head(tokens: Tokens, at: int) -> Iterator[tuple[int, _Function]]:
    """Yield a function with its parameters, and the index of its body, if it has one."""
    words, depth, end = tokens.words, 0, min(at + _MAX_HEAD, len(tokens.words))
    while at < end and (depth or words[at] != "("):
        depth += (words[at] == "<") - (words[at] == ">")
        at += 1
    if at >= end:
        return
    closing = tokens.closing(at)
    opening = next((index for index in range(closing, min(closing + _MAX_HEAD, len(words))) if words[index] in "{;"), 0)
    if opening and words[opening] == "{":
        function = _Function(tokens.closing(opening))
        for name, typed in read_parameters(words[at + 1 : closing]).items():
            function.types[name] = _path_of(typed)
        function.bound.update(tuple(function.types))
        yield opening, function


def _read_word(tokens: Tokens, at: int, function: _Function) -> None:
    words = tokens.words
    word = words[at]
    if word == "let":
        end = _pattern_end(tokens, at + 1, ("=", ";"))
        name = at + 2 if words[at + 1 : at + 2] == ("mut",) else at + 1
        is_typed = words[name + 1 : name + 2] == (":",)
        function.bound.update(words[name : name + 1] if is_typed else words[at + 1 : end])
        if is_typed:
            function.types[words[name]] = _path_of(words[name + 2 : end])
    elif word == "for":
        function.bound.update(words[at + 1 : _pattern_end(tokens, at + 1, ("in",))])
    elif word == "|" and (begins_closure(words[at - 1]) or at == function.closure):
        end = _pattern_end(tokens, at + 1, ("|",))
        function.closure = end + 1
        function.bound.update(words[at + 1 : end])
    elif word == "=>" or (word == "if" and _is_guard(words[at - 1])):
        function.bound.update(_arm_words(tokens, at))
    elif word == "." and at > 1 and NAME.match(words[at - 1]) and words[at - 2] not in _BEFORE_NAME:
        is_call = at + 2 < len(words) and words[at + 2] in ("(", "::") and NAME.match(words[at + 1])
        if is_call:
            function.calls.append((at - 1, words[at - 1]))


def _is_guard(last: str) -> bool:
    """Tell whether an `if` after a word follows the pattern of an arm. After `}` it may also be a statement."""
    return last in (")", "]") or (NAME.match(last) is not None and last not in _BEFORE_VALUE)


def _pattern_end(tokens: Tokens, at: int, ends: tuple[str, ...]) -> int:
    last = min(at + _MAX_PATTERN, len(tokens.words))
    return next((index for index in range(at, last) if tokens.words[index] in ends), last)


def _arm_words(tokens: Tokens, at: int) -> tuple[str, ...]:
    """Return the words of the pattern and guard of an arm of a `match` before its `=>`."""
    words, start = tokens.words, at
    while start > max(at - _MAX_PATTERN, 0) and words[start - 1] not in (",", "{", "}", ";"):
        start = tokens.opening(start - 1) if words[start - 1] in (")", "]") else start - 1
    if words[start - 1] == "}":
        start = tokens.opening(start - 1)  # the pattern of a struct, or the arm before
    return words[max(start, at - _MAX_PATTERN) : at]


def _path_of(words: tuple[str, ...]) -> Path:
    """Return the path of a type without its generic arguments; empty for another type.

    The type may be behind references and boxes.
    """
    for _ in range(_MAX_BOXES):
        start = next((at for at, word in enumerate(words) if word not in ("&", "mut", "::", ",")), len(words))
        end = words.index("<") if "<" in words else len(words)
        if not end or words[end - 1] not in _BOXES or words[-1] != ">":
            break
        words = words[end + 1 : -1]
    names, depth = words[start:end], 0
    for index in range(end, len(words)):
        depth += (words[index] == "<") - (words[index] == ">")
        if depth == 0 and index + 1 < len(words):
            return ()
    is_path = len(names) % 2 == 1 and all(map(NAME.match, names[::2])) and set(names[1::2]) <= {"::"}
    return names[::2] if is_path and _NO_TYPE.isdisjoint(names) else ()
