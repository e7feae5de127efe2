# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the C types that Rust uses, before and after a series."""

from collections.abc import Iterator

from rules.bindings.abi import RUST_TYPES, is_same_type, resolve_type
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_name import ChangedName
from rules.bindings.compare_fields import compare_fields
from rules.bindings.facts import MemberUser, User
from rules.bindings.index import Bindings
from rules.source.c.source import AGGREGATES, Declaration, Kind

TAGGED_TYPES = (*AGGREGATES, Kind.ENUM)


def compare_structs(subject: ChangedName) -> Iterator[Breakage]:
    """Find what a changed struct, union or enum breaks, also through its fields."""
    old, new = subject.old(TAGGED_TYPES), subject.new(TAGGED_TYPES)
    if new:
        if old[0].kind is not Kind.ENUM:
            yield from compare_fields(subject, old, new)
        return
    users = subject.unchanged.users(subject.diff.before.users(subject.name))
    if not users:
        return
    typedefs = subject.new((Kind.TYPEDEF,))
    members = _users_of_all_members(subject, old[0])
    if typedefs:  # Rust may pass a number on as it does a struct
        if members and _is_scalar(typedefs[0], subject.diff.after):
            yield subject.breakage(Effect.TYPE, old[0], typedefs[0], members=members)
        return
    if not subject.new((Kind.OPAQUE,)) and not _is_declared_anywhere(subject):
        yield subject.breakage(Effect.REMOVED, old[0], None, users, members=members)
        return
    by_value = tuple(user for user in users if not is_behind_pointer(user, subject.name))
    if members or by_value:
        effect = Effect.UNREACHED if subject.is_in_other_header(TAGGED_TYPES) else Effect.OPAQUE
        yield subject.breakage(effect, old[0], None, by_value, members=members)


def _users_of_all_members(subject: ChangedName, struct: Declaration) -> tuple[MemberUser, ...]:
    before = subject.diff.before
    users = (user for member in struct.members for user in before.member_users(subject.name, member.name))
    return subject.unchanged.members(tuple(dict.fromkeys(user for user in users if user.is_certain)))


def _is_declared_anywhere(subject: ChangedName) -> bool:
    """Tell whether a C file that the bindings do not include declares the type, or a changed file still defines it."""
    last_steps = {step.change.path: step for step in subject.diff.steps}
    if any(item.kind in TAGGED_TYPES for step in last_steps.values() for item in step.after(subject.name)):
        return True
    after = subject.diff.after
    return any(path not in after.included_by for path in after.facts.declaring(subject.name))


def is_behind_pointer(user: User, name: str) -> bool:
    """Tell whether a use is a pointer to the type, for which C needs no definition."""
    text = user.use.text
    start = max(text.find(f"::{name}"), 0)
    head = text[: start + 1].rstrip(":")
    return "*mut" in head[-30:] or "*const" in head[-30:]


def compare_typedefs(subject: ChangedName) -> Iterator[Breakage]:
    """Find what a changed typedef breaks."""
    diff = subject.diff
    users = subject.unchanged.users(diff.before.users(subject.name))
    if not users:
        return
    old, new = subject.old((Kind.TYPEDEF,)), subject.new((Kind.TYPEDEF,))
    if {declaration.kind for declaration in subject.after} <= {Kind.MACRO}:  # bindgen makes no type from a macro
        yield subject.breakage(Effect.REMOVED, old[0], None, users)
        return
    old_types, new_types = ({declaration.type for declaration in declarations} for declarations in (old, new))
    removed = [declaration for declaration in old if declaration.type not in new_types]
    added = [declaration for declaration in new if declaration.type not in old_types]
    structs = subject.new((Kind.STRUCT, Kind.UNION)) if not subject.old((Kind.STRUCT, Kind.UNION)) else []
    if structs and _is_no_struct((removed or old)[0], diff.before):
        yield subject.breakage(Effect.TYPE, (removed or old)[0], structs[0], users)
    elif removed and added and not is_same_type(removed[0].type, added[0].type, diff.before, diff.after):
        yield subject.breakage(Effect.TYPE, removed[0], added[0], users)


def _is_no_struct(typedef: Declaration, bindings: Bindings) -> bool:
    """Tell whether a typedef is certainly a number, an enum or a pointer."""
    return _is_scalar(typedef, bindings) or typedef.type.startswith("enum ") or typedef.type.endswith("*")


def _is_scalar(typedef: Declaration, bindings: Bindings) -> bool:
    return resolve_type(typedef.type, bindings) in RUST_TYPES.values()
