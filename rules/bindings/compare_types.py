# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the C types that Rust uses."""

from collections.abc import Iterator

from rules.bindings.abi import same
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_name import ChangedName
from rules.bindings.compare_fields import fields
from rules.bindings.located import MemberUser, User
from rules.source.c.source import Declaration, Kind

_AGGREGATES = (Kind.STRUCT, Kind.UNION, Kind.ENUM)


def structs(subject: ChangedName) -> Iterator[Breakage]:
    """What happens to a struct, union or enum and its fields."""
    old, new = subject.old(_AGGREGATES), subject.new(_AGGREGATES)
    if new:
        if old[0].kind is not Kind.ENUM:
            yield from fields(subject, old, new)
        return
    left = subject.standing.users(subject.change.before.users(subject.name))
    if not left or subject.new((Kind.TYPEDEF,)):
        return
    members = _all_members(subject, old[0])
    if not subject.new((Kind.OPAQUE,)) and not _named_anywhere(subject):
        yield subject.breakage(Effect.REMOVED, old[0], None, left, members=members)
        return
    by_value = tuple(one for one in left if not _behind_pointer(one, subject.name))
    if members or by_value:
        effect = Effect.UNREACHED if _in_other_header(subject) else Effect.OPAQUE
        yield subject.breakage(effect, old[0], None, by_value, members=members)


def _all_members(subject: ChangedName, old: Declaration) -> tuple[MemberUser, ...]:
    before = subject.change.before
    found: list[MemberUser] = []
    for member in old.members:
        short = member.name.rpartition(".")[2]
        if short in before.member_names:
            found += [one for one in before.member_users(subject.name, short) if one.sure]
    return subject.standing.members(tuple(dict.fromkeys(found)))


def _named_anywhere(subject: ChangedName) -> bool:
    """Whether the type is still defined in a C file that the bindings do not see, or moves there."""
    for step in subject.change.steps:
        if any(one.kind in _AGGREGATES for one in step.after(subject.name)):
            return True
    after = subject.change.after
    return any(path not in after.reached for path in after.facts.declaring(subject.name))


def _in_other_header(subject: ChangedName) -> bool:
    """Whether a header that the bindings do not see defines the type after the series."""
    after = subject.change.after
    return any(
        path.endswith(".h") and path not in after.reached and one.kind in _AGGREGATES
        for path, one in after.facts.declarations(subject.name)
    )


def _behind_pointer(user: User, name: str) -> bool:
    text = user.use.text
    start = max(text.find(f"::{name}"), 0)
    head = text[: start + 1].rstrip(":")
    return "*mut" in head[-30:] or "*const" in head[-30:]


def typedefs(subject: ChangedName) -> Iterator[Breakage]:
    """What happens to a typedef."""
    change = subject.change
    users = subject.standing.users(change.before.users(subject.name))
    if not users:
        return
    old, new = subject.old((Kind.TYPEDEF,)), subject.new((Kind.TYPEDEF,))
    if not new:
        if not subject.after:
            yield subject.breakage(Effect.REMOVED, old[0], None, users)
        return
    gone = [one for one in old if one.type not in {other.type for other in new}]
    come = [one for one in new if one.type not in {other.type for other in old}]
    if gone and come and not same(gone[0].type, come[0].type, change.before, change.after):
        yield subject.breakage(Effect.TYPE, gone[0], come[0], users)
