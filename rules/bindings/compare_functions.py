# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the C functions, function-like macros and variables that Rust uses."""

import re
from collections.abc import Iterator

from rules.bindings.abi import c_call_stands, const_lost, only_const_differs, same
from rules.bindings.arguments import arguments, is_const
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_name import ChangedName
from rules.bindings.index import Bindings
from rules.bindings.located import LocatedHelper, User
from rules.source.c.source import Declaration, Kind

FUNCTIONS = (Kind.FUNCTION, Kind.INLINE, Kind.STATIC)
_SYMBOLS = (Kind.FUNCTION, Kind.VARIABLE)
_CALLABLE = (*FUNCTIONS, Kind.VARIABLE, Kind.MACRO_FUNCTION, Kind.MACRO)


def functions(subject: ChangedName) -> Iterator[Breakage]:
    """What happens to a callable name, or a variable, and to the helpers that call it."""
    name, change = subject.name, subject.change
    direct = () if change.before.provider(name) is not None else change.before.users(name)
    wrapping = tuple(one for one in change.before.helpers_using(name) if _is_used(one, subject))
    if not direct and not wrapping:
        return
    left = () if change.after.provider(name) is not None else subject.standing.users(direct)
    helped = subject.standing.helpers(wrapping)
    if not left and not helped:
        return
    if not subject.new(_CALLABLE):
        effect = Effect.UNREACHED if _elsewhere(subject) else Effect.REMOVED
        yield subject.breakage(effect, subject.old(_CALLABLE)[0], None, left, helpers=helped)
        return
    symbols = subject.old(_SYMBOLS)
    if left and symbols and not subject.new(_SYMBOLS):
        yield subject.breakage(Effect.NO_SYMBOL, symbols[0], subject.new(_CALLABLE)[0], left)
        return
    yield from _signature(subject, left, helped)
    yield from _gate(subject, left, helped)
    yield from _static(subject, left, helped)


def _is_used(one: LocatedHelper, subject: ChangedName) -> bool:
    return bool(one.helper.pattern) or one.helper.name in subject.change.before.used


def _signature(subject: ChangedName, users: tuple[User, ...], helpers: tuple[LocatedHelper, ...]) -> Iterator[Breakage]:
    old, new = subject.change.before, subject.change.after
    one, other = _differing(subject.old(_SYMBOLS), subject.new(_SYMBOLS))
    left = _broken(subject, users, one, other) if one is not None and other is not None else ()
    helped: tuple[LocatedHelper, ...] = ()
    was, now = _differing(subject.old(_CALLABLE), subject.new(_CALLABLE))
    if was is not None and now is not None and not c_call_stands(was, now, old, new):
        helped = tuple(one for one in helpers if not _passes_mutable(one, was, now))
    first, second = (one, other) if left else (was, now)
    if (left or helped) and first is not None:
        yield subject.breakage(Effect.SIGNATURE, first, second, left, helpers=helped)


def _broken(subject: ChangedName, users: tuple[User, ...], one: Declaration, other: Declaration) -> tuple[User, ...]:
    """The users that cannot go on with the new declaration: those that only call it take more changes."""
    old, new = subject.change.before, subject.change.after
    if one.kind is Kind.VARIABLE or other.kind is Kind.VARIABLE:
        return () if one.kind is other.kind and same(one.type, other.type, old, new) else users
    if all(user.use.form == "macro" or f"{subject.name}(" in user.use.text for user in users):
        lost = const_lost(one, other, old, new)
        if lost is None:
            return users
        return tuple(user for user in users if _passes_const(user, lost, old)) if lost else ()
    pairs = [(one.type, other.type), *zip(one.parameters, other.parameters, strict=False)]
    stand = len(one.parameters) == len(other.parameters) and all(same(*pair, old, new) for pair in pairs)
    return () if stand else users


def _passes_const(user: User, parameters: tuple[int, ...], border: Bindings) -> bool:
    """Whether the call passes a `*const` for one of these parameters: what an expression is, is seldom known."""
    passed = arguments(user, border)
    return any(index < len(passed) and is_const(passed[index]) for index in parameters)


def _passes_mutable(one: LocatedHelper, was: Declaration, now: Declaration) -> bool:
    """Whether only a `const` goes that the helper's own parameters do not have."""
    pairs = [(was.type, now.type), *zip(was.parameters, now.parameters, strict=False)]
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    if len(was.parameters) != len(now.parameters) or not all(only_const_differs(*pair) for pair in changed):
        return False
    return not any(before in one.helper.signature for before, _ in changed)


def _differing(old: list[Declaration], new: list[Declaration]) -> tuple[Declaration | None, Declaration | None]:
    """A declaration that is gone and one that is new; None where the series leaves one that was there."""
    before = {_shape(one): one for one in old}
    after = {_shape(one): one for one in new}
    if before.keys() & after.keys() and not (before.keys() - after.keys() and after.keys() - before.keys()):
        return None, None
    gone = [one for shape, one in before.items() if shape not in after]
    come = [one for shape, one in after.items() if shape not in before]
    return (gone[0] if gone else None), (come[0] if come else None)


def _shape(one: Declaration) -> tuple[object, ...]:
    if one.kind in (Kind.MACRO_FUNCTION, Kind.MACRO):
        return (one.kind, len(one.parameters))
    return (one.type, one.parameters)


def _gate(subject: ChangedName, users: tuple[User, ...], helpers: tuple[LocatedHelper, ...]) -> Iterator[Breakage]:
    symbols, callables = subject.old(_SYMBOLS), subject.old(_CALLABLE)
    fresh = _fresh_conditions(symbols, subject.new(_SYMBOLS))
    left = subject.standing.ungated(users, fresh) if fresh else ()
    fresh_c = _fresh_conditions(callables, subject.new(_CALLABLE))
    helped = tuple(one for one in helpers if fresh_c and not _covers(one.helper.conditions, fresh_c))
    if left or helped:
        gone, conditions = symbols or callables, fresh if left else fresh_c
        stub = next((one for one in subject.new(_CALLABLE) if one.kind not in _SYMBOLS), None) if left else None
        yield subject.breakage(Effect.GATED, gone[0], stub, left, helpers=helped, conditions=conditions)


def _fresh_conditions(old: list[Declaration], new: list[Declaration]) -> tuple[str, ...]:
    """The conditions under which every new declaration stands and at least one old one did not."""
    if not old or not new or any(not one.conditions for one in new):
        return ()
    earlier = [set(one.conditions) for one in old]
    common = set(new[0].conditions)
    for one in new[1:]:
        common &= set(one.conditions)
    fresh = [one for one in new[0].conditions if one in common and not all(one in conditions for conditions in earlier)]
    fresh = [one for one in fresh if "CONFIG_" in one or not one.startswith("!")]
    return tuple(fresh) if any(not set(fresh) & conditions for conditions in earlier) else ()


def _covers(conditions: tuple[str, ...], fresh: tuple[str, ...]) -> bool:
    words = set(re.findall(r"CONFIG_\w+", " ".join(fresh)))
    return bool(words) and words <= set(re.findall(r"CONFIG_\w+", " ".join(conditions)))


def _static(subject: ChangedName, users: tuple[User, ...], helpers: tuple[LocatedHelper, ...]) -> Iterator[Breakage]:
    """A function whose header stays and whose definition in a .c file becomes static or goes."""
    step = subject.step
    if not step.change.path.endswith(".c") or not subject.old(_SYMBOLS):
        return
    defined = [one for one in step.before(subject.name) if one.kind is Kind.FUNCTION and one.defined]
    now = [one for one in step.after(subject.name) if one.kind in FUNCTIONS and one.defined]
    if not defined or any(one.kind is Kind.FUNCTION for one in now):
        return
    for other in subject.change.steps:
        if any(one.kind is Kind.FUNCTION and one.defined for one in other.after(subject.name)):
            return
    if not now and not any(one.kind is Kind.EXPORT for one in step.before(subject.name)):
        return  # one definition of several, an architecture's or a boot loader's
    effect = Effect.STATIC if now else Effect.REMOVED
    yield subject.breakage(effect, defined[0], now[0] if now else None, users, helpers=helpers)


def _elsewhere(subject: ChangedName) -> bool:
    """Whether some C file that the bindings do not see declares the name after the series."""
    after = subject.change.after
    return any(path.endswith(".h") and path not in after.reached for path in after.facts.declaring(subject.name))
