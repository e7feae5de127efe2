# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide whether an unchanged access in Rust stays valid after the type of a field changes."""

from rules.bindings.abi import RUST_TYPES, differs_only_in_const, is_same_type, resolve_type
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.facts import MemberUser
from rules.bindings.index import Bindings, struct_of
from rules.lazy import re
from rules.source.c.source import Kind, Member

_DEFAULT = re.compile(r":\s*+Default::default\(\),?$")
_ZEROED = re.compile(r"\bzeroed\(\),?$")
_MUTABLE = re.compile(r"\bcast_mut\(\)|\bas \*mut\b|&raw mut\b|&mut\b")
_NO_POINTER = re.compile(r":\s*(?:None|(?:(?:core::|::core::)?ptr::)?null(?:_mut)?\(\)),?$")


def is_valid_after(user: MemberUser, before: Member, after: Member, diff: BindingsDiff) -> bool:
    """Tell whether an access to a field stays valid after the change of its type."""
    text = user.access.text
    zeroed = _ZEROED.search(text)
    if _DEFAULT.search(text) or (zeroed is not None and ":" in text[: zeroed.start()]):
        return True
    if _NO_POINTER.search(text):
        return not (_is_array(after) or _is_value(resolve_type(after.type, diff.after)))
    if "(*)" in after.type and (user.path in diff.known_paths or user.path in diff.changed_lines):
        return True  # the series changes the file, so the callback may change too
    if differs_only_in_const(before.type, after.type) and _is_written(text, before.name):
        return "const" in after.type or _MUTABLE.search(text) is not None
    return _has_same_inner_field(user, before, after, diff)


def _is_array(field: Member) -> bool:
    return field.type.endswith("]")


def _is_value(rust_type: str) -> bool:
    """Tell whether a resolved type is certainly not a pointer."""
    return "*" not in rust_type and (rust_type.startswith(("struct ", "union ")) or rust_type in RUST_TYPES.values())


def _is_written(text: str, name: str) -> bool:
    last_name = re.escape(name.rpartition(".")[2])
    return re.search(rf"\b{last_name}(?:\s*:\s|\s*,$|\s*=[^=])", text) is not None


def _has_same_inner_field(user: MemberUser, before: Member, after: Member, diff: BindingsDiff) -> bool:
    """Tell whether the fields that the access reads within the changed field keep their type."""
    chain = user.access.chain
    last_name = before.name.rpartition(".")[2]
    inner = chain[chain.index(last_name) + 1 :] if last_name in chain else ()
    if not inner or _is_array(before) != _is_array(after):
        return False
    old = _inner_type(diff.before, struct_of(before.type), inner)
    new = _inner_type(diff.after, struct_of(after.type), inner)
    return bool(old) and bool(new) and is_same_type(old, new, diff.before, diff.after)


def _inner_type(bindings: Bindings, struct: str, chain: tuple[str, ...]) -> str:
    """Return the type of the last field in a chain; "" if a field is unknown."""
    c_type = ""
    for name in chain:
        if name.startswith("__bindgen_anon"):
            continue
        types = (
            member.type
            for located in bindings.declarations(struct)
            if located.declaration.kind in (Kind.STRUCT, Kind.UNION)
            for member in located.declaration.members
            if member.name.rpartition(".")[2] == name
        )
        c_type = next(types, "")
        if not c_type:
            return ""
        struct = struct_of(c_type)
    return c_type
