# SPDX-License-Identifier: GPL-2.0-or-later
"""When two C types are one type to Rust, and when a call that was right stays right."""

import re
from typing import Final

from rules.bindings.index import Bindings
from rules.source.c.source import Declaration, Kind

# What bindgen and the kernel's ffi crate make of C's integers (`long` is `isize`, `char` is `u8`).
RUST_OF: Final = {
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
_WORDS = re.compile(r"^((?:(?:const |volatile )(?=[\w ]))*+)([\w ]+?)((?: ?[*\[(].*)?)$", re.DOTALL)
_DEEP = 8


def resolved(shown: str, border: Bindings, depth: int = 0) -> str:
    """A canonical C type with its integers and typedefs as Rust sees them; what cannot be resolved stays."""
    if "(*)" in shown:
        return shown
    match = _WORDS.match(shown)
    if match is None:
        return shown
    qualifiers, base, rest = match.groups()
    base = base.strip()
    rest = rest.strip()
    qualifiers = qualifiers if "*" in rest or "[" in rest else ""
    if base in RUST_OF:
        return f"{qualifiers}{RUST_OF[base]}{rest}"
    if " " in base or depth >= _DEEP:
        return f"{qualifiers}{base}{rest}"
    for one in border.declared(base):
        if one.declaration.kind is Kind.TYPEDEF and one.declaration.type != shown:
            target = resolved(one.declaration.type, border, depth + 1)
            if "(" not in target and "[" not in target:
                return f"{qualifiers}{target}{rest}"
    return f"{qualifiers}{base}{rest}"


def same(before: str, after: str, old: Bindings, new: Bindings) -> bool:
    """Whether a type stays the same one for Rust."""
    return before == after or resolved(before, old) == resolved(after, new)


def const_lost(before: Declaration, after: Declaration, old: Bindings, new: Bindings) -> tuple[int, ...] | None:
    """The parameters that only lose their `const`; None where Rust code that calls the one cannot call the other.

    A `*mut` may be passed for a `*const`, and be taken for one when it is returned: nothing else moves.
    """
    if len(before.parameters) != len(after.parameters):
        return None
    if not same(before.type, after.type, old, new) and not _only_const_added(after.type, before.type):
        return None
    lost: list[int] = []
    for index, (one, other) in enumerate(zip(before.parameters, after.parameters, strict=True)):
        if same(one, other, old, new) or _only_const_added(one, other):
            continue
        if not _only_const_added(other, one):
            return None
        lost.append(index)
    return tuple(lost)


def c_call_stands(before: Declaration, after: Declaration, old: Bindings, new: Bindings) -> bool:
    """Whether C code that calls the one, a helper, can call the other: C converts integers, Rust does not."""
    if after.kind is Kind.MACRO_FUNCTION:
        return "..." in str(after.parameters) or len(after.parameters) == len(before.parameters)
    if after.kind is Kind.MACRO or before.kind in (Kind.MACRO, Kind.MACRO_FUNCTION):
        return before.kind is not Kind.MACRO_FUNCTION or len(before.parameters) in (len(after.parameters), 0)
    if len(before.parameters) != len(after.parameters) or (before.type == "void") != (after.type == "void"):
        return False
    pairs = ((before.type, after.type), *zip(before.parameters, after.parameters, strict=True))
    return all(_c_converts(one, other) or same(one, other, old, new) for one, other in pairs)


def _c_converts(before: str, after: str) -> bool:
    """Whether C takes the one for the other without a word: integers, `const` added, `void *`."""
    if "*" in before or "*" in after:
        bare = before.replace("const ", ""), after.replace("const ", "")
        return _only_const_added(before, after) or ("*" in before and "*" in after and "void *" in bare)
    return before.startswith(("struct ", "union ")) == after.startswith(("struct ", "union "))


def only_const_differs(before: str, after: str) -> bool:
    """Whether two pointer types differ in nothing but a `const`."""
    return before != after and "(*)" not in after and before.replace("const ", "") == after.replace("const ", "")


def _only_const_added(before: str, after: str) -> bool:
    return "(*)" not in after and "*" in before and after.replace("const ", "", 1) == before
