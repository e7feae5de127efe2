# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust code that goes along with a field's new type, though its line stays as it is."""

import re

from rules.bindings.abi import RUST_OF, only_const_differs, resolved, same
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.index import Bindings, struct_of
from rules.bindings.located import MemberUser
from rules.source.c.source import Kind, Member

# Values that take whatever type the field has, null pointers whatever pointer it is.
_ANY_TYPE = re.compile(r":\s*+(?:None|Default::default\(\)),?$")
_ZEROED = re.compile(r"\bzeroed\(\),?$")
_MUTABLE = re.compile(r"\bcast_mut\(\)|\bas \*mut\b|&raw mut\b|&mut\b")
_NULL = re.compile(r":\s*(?:(?:core::|::core::)?ptr::)?null(?:_mut)?\(\),?$")


def follows(user: MemberUser, before: Member, after: Member, change: BindingsDiff) -> bool:
    """Whether the access stands: a value of any type, a callback whose file the series changes, an inner field."""
    text = user.access.text
    zeroed = _ZEROED.search(text)
    if _ANY_TYPE.search(text) or (zeroed is not None and ":" in text[: zeroed.start()]):
        return True
    if _NULL.search(text):
        return not _is_plain(resolved(after.type, change.after))
    if "(*)" in after.type and (user.path in change.known or user.path in change.shown):
        return True  # the callback may have changed with it
    if only_const_differs(before.type, after.type) and _writes(text, before.name):
        return "const" in after.type or _MUTABLE.search(text) is not None
    return _reaches_the_same(user, before, after, change)


def _is_plain(shown: str) -> bool:
    """Whether a resolved type is surely no pointer."""
    return "*" not in shown and (shown.startswith(("struct ", "union ")) or shown in RUST_OF.values())


def _writes(text: str, name: str) -> bool:
    short = re.escape(name.rpartition(".")[2])
    return re.search(rf"\b{short}(?:\s*:\s|\s*,$|\s*=[^=])", text) is not None


def _reaches_the_same(user: MemberUser, before: Member, after: Member, change: BindingsDiff) -> bool:
    """Whether the fields behind the changed one are there as before."""
    chain = user.access.chain
    short = before.name.rpartition(".")[2]
    inner = chain[chain.index(short) + 1 :] if short in chain else ()
    if not inner:
        return False
    old = _type_behind(change.before, struct_of(before.type), inner)
    new = _type_behind(change.after, struct_of(after.type), inner)
    return bool(old) and bool(new) and same(old, new, change.before, change.after)


def _type_behind(border: Bindings, struct: str, chain: tuple[str, ...]) -> str:
    """The type of the last field of the chain; "" if it cannot be followed."""
    shown = ""
    for name in chain:
        if name.startswith("__bindgen_anon"):
            continue
        found = [
            member.type
            for one in border.declared(struct)
            if one.declaration.kind in (Kind.STRUCT, Kind.UNION)
            for member in one.declaration.members
            if member.name.rpartition(".")[2] == name
        ]
        if not found:
            return ""
        shown = found[0]
        struct = struct_of(shown)
    return shown
