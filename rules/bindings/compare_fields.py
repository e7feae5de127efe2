# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the fields of C structs and unions that Rust reads and writes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.bindings.abi import same
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_line import place
from rules.bindings.changed_name import ChangedName
from rules.bindings.located import LocatedHelper, MemberUser
from rules.bindings.retyped_fields import follows
from rules.bindings.unchanged_users import depends
from rules.source.c.source import Declaration, Member

_NUMBER = re.compile(r"_\d+(?=\.)")


@dataclass(frozen=True, slots=True)
class _Change:
    """What happens to one field: shown before and after, the conditions that are new, the field it becomes."""

    effect: Effect
    shown: tuple[str, str]
    conditions: tuple[str, ...] = ()
    after: Member | None = None


def fields(subject: ChangedName, old: list[Declaration], new: list[Declaration]) -> Iterator[Breakage]:
    """What happens to each field that Rust names, and to literals that name every field."""
    before = subject.change.before
    was = {member.name: member for one in old for member in one.members}
    now: dict[str, list[Member]] = {}
    for one in new:
        for member in one.members:
            now.setdefault(member.name, []).append(member)
    for path, member in was.items():
        short = path.rpartition(".")[2]
        if short not in before.member_names and short not in before.helper_words:
            continue
        change = _change(member, now.get(path, []), subject)
        if change is None:
            continue
        users = subject.standing.members(before.member_users(subject.name, short))
        sure = tuple(one for one in users if one.sure)
        left = tuple(one for one in sure or users if not _goes_along(one, member, change, subject.change))
        helped = _helpers(subject, short, change)
        if left or helped:
            yield Breakage(
                subject.name,
                change.effect,
                old[0],
                change.shown,
                place(subject.step, subject.name, short),
                (),
                left,
                helped,
                member=path,
                conditions=change.conditions,
                renamed=_renamed(member, was, now) if change.effect is Effect.MEMBER_REMOVED else "",
                sure=subject.step.whole and bool(sure or helped),
            )
    yield from _added(subject, old[0], was, now)


def _helpers(subject: ChangedName, member: str, change: _Change) -> tuple[LocatedHelper, ...]:
    """The helpers that no longer compile: C takes another type, and a field elsewhere, as it comes."""
    if change.effect not in (Effect.MEMBER_REMOVED, Effect.MEMBER_GATED):
        return ()
    helpers = subject.standing.helpers(subject.change.before.helpers_reading(subject.name, member))
    conditions = " ".join(change.conditions)
    if change.effect is Effect.MEMBER_GATED and "CONFIG_" not in conditions:
        return ()
    return tuple(one for one in helpers if not one.helper.conditions or not change.conditions)


def _added(
    subject: ChangedName, old: Declaration, was: dict[str, Member], now: dict[str, list[Member]]
) -> Iterator[Breakage]:
    fresh = [path for path in now if path not in was]
    left = subject.standing.members(subject.change.before.full_literals(subject.name)) if fresh else ()
    if left and not (set(was) - set(now)):
        member = now[fresh[0]][0]
        shown = ("", _shown(member))
        where = place(subject.step, subject.name, fresh[0])
        yield Breakage(subject.name, Effect.MEMBER_ADDED, old, shown, where, (), left, member=fresh[0])


def _change(member: Member, found: list[Member], subject: ChangedName) -> _Change | None:
    shown = _shown(member)
    if not found:
        return _Change(Effect.MEMBER_REMOVED, (shown, ""))
    other = next((one for one in found if one.type == member.type), found[0])
    if not same(member.type, other.type, subject.change.before, subject.change.after):
        return _Change(Effect.MEMBER_TYPE, (shown, _shown(other)), after=other)
    if subject.step.whole and all(_elsewhere(member.through, one.through) for one in found):
        names = _last(member.name)
        return _Change(Effect.MEMBER_MOVED, (member.through + names, other.through + names), after=other)
    fresh = tuple(one for one in other.conditions if one not in member.conditions)
    if fresh and not any(not one.conditions for one in found) and len(found) == 1:
        return _Change(Effect.MEMBER_GATED, (shown, shown), fresh)
    return None


def _shown(member: Member) -> str:
    """The field as C writes it."""
    if "(*)" in member.type:
        return member.type.replace("(*)", f"(*{member.name})", 1)
    kind, colon, width = member.type.partition(" : ")
    return f"{kind} {member.name}{colon}{width}"


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _elsewhere(before: str, after: str) -> bool:
    """Whether two ways through anonymous members differ, as far as their numbers are known."""
    if "anon." in before + after:
        return _NUMBER.sub("", before) != _NUMBER.sub("", after)
    return before != after


def _goes_along(user: MemberUser, member: Member, change: _Change, border: BindingsDiff) -> bool:
    """Whether the access stands in spite of the change."""
    match change.effect:
        case Effect.MEMBER_TYPE:
            if user.access.chain[-1] == "()" and change.after is not None and " : " in change.after.type:
                kind, other = (one.type.partition(" : ")[0] for one in (member, change.after))
                return same(kind, other, border.before, border.after)  # another width: the accessor stays
            return change.after is not None and follows(user, member, change.after, border)
        case Effect.MEMBER_GATED:
            return depends(user.path, border.after.gates(user.path)) or "CONFIG_" not in " ".join(change.conditions)
        case Effect.MEMBER_MOVED:
            return _way(user, member) != member.through
    return False


def _way(user: MemberUser, member: Member) -> str:
    """The anonymous members that the access names right before the field."""
    chain = user.access.chain
    at = chain.index(_last(member.name))
    start = at
    while start and chain[start - 1].startswith("__bindgen_anon"):
        start -= 1
    return "".join(f"{one}." for one in chain[start:at])


def _renamed(member: Member, was: dict[str, Member], now: dict[str, list[Member]]) -> str:
    gone = [path for path, one in was.items() if path not in now and one.type == member.type]
    fresh = [path for path, found in now.items() if path not in was and found[0].type == member.type]
    return fresh[0] if len(gone) == len(fresh) == 1 else ""
