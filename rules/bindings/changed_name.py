# SPDX-License-Identifier: GPL-2.0-or-later
"""A C name that a series changes, as the input of all comparisons."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, groupby
from typing import Final, TypeVar

from rules.bindings.bindings_diff import BindingsDiff, Step, form_of
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.change_location import locate_change, locate_condition
from rules.bindings.facts import LocatedHelper, MemberUser, User
from rules.bindings.unchanged_users import UnchangedUsers
from rules.lazy import dataclass
from rules.source.c.source import MACROS, Declaration, Kind

T = TypeVar("T")

# What an effect changes of a declaration. The first step that changes it is the one to answer.
_CHANGED_BY: Final[dict[Effect, Callable[[Declaration], object]]] = {
    Effect.REMOVED: lambda _: True,
    Effect.PREFIX: lambda declaration: (declaration.kind, declaration.parent),
    Effect.UNREACHED: lambda _: True,
    Effect.NO_SYMBOL: lambda declaration: declaration.kind,
    Effect.STATIC: lambda declaration: declaration.kind,
    Effect.OPAQUE: lambda declaration: declaration.kind,
    Effect.GATED: lambda declaration: declaration.conditions,
    Effect.SIGNATURE: lambda declaration: (
        declaration.kind,
        len(declaration.parameters) if declaration.kind is Kind.MACRO_FUNCTION else declaration.parameters,
        "" if declaration.kind in MACROS else declaration.type,
    ),
    Effect.TYPE: lambda declaration: (declaration.kind, declaration.type),
    Effect.VALUE: lambda declaration: declaration.type,
    Effect.NOT_CONSTANT: lambda declaration: declaration.type,
}


@dataclass(frozen=True, slots=True)
class ChangedName:
    """A name, its declarations in all headers before and after the series, and the steps that change it, in order."""

    name: str
    steps: tuple[Step, ...]
    before: tuple[Declaration, ...]
    after: tuple[Declaration, ...]
    diff: BindingsDiff
    unchanged: UnchangedUsers

    @property
    def step(self) -> Step:
        """The last step that changes the name."""
        return self.steps[-1]

    def step_with(self, effect: Effect) -> Step:
        """Return the first step that changes the part of a declaration that the effect is about, else the last step."""
        key = _CHANGED_BY[effect]

        def keys(declarations: tuple[Declaration, ...]) -> set[object]:
            return {key(declaration) for declaration in declarations}

        alone = (step for step in self.steps if keys(step.before(self.name)) != keys(step.after(self.name)))
        together = (step for step, _ in self._changes(keys))
        return next(together, None) or next(alone, self.step)

    def steps_by_field(self) -> Mapping[str, Step]:
        """Return the first step that changes a field, by the path of the field."""
        steps: dict[str, Step] = {}
        for step, facts in self._changes(_fields):
            steps |= {path: step for path, _ in facts if path not in steps}
        return steps

    def _changes(self, read: Callable[[tuple[Declaration, ...]], set[T]]) -> Iterator[tuple[Step, set[T]]]:
        """Yield, in order, the steps that change what is read of the declarations in all headers, and what they change.

        A declaration that a patch moves from one header to another is not changed.
        """
        facts: dict[str, set[T]] = {}
        for _, group in groupby(self.header_steps(), lambda step: step.patch.index):
            steps = [(step, read(step.before(self.name)), read(step.after(self.name))) for step in group]
            facts |= {step.change.before or step.change.path: before for step, before, _ in steps}
            known = set().union(*facts.values())
            for step, _, after in steps:
                facts.pop(step.change.before or "", None)
                facts[step.change.path] = after
            changed = known ^ set().union(*facts.values())
            by_step = ((step, changed & (before ^ after)) for step, before, after in steps)
            yield from ((step, own) for step, own in by_step if own)

    def header_steps(self) -> Iterator[Step]:
        """Return all steps that change declarations of the name in a header that the bindings include."""
        return filter(self.diff.is_included, self.diff.steps_by_name.get(self.name, ()))

    def old(self, kinds: Collection[Kind]) -> list[Declaration]:
        """Return the declarations of these kinds before the series."""
        return [declaration for declaration in self.before if declaration.kind in kinds]

    def new(self, kinds: Collection[Kind]) -> list[Declaration]:
        """Return the declarations of these kinds after the series."""
        return [declaration for declaration in self.after if declaration.kind in kinds]

    def is_in_other_header(self, kinds: Collection[Kind] = tuple(Kind)) -> bool:
        """Tell whether a header that the bindings do not include declares the name after the series."""
        after = self.diff.after
        return any(
            path.endswith(".h") and path not in after.included_by and declaration.kind in kinds
            for path, declaration in after.facts.declarations(self.name)
        )

    def breakage(
        self,
        effect: Effect,
        before: Declaration,
        after: Declaration | None = None,
        users: tuple[User, ...] = (),
        *,
        members: tuple[MemberUser, ...] = (),
        helpers: tuple[LocatedHelper, ...] = (),
        conditions: tuple[str, ...] = (),
    ) -> Breakage:
        """Build the breakage of these users by the change of the name as a whole."""
        step = self.step_with(effect)
        return Breakage(
            self.name,
            effect,
            before,
            (before.signature, after.signature if after is not None else ""),
            locate_condition(step, self.name, conditions) if effect is Effect.GATED else locate_change(step, self.name),
            users,
            members,
            helpers,
            conditions=conditions,
            replacement=_find_replacement(step, before) if effect is Effect.REMOVED else "",
            is_certain=step.is_certain_about(self.name),
        )


def _fields(declarations: Iterable[Declaration]) -> set[tuple[str, object]]:
    """Return the path of each field, with what Rust sees of it."""
    members = chain.from_iterable(declaration.members for declaration in declarations)
    return {(member.name, (member.type, member.conditions, member.through)) for member in members}


def _find_replacement(step: Step, old: Declaration) -> str:
    """Return the only similar name that the step adds where it removes the old name, "" if there is none."""
    form = form_of(old)
    added, removed = step.added_names.get(form, ()), step.removed_names.get(form, ())
    return added[0] if len(added) == 1 and len(removed) <= 1 else ""
