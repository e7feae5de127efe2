# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the C constants that Rust uses: enumerators and object-like macros."""

import re
from collections.abc import Iterator
from dataclasses import replace

from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_name import ChangedName
from rules.bindings.index import Bindings
from rules.bindings.located import User
from rules.source.c.source import Declaration, Kind, evaluate, is_plain_expression, read_ioctl_number

VALUES = (Kind.CONSTANT, Kind.MACRO)
_COUNT = re.compile(r"(?:^|_)(?:MAX|NR|NUM|CNT|COUNT|LAST|END)(?:_|$)", re.IGNORECASE)


def values(subject: ChangedName) -> Iterator[Breakage]:
    """What happens to an enumerator or an object-like macro; enumerators carry their enum's name in Rust."""
    change = subject.change
    old, new = subject.old(VALUES), subject.new(VALUES)
    names = dict.fromkeys(_bound_name(one) for one in old)
    users = tuple(user for bound in names for user in change.before.users(bound))
    given = tuple(user for one in change.before.constants_using(subject.name) for user in change.before.users(one.name))
    provided = subject.name in change.after.constants
    left = subject.standing.users(tuple(dict.fromkeys((*users, *given))))
    if not left:
        return
    still = {_bound_name(one) for one in new}
    others = [one for one in subject.after if one.kind not in VALUES]
    if not still & set(names):
        if others and not any(one.kind is Kind.MACRO_FUNCTION for one in others):
            return
        if provided and new:
            return
        gone = subject.breakage(Effect.REMOVED, old[0], new[0] if new else None, left)
        yield replace(gone, renamed=next(iter(still), gone.renamed))
        return
    fresh = _fresh(old, new)
    ungated = subject.standing.ungated(left, fresh) if fresh else ()
    if ungated and any("CONFIG_" in one for one in fresh) and not provided:
        yield subject.breakage(Effect.GATED, old[0], None, ungated, conditions=fresh)
        return
    yield from _value(subject, old, new, left, provided)


def _value(
    subject: ChangedName, old: list[Declaration], new: list[Declaration], left: tuple[User, ...], provided: bool
) -> Iterator[Breakage]:
    was, now = {one.type for one in old}, {one.type for one in new}
    if was == now or not now - was or not was - now:
        return
    first = next(one for one in old if one.type not in now)
    second = next(one for one in new if one.type not in was)
    macro = first.kind is Kind.MACRO and second.kind is Kind.MACRO
    if macro and is_plain_expression(first.type) and not is_plain_expression(second.type) and not provided:
        yield subject.breakage(Effect.NOT_CONSTANT, first, second, left)
        return
    numbers: tuple[object, object] = _number(first, subject.change.before), _number(second, subject.change.after)
    if None in numbers:
        numbers = read_ioctl_number(first.type), read_ioctl_number(second.type)
    if None in numbers or numbers[0] == numbers[1]:
        return
    step = subject.step
    if not (_counts(first, step.before(first.parent)) and _counts(second, step.after(second.parent))):
        yield subject.breakage(Effect.VALUE, first, second, left)


def _counts(one: Declaration, enums: tuple[Declaration, ...]) -> bool:
    """Whether an enumerator says how many the others are: by its name, and as the last and next in the enum."""
    for enum in enums:
        numbers = [member.value for member in enum.members] if enum.kind is Kind.ENUM else []
        if len(numbers) > 1 and enum.members[-1].name == one.name and numbers[-2] is not None:
            return _COUNT.search(one.name) is not None and numbers[-1] == numbers[-2] + 1
    return False


def _number(one: Declaration, border: Bindings) -> int | None:
    """The number of a constant, with the names in its expression looked up one level deep."""
    value = evaluate(one.type)
    if value is not None:
        return value
    names: dict[str, int | None] = {}
    for word in {piece for piece in one.type.replace("(", " ").replace(")", " ").split() if piece.isidentifier()}:
        found = [
            evaluate(located.declaration.type)
            for located in border.declared(word)
            if located.declaration.kind in VALUES
        ]
        names[word] = found[0] if len(set(found)) == 1 else None
    return evaluate(one.type, names)


def _bound_name(one: Declaration) -> str:
    return f"{one.parent}_{one.name}" if one.kind is Kind.CONSTANT and one.parent else one.name


def _fresh(old: list[Declaration], new: list[Declaration]) -> tuple[str, ...]:
    """The conditions under which the one declaration stands now and none did before."""
    known = {condition for one in old for condition in one.conditions}
    return tuple(one for one in new[0].conditions if one not in known) if len(new) == 1 else ()
