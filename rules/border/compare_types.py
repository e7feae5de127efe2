# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the C types and constants that Rust uses."""

import re
from collections.abc import Iterator

from rules.border.abi import same
from rules.border.breakage import Breakage, Effect
from rules.border.change import BorderChange, Step
from rules.border.index import MemberUser, User
from rules.border.place import place
from rules.border.retyped import follows
from rules.border.standing import Standing
from rules.syntax.c import Declaration, Kind, Member, evaluate, plain_expression

_AGGREGATES = (Kind.STRUCT, Kind.UNION, Kind.ENUM)
_VALUES = (Kind.CONSTANT, Kind.MACRO)
_COUNT = re.compile(r"(?:^|_)(?:MAX|NR|NUM|CNT|COUNT|LAST|END)(?:_|$)", re.IGNORECASE)


def structs(
    name: str,
    step: Step,
    before: tuple[Declaration, ...],
    after: tuple[Declaration, ...],
    change: BorderChange,
    standing: Standing,
) -> Iterator[Breakage]:
    """What happens to a struct, union or enum and its fields."""
    old = [one for one in before if one.kind in _AGGREGATES]
    new = [one for one in after if one.kind in _AGGREGATES]
    if not new:
        left = standing.users(change.before.users(name))
        if left and not any(one.kind is Kind.TYPEDEF for one in after):
            opaque = any(one.kind is Kind.OPAQUE for one in after) or _named_anywhere(name, change)
            effect = Effect.OPAQUE if opaque else Effect.REMOVED
            members = _all_members(name, old[0], change, standing)
            by_value = tuple(one for one in left if not _behind_pointer(one, name))
            if effect is Effect.REMOVED or members or by_value:
                yield Breakage(
                    name,
                    effect,
                    old[0],
                    (old[0].signature, ""),
                    place(step, name),
                    left if effect is Effect.REMOVED else by_value,
                    members,
                    renamed=_replacement(old[0], step) if effect is Effect.REMOVED else "",
                )
        return
    if old[0].kind is Kind.ENUM:
        return
    yield from _members(name, step, old, new, change, standing)


def _members(
    name: str, step: Step, old: list[Declaration], new: list[Declaration], change: BorderChange, standing: Standing
) -> Iterator[Breakage]:
    was = {member.name: member for one in old for member in one.members}
    now: dict[str, list[Member]] = {}
    for one in new:
        for member in one.members:
            now.setdefault(member.name, []).append(member)
    for path, member in was.items():
        short = path.rpartition(".")[2]
        if short not in change.before.member_names:
            continue
        found = now.get(path, [])
        effect, shown, conditions = _member_effect(member, found, change)
        if effect is None:
            continue
        left = standing.members(change.before.member_users(name, short))
        sure = [one for one in left if one.sure]
        left = tuple(sure) if sure else left
        if effect is Effect.MEMBER_TYPE:
            left = tuple(one for one in left if not follows(one, member, now[path][0], change))
        if effect is Effect.MEMBER_GATED:
            left = tuple(one for one in left if not _gated(one, conditions, change))
        if left:
            renamed = _renamed(member, was, now) if effect is Effect.MEMBER_REMOVED else ""
            yield Breakage(
                name,
                effect,
                old[0],
                shown,
                place(step, name, short),
                (),
                left,
                member=path,
                conditions=conditions,
                renamed=renamed,
                sure=step.whole and bool(sure),
            )
    fresh = [path for path in now if path not in was]
    left = standing.members(change.before.full_literals(name)) if fresh else ()
    if left and not (set(was) - set(now)):
        member = now[fresh[0]][0]
        shown = ("", f"{member.type} {member.name}")
        yield Breakage(name, Effect.MEMBER_ADDED, old[0], shown, place(step, name, fresh[0]), (), left, member=fresh[0])


def _member_effect(
    member: Member, found: list[Member], change: BorderChange
) -> tuple[Effect | None, tuple[str, str], tuple[str, ...]]:
    shown = f"{member.type} {member.name}"
    if not found:
        return Effect.MEMBER_REMOVED, (shown, ""), ()
    other = next((one for one in found if one.type == member.type), found[0])
    if not same(member.type, other.type, change.before, change.after):
        return Effect.MEMBER_TYPE, (shown, f"{other.type} {other.name}"), ()
    fresh = tuple(one for one in other.conditions if one not in member.conditions)
    if fresh and not any(not one.conditions for one in found) and len(found) == 1:
        return Effect.MEMBER_GATED, (shown, shown), fresh
    return None, ("", ""), ()


def _gated(user: MemberUser, conditions: tuple[str, ...], change: BorderChange) -> bool:
    gates = " ".join(change.after.gates(user.path))
    return all(
        word in gates for word in " ".join(conditions).replace("(", " ").replace(")", " ").split() if "CONFIG_" in word
    )


def _renamed(member: Member, was: dict[str, Member], now: dict[str, list[Member]]) -> str:
    fresh = [path for path, found in now.items() if path not in was and found[0].type == member.type]
    return fresh[0] if len(fresh) == 1 else ""


def _all_members(name: str, old: Declaration, change: BorderChange, standing: Standing) -> tuple[MemberUser, ...]:
    found: list[MemberUser] = []
    for member in old.members:
        short = member.name.rpartition(".")[2]
        if short in change.before.member_names:
            found += [one for one in change.before.member_users(name, short) if one.sure]
    return standing.members(tuple(dict.fromkeys(found)))


def _named_anywhere(name: str, change: BorderChange) -> bool:
    """Whether the type is still defined in a C file that the bindings do not see, or moves there."""
    for step in change.steps:
        if any(one.kind in _AGGREGATES for one in step.after(name)):
            return True
    return any(path not in change.after.reached for path in change.after.facts.declaring(name))


def _behind_pointer(user: User, name: str) -> bool:
    text = user.use.text
    start = max(text.find(f"::{name}"), 0)
    head = text[: start + 1].rstrip(":")
    return "*mut" in head[-30:] or "*const" in head[-30:]


def _replacement(old: Declaration, step: Step) -> str:
    if step.post is None or step.pre is None:
        return ""
    there = {one.name for one in step.pre.declarations}
    found = {
        one.name
        for one in step.post.declarations
        if one.name not in there
        and one.kind is old.kind
        and {m.name for m in one.members} == {m.name for m in old.members}
    }
    return found.pop() if len(found) == 1 else ""


def typedefs(
    name: str,
    step: Step,
    before: tuple[Declaration, ...],
    after: tuple[Declaration, ...],
    change: BorderChange,
    standing: Standing,
) -> Iterator[Breakage]:
    """What happens to a typedef."""
    users = standing.users(change.before.users(name))
    if not users:
        return
    old = [one for one in before if one.kind is Kind.TYPEDEF]
    new = [one for one in after if one.kind is Kind.TYPEDEF]
    if not new:
        if not after:
            yield Breakage(name, Effect.REMOVED, old[0], (old[0].signature, ""), place(step, name), users)
        return
    kept = {one.type for one in new}
    gone = [one for one in old if one.type not in kept]
    come = [one for one in new if one.type not in {other.type for other in old}]
    if gone and come and not same(gone[0].type, come[0].type, change.before, change.after):
        shown = (gone[0].signature, come[0].signature)
        yield Breakage(name, Effect.TYPE, gone[0], shown, place(step, name), users, sure=step.whole)


def constants(
    name: str,
    step: Step,
    before: tuple[Declaration, ...],
    after: tuple[Declaration, ...],
    change: BorderChange,
    standing: Standing,
) -> Iterator[Breakage]:
    """What happens to an enumerator or an object-like macro; enumerators carry their enum's name in Rust."""
    old = [one for one in before if one.kind in _VALUES]
    new = [one for one in after if one.kind in _VALUES]
    names = dict.fromkeys(_bound_name(one) for one in old)
    users = tuple(user for bound in names for user in change.before.users(bound))
    using = change.before.constants_using(name)
    provided = name in change.after.constants
    given = tuple(user for one in using for user in change.before.users(one.name))
    if not users and not given:
        return
    still = {_bound_name(one) for one in new}
    left = standing.users(tuple(dict.fromkeys((*users, *given))))
    if not left:
        return
    others = [one for one in after if one.kind not in _VALUES]
    if not still & set(names):
        if others and not any(one.kind is Kind.MACRO_FUNCTION for one in others):
            return
        if provided and new:
            return
        renamed = next(iter(still), "") or _renamed_constant(old[0], step)
        shown = (old[0].signature, new[0].signature if new else "")
        yield Breakage(name, Effect.REMOVED, old[0], shown, place(step, name), left, renamed=renamed, sure=step.whole)
        return
    fresh = _fresh(old, new)
    ungated = standing.ungated(left, fresh) if fresh else ()
    if ungated and any("CONFIG_" in one for one in fresh) and not provided:
        shown = (old[0].signature, new[0].signature)
        yield Breakage(name, Effect.GATED, old[0], shown, place(step, name), ungated, conditions=fresh, sure=step.whole)
        return
    yield from _value(name, step, old, new, left, provided, change)


def _value(
    name: str,
    step: Step,
    old: list[Declaration],
    new: list[Declaration],
    left: tuple[User, ...],
    provided: bool,
    change: BorderChange,
) -> Iterator[Breakage]:
    was, now = {one.type for one in old}, {one.type for one in new}
    if was == now or not now - was or not was - now:
        return
    first = next(one for one in old if one.type not in now)
    second = next(one for one in new if one.type not in was)
    shown = (first.signature, second.signature)
    macro = first.kind is Kind.MACRO and second.kind is Kind.MACRO
    if macro and plain_expression(first.type) and not plain_expression(second.type) and not provided:
        yield Breakage(name, Effect.NOT_CONSTANT, first, shown, place(step, name), left, sure=step.whole)
        return
    values = _number(first, change, before=True), _number(second, change, before=False)
    if values[0] == values[1]:
        return
    counts = _counts(first, step.before(first.parent)) and _counts(second, step.after(second.parent))
    if values[0] is not None and values[1] is not None and not counts:
        yield Breakage(name, Effect.VALUE, first, shown, place(step, name), left, sure=step.whole)


def _counts(one: Declaration, enums: tuple[Declaration, ...]) -> bool:
    """Whether an enumerator says how many the others are: by its name, and as the last and next in the enum."""
    for enum in enums:
        values = [member.value for member in enum.members] if enum.kind is Kind.ENUM else []
        if len(values) > 1 and enum.members[-1].name == one.name and values[-2] is not None:
            return _COUNT.search(one.name) is not None and values[-1] == values[-2] + 1
    return False


def _number(one: Declaration, change: BorderChange, before: bool) -> int | None:
    """The number of a constant, with the names in its expression looked up one level deep."""
    border = change.before if before else change.after
    value = evaluate(one.type)
    if value is not None:
        return value
    names: dict[str, int | None] = {}
    for word in {piece for piece in one.type.replace("(", " ").replace(")", " ").split() if piece.isidentifier()}:
        found = [
            evaluate(located.declaration.type)
            for located in border.declared(word)
            if located.declaration.kind in _VALUES
        ]
        names[word] = found[0] if len(set(found)) == 1 else None
    return evaluate(one.type, names)


def _bound_name(one: Declaration) -> str:
    return f"{one.parent}_{one.name}" if one.kind is Kind.CONSTANT and one.parent else one.name


def _fresh(old: list[Declaration], new: list[Declaration]) -> tuple[str, ...]:
    if any(not one.conditions for one in new):
        return ()
    known = {condition for one in old for condition in one.conditions}
    return tuple(one for one in new[0].conditions if one not in known) if len(new) == 1 else ()


def _renamed_constant(old: Declaration, step: Step) -> str:
    if step.post is None or step.pre is None:
        return ""
    there = {one.name for one in step.pre.declarations}
    found = [
        one.name
        for one in step.post.declarations
        if one.name not in there and one.kind is old.kind and one.type == old.type and one.parent == old.parent
    ]
    return found[0] if len(found) == 1 else ""
