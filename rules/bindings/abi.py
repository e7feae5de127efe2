# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide whether Rust sees two C types as one type, and whether a call stays valid after a change."""

from typing import Final

from rules.bindings.index import Bindings
from rules.lazy import re
from rules.source.c.declarator import SPECIFIERS, canonical_type
from rules.source.c.source import MACROS, Declaration, Kind

# The Rust types that bindgen and the kernel's ffi crate use for C integers.
RUST_TYPES: Final = {
    "void": "()",
    "bool": "bool",
    "char": "u8",
    "signed char": "i8",
    "unsigned char": "u8",
    "u8": "u8",
    "s8": "i8",
    "short": "i16",
    "unsigned short": "u16",
    "u16": "u16",
    "s16": "i16",
    "int": "i32",
    "unsigned": "u32",
    "u32": "u32",
    "s32": "i32",
    "long": "isize",
    "unsigned long": "usize",
    "size_t": "usize",
    "ssize_t": "isize",
    "ptrdiff_t": "isize",
    "uintptr_t": "usize",
    "long long": "i64",
    "unsigned long long": "u64",
    "u64": "u64",
    "s64": "i64",
}
_FUNCTION = re.compile(r"([^()]*+)(\(\*\)|)\(([^()]*+)\)([\[\]*]*+)")
_TYPE = re.compile(r"^((?>(?:const |volatile )(?=[\w ]))*+)([\w ]+?)((?: ?[*\[(].*)?)$", re.DOTALL)
_SLOT_END = re.compile(r"([(),])")
_TYPE_TOKEN = re.compile(r"(?:struct|union|enum) \w+|\w+|\[[^\[\]]*+\]|[^\s\w]")
_MAX_DEPTH = 8  # typedefs of typedefs
_PARAMETER_DEPTH = 4  # where the types of parameters begin; functions among them are not resolved


def resolve_type(c_type: str, bindings: Bindings, depth: int = 0) -> str:
    """Replace the integers and typedefs in a canonical C type by the types that Rust sees. Unknown names stay."""
    if "(" in c_type:
        return _resolve_function(c_type, bindings) if depth < _PARAMETER_DEPTH else c_type
    match = _TYPE.match(c_type)
    if match is None:
        return c_type
    qualifiers, base, rest = match.groups()
    base = base.strip()
    rest = rest.strip()
    qualifiers = qualifiers if "*" in rest or "[" in rest else ""
    if base in RUST_TYPES:
        return f"{qualifiers}{RUST_TYPES[base]}{rest}"
    if " " in base or depth >= _MAX_DEPTH:
        return f"{qualifiers}{base}{rest}"
    for located in bindings.declarations(base):
        declared = located.declaration.type
        if located.declaration.kind is not Kind.TYPEDEF or declared == c_type:
            continue
        if "(" in declared:
            function = _derive_function(declared, rest) if depth < _PARAMETER_DEPTH else ""
            return _resolve_function(function, bindings) if function else f"{qualifiers}{base}{rest}"
        target = resolve_type(declared, bindings, depth + 1)
        if not rest or ("(" not in target and "[" not in target):
            return f"{qualifiers}{target}{rest}"
    return f"{qualifiers}{base}{rest}"


def _derive_function(declared: str, rest: str) -> str:
    """Return the canonical type of what has the type of a typedef of functions, a `*` or the size of an array.

    The canonical type of an array of pointers has no size. Return "" for other types.
    """
    if not rest:
        return declared
    match = _FUNCTION.fullmatch(declared)
    if match is None or match[4] or rest[0] != ("[" if match[2] else "*") or "*" in rest[1:]:
        return ""
    return f"{declared}[]" if match[2] else f"{match[1]}(*)({match[3]}){'[]' if '[' in rest else ''}"


def _resolve_function(c_type: str, bindings: Bindings) -> str:
    """Resolve the result and the parameters of a function or a pointer to one, unless they are functions too."""
    match = _FUNCTION.fullmatch(c_type)
    if match is None:
        return c_type
    result, pointer, parameters, suffix = match.groups()
    first, *types = (
        resolve_type(part, bindings, _PARAMETER_DEPTH) for part in (result.strip(), *parameters.split(", "))
    )
    return f"{first} {pointer}({', '.join(types)}){suffix}"


def is_same_type(before: str, after: str, old: Bindings, new: Bindings) -> bool:
    """Tell whether a type stays the same for Rust. Unknown annotations do not change it."""
    return (
        before == after
        or resolve_type(before, old) == resolve_type(after, new)
        or _differs_only_in_annotations(before, after)
    )


def _differs_only_in_annotations(before: str, after: str) -> bool:
    """Tell whether only words are added or removed beside the same type: macros for compilers and checkers.

    A type keyword, a tag, a parameter and the size of an array are no such words.
    """
    if "typeof" in before or "typeof" in after:
        return True  # unclear
    slots = _SLOT_END.split(before), _SLOT_END.split(after)
    if len(slots[0]) != len(slots[1]):
        return False
    return all(
        old_slot == new_slot or _has_same_type_words(old_slot, new_slot)
        for old_slot, new_slot in zip(*slots, strict=True)
    )


def _has_same_type_words(before: str, after: str) -> bool:
    old, new = _TYPE_TOKEN.findall(before), _TYPE_TOKEN.findall(after)
    common = set(old) & set(new)
    kept = [[token for token in tokens if token in common or not _is_plain_word(token)] for tokens in (old, new)]
    return canonical_type(kept[0]) == canonical_type(kept[1]) and any(
        token[0].isalpha() or token[0] == "_" for token in kept[0]
    )


def _is_plain_word(token: str) -> bool:
    return token.isidentifier() and token not in SPECIFIERS


def find_lost_consts(before: Declaration, after: Declaration, old: Bindings, new: Bindings) -> tuple[int, ...] | None:
    """Return the indexes of the parameters that only lose their `const`; None if calls from Rust become invalid.

    Rust code can pass a `*mut` for a `*const`, and use a returned `*mut` as a `*const`. Every other change is invalid.
    """
    if len(before.parameters) != len(after.parameters):
        return None
    if not is_same_type(before.type, after.type, old, new) and not _adds_only_const(after.type, before.type):
        return None
    lost: list[int] = []
    for index, (old_type, new_type) in enumerate(zip(before.parameters, after.parameters, strict=True)):
        if is_same_type(old_type, new_type, old, new) or _adds_only_const(old_type, new_type):
            continue
        if not _adds_only_const(new_type, old_type):
            return None
        lost.append(index)
    return tuple(lost)


def is_c_call_valid(before: Declaration, after: Declaration, old: Bindings, new: Bindings) -> bool:
    """Tell whether a helper that calls `before` can call `after`: C converts integers, Rust does not."""
    if after.kind is Kind.MACRO_FUNCTION:
        return "..." in str(after.parameters) or len(after.parameters) == len(before.parameters)
    if after.kind is Kind.MACRO or before.kind in MACROS:
        return before.kind is not Kind.MACRO_FUNCTION or len(before.parameters) in (len(after.parameters), 0)
    if len(before.parameters) != len(after.parameters):
        return False
    if (before.type == "void") != (after.type == "void") and not is_same_type(before.type, after.type, old, new):
        return False
    pairs = ((before.type, after.type), *zip(before.parameters, after.parameters, strict=True))
    return all(_c_converts(*pair) or is_same_type(*pair, old, new) for pair in pairs)


def _c_converts(before: str, after: str) -> bool:
    """Tell whether C converts the types implicitly: integers, an added `const`, `void *`."""
    if "*" in before or "*" in after:
        unqualified = before.replace("const ", ""), after.replace("const ", "")
        return _adds_only_const(before, after) or ("*" in before and "*" in after and "void *" in unqualified)
    return before.startswith(("struct ", "union ")) == after.startswith(("struct ", "union "))


def differs_only_in_const(before: str, after: str) -> bool:
    """Tell whether two pointer types differ only in a `const`."""
    return before != after and "(*)" not in after and before.replace("const ", "") == after.replace("const ", "")


def _adds_only_const(before: str, after: str) -> bool:
    return "(*)" not in after and "*" in before and after.replace("const ", "", 1) == before
