# SPDX-License-Identifier: GPL-2.0-or-later
"""What a series does to the C names that Rust uses: each name compared over all headers, before and after."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rules.border.abi import c_call_stands, call_stands, only_const_differs, same
from rules.border.breakage import Breakage, Effect
from rules.border.change import BorderChange, Step
from rules.border.compare_types import constants, structs, typedefs
from rules.border.headers_gone import headers_gone
from rules.border.index import Border, LocatedHelper, User
from rules.border.place import condition_place, place
from rules.border.reach import foreign
from rules.border.standing import Standing
from rules.syntax.c import Declaration, Kind

FUNCTIONS = (Kind.FUNCTION, Kind.INLINE, Kind.STATIC)
_SYMBOLS = (Kind.FUNCTION, Kind.VARIABLE)
_CALLABLE = (*FUNCTIONS, Kind.VARIABLE, Kind.MACRO_FUNCTION, Kind.MACRO)
_VALUES = (Kind.CONSTANT, Kind.MACRO)
_TYPES = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.TYPEDEF)


def breakages(change: BorderChange) -> Iterator[Breakage]:
    """Every change of a C name that leaves a user on Rust's side behind, in the order of the series."""
    standing = Standing(change)
    gone = tuple(headers_gone(change))
    yield from gone
    said = {one.shown[0] for one in gone}
    for name, step in _changed(change).items():
        if step.change.before not in said:
            yield from _of_name(name, step, change, standing)


def _changed(change: BorderChange) -> dict[str, Step]:
    """Every name that a header of the border declares otherwise after the series, with the last step that did it."""
    found: dict[str, Step] = {}
    reached = change.before.reached
    for step in change.steps:
        path = step.change.before if step.change.before is not None else step.change.path
        if path not in reached and step.change.path not in change.after.reached:
            continue
        for name in _renamed_away(step) or step.changed():
            if (step.before(name) or name not in found) and _concerns(name, step, change.before):
                found[name] = step
    for step in change.steps:
        if step.change.path.endswith(".c") and not foreign(step.change.path):
            for name in step.changed():
                if _concerns(name, step, change.before):
                    found.setdefault(name, step)
    return found


def _concerns(name: str, step: Step, border: Border) -> bool:
    """Whether Rust could have to do with the name: cheap, and wrong only on the safe side."""
    if name in border.names:
        return True
    for one in (*step.before(name), *step.after(name)):
        if one.kind is Kind.CONSTANT and f"{one.parent}_{name}" in border.used:
            return True
        if any(member.name.rpartition(".")[2] in border.member_names for member in one.members):
            return True
    return False


def _renamed_away(step: Step) -> list[str]:
    """Every name of a file that gets another path or goes away."""
    if step.change.renamed or step.change.deleted:
        return list(dict.fromkeys(one.name for one in step.pre.declarations)) if step.pre is not None else []
    return []


def _of_name(name: str, step: Step, change: BorderChange, standing: Standing) -> Iterator[Breakage]:
    before = tuple(one.declaration for one in change.before.declared(name))
    after = tuple(one.declaration for one in change.after.declared(name))
    kinds = {one.kind for one in before}
    if not before:
        return
    if kinds & set(FUNCTIONS) or kinds & {Kind.MACRO_FUNCTION, Kind.VARIABLE}:
        yield from _function(name, step, before, after, change, standing)
        if any(one.kind is Kind.VARIABLE for one in before):
            return
    if kinds & set(_VALUES):
        yield from constants(name, step, before, after, change, standing)
    if kinds & {Kind.STRUCT, Kind.UNION, Kind.ENUM}:
        yield from structs(name, step, before, after, change, standing)
    if Kind.TYPEDEF in kinds:
        yield from typedefs(name, step, before, after, change, standing)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A callable name and what C says of it before and after the series."""

    name: str
    step: Step
    old: list[Declaration]
    new: list[Declaration]

    @property
    def symbols_old(self) -> list[Declaration]:
        return [one for one in self.old if one.kind in _SYMBOLS]

    @property
    def symbols_new(self) -> list[Declaration]:
        return [one for one in self.new if one.kind in _SYMBOLS]

    def breakage(
        self,
        effect: Effect,
        before: Declaration,
        after: Declaration | None,
        users: tuple[User, ...],
        helpers: tuple[LocatedHelper, ...] = (),
        conditions: tuple[str, ...] = (),
    ) -> Breakage:
        shown = (before.signature, after.signature if after is not None else "")
        where = (condition_place if effect is Effect.GATED else place)(self.step, self.name)
        renamed = _replacement(before, self.step) if effect is Effect.REMOVED else ""
        return Breakage(
            self.name,
            effect,
            before,
            shown,
            where,
            users,
            (),
            helpers,
            conditions=conditions,
            renamed=renamed,
            sure=self.step.whole,
        )


def _function(
    name: str,
    step: Step,
    before: tuple[Declaration, ...],
    after: tuple[Declaration, ...],
    change: BorderChange,
    standing: Standing,
) -> Iterator[Breakage]:
    direct = () if change.before.provider(name) is not None else change.before.users(name)
    wrapping = tuple(one for one in change.before.helpers_using(name) if _is_used(one, change))
    if not direct and not wrapping:
        return
    subject = _Subject(
        name, step, [one for one in before if one.kind in _CALLABLE], [one for one in after if one.kind in _CALLABLE]
    )
    provided = change.after.provider(name) is not None
    left = () if provided else standing.users(direct)
    helped = standing.helpers(wrapping)
    if not subject.new:
        if left or helped:
            effect = Effect.UNREACHED if _elsewhere(name, change) else Effect.REMOVED
            yield subject.breakage(effect, subject.old[0], None, left, helped)
        return
    if left and subject.symbols_old and not subject.symbols_new:
        yield subject.breakage(Effect.NO_SYMBOL, subject.symbols_old[0], subject.new[0], left)
        return
    yield from _signature(subject, left, helped, change)
    yield from _gate(subject, left, helped, standing)
    yield from _static(subject, left, helped, change)


def _is_used(one: LocatedHelper, change: BorderChange) -> bool:
    return bool(one.helper.pattern) or one.helper.name in change.before.used


def _signature(
    subject: "_Subject", users: tuple[User, ...], helpers: tuple[LocatedHelper, ...], change: BorderChange
) -> Iterator[Breakage]:
    one, other = _differing(subject.symbols_old, subject.symbols_new)
    left: tuple[User, ...] = ()
    if users and one is not None and other is not None:
        calls = all(f"{subject.name}(" in user.use.text for user in users)
        if one.kind is Kind.VARIABLE or other.kind is Kind.VARIABLE:
            stands = one.kind is other.kind and same(one.type, other.type, change.before, change.after)
        elif calls:
            stands = call_stands(one, other, change.before, change.after)
        else:
            stands = _identical(one, other, change)
        left = () if stands else users
    helped: tuple[LocatedHelper, ...] = ()
    was, now = _differing(subject.old, subject.new)
    if helpers and was is not None and now is not None and not c_call_stands(was, now, change.before, change.after):
        helped = tuple(one for one in helpers if not _passes_mutable(one, was, now))
    if left or helped:
        first, second = (one, other) if left else (was, now)
        assert first is not None
        yield subject.breakage(Effect.SIGNATURE, first, second, left, helped)


def _passes_mutable(one: LocatedHelper, was: Declaration, now: Declaration) -> bool:
    """Whether only a `const` goes that the helper's own parameters do not have."""
    pairs = [(was.type, now.type), *zip(was.parameters, now.parameters, strict=False)]
    changed = [pair for pair in pairs if pair[0] != pair[1]]
    if len(was.parameters) != len(now.parameters) or not all(only_const_differs(*pair) for pair in changed):
        return False
    return not any(before in one.helper.signature for before, _ in changed)


def _identical(one: Declaration, other: Declaration, change: BorderChange) -> bool:
    """Whether a function used as a value keeps its type."""
    pairs = [(one.type, other.type), *zip(one.parameters, other.parameters, strict=False)]
    return len(one.parameters) == len(other.parameters) and all(
        same(first, second, change.before, change.after) for first, second in pairs
    )


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


def _gate(
    subject: "_Subject", users: tuple[User, ...], helpers: tuple[LocatedHelper, ...], standing: Standing
) -> Iterator[Breakage]:
    fresh = fresh_conditions(subject.symbols_old, subject.symbols_new)
    left = standing.ungated(users, fresh) if fresh else ()
    fresh_c = fresh_conditions(subject.old, subject.new)
    helped = tuple(one for one in helpers if fresh_c and not _covers(one.helper.conditions, fresh_c))
    if left or helped:
        gone, come = subject.symbols_old or subject.old, subject.symbols_new or subject.new
        conditions = fresh if left else fresh_c
        yield subject.breakage(Effect.GATED, gone[0], come[0], left, helped, conditions)


def fresh_conditions(old: list[Declaration], new: list[Declaration]) -> tuple[str, ...]:
    """The conditions under which every new declaration stands and at least one old one did not."""
    if not old or not new or any(not one.conditions for one in new):
        return ()
    earlier = [set(one.conditions) for one in old]
    common = set(new[0].conditions)
    for one in new[1:]:
        common &= set(one.conditions)
    if len(new) > 1 and not common:
        return ()
    fresh = [one for one in new[0].conditions if one in common and not all(one in conditions for conditions in earlier)]
    fresh = [one for one in fresh if "CONFIG_" in one or not one.startswith("!")]
    return tuple(fresh) if any(not set(fresh) & conditions for conditions in earlier) else ()


def _covers(conditions: tuple[str, ...], fresh: tuple[str, ...]) -> bool:
    words = set(re.findall(r"CONFIG_\w+", " ".join(fresh)))
    return bool(words) and words <= set(re.findall(r"CONFIG_\w+", " ".join(conditions)))


def _static(
    subject: "_Subject", users: tuple[User, ...], helpers: tuple[LocatedHelper, ...], change: BorderChange
) -> Iterator[Breakage]:
    """A function whose header stays and whose definition in a .c file becomes static or goes."""
    step = subject.step
    if not step.change.path.endswith(".c") or not subject.symbols_old or not (users or helpers):
        return
    defined = [one for one in step.before(subject.name) if one.kind is Kind.FUNCTION and one.defined]
    if not defined:
        return
    now = [one for one in step.after(subject.name) if one.kind in FUNCTIONS and one.defined]
    if any(one.kind is Kind.FUNCTION for one in now):
        return
    for other in change.steps:
        if any(one.kind is Kind.FUNCTION and one.defined for one in other.after(subject.name)):
            return
    if not now and not any(one.kind is Kind.EXPORT for one in step.before(subject.name)):
        return  # one definition of several, an architecture's or a boot loader's
    effect = Effect.STATIC if now else Effect.REMOVED
    yield subject.breakage(effect, defined[0], now[0] if now else None, users, helpers)


def _elsewhere(name: str, change: BorderChange) -> bool:
    """Whether some C file that the bindings do not see declares the name after the series."""
    return any(path.endswith(".h") and path not in change.after.reached for path in change.after.facts.declaring(name))


def _replacement(old: Declaration, step: Step) -> str:
    """The one new name of the same shape that the patch declares where the old one goes."""
    if step.post is None:
        return ""
    there = {one.name for one in step.pre.declarations} if step.pre is not None else set()
    found = {
        one.name
        for one in step.post.declarations
        if one.name not in there and one.kind is old.kind and _shape(one) == _shape(old)
    }
    return found.pop() if len(found) == 1 else ""
