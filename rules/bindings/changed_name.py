# SPDX-License-Identifier: GPL-2.0-or-later
"""A C name that a series changes, as the input of all comparisons."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain
from typing import Final

from rules.bindings.bindings_diff import BindingsDiff, Step, form_of
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.change_location import locate_change, locate_condition
from rules.bindings.facts import LocatedHelper, MemberUser, User
from rules.bindings.unchanged_users import UnchangedUsers
from rules.lazy import dataclass
from rules.source.c.source import Declaration, Kind

# What an effect changes of a declaration. The first step that changes it is the one to answer.
_CHANGED_BY: Final[dict[Effect, Callable[[Declaration], object]]] = {
    Effect.REMOVED: lambda _: True,
    Effect.UNREACHED: lambda _: True,
    Effect.NO_SYMBOL: lambda declaration: declaration.kind,
    Effect.STATIC: lambda declaration: declaration.kind,
    Effect.OPAQUE: lambda declaration: declaration.kind,
    Effect.GATED: lambda declaration: declaration.conditions,
    Effect.SIGNATURE: lambda declaration: (
        declaration.kind,
        len(declaration.parameters) if declaration.kind is Kind.MACRO_FUNCTION else declaration.parameters,
        "" if declaration.kind in (Kind.MACRO, Kind.MACRO_FUNCTION) else declaration.type,
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
        """Return the first step that changes of the declarations what the effect is about, else the last step."""
        key = _CHANGED_BY[effect]

        def keys(declarations: tuple[Declaration, ...]) -> set[object]:
            return {key(declaration) for declaration in declarations}

        changing = (step for step in self.steps if keys(step.before(self.name)) != keys(step.after(self.name)))
        return next(changing, self.step)

    def steps_by_field(self) -> Mapping[str, Step]:
        """Return the first step that changes a field, by the path of the field."""
        steps: dict[str, Step] = {}
        for step in reversed(self.steps):
            before, after = _fields(step.before(self.name)), _fields(step.after(self.name))
            steps |= {path: step for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        return steps

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
            (locate_condition if effect is Effect.GATED else locate_change)(step, self.name),
            users,
            members,
            helpers,
            conditions=conditions,
            replacement=_find_replacement(step, before) if effect is Effect.REMOVED else "",
            is_certain=step.is_certain_about(self.name),
        )


def _fields(declarations: Iterable[Declaration]) -> dict[str, set[object]]:
    """Return what Rust sees of each field, by its path."""
    fields: dict[str, set[object]] = {}
    for member in chain.from_iterable(declaration.members for declaration in declarations):
        fields.setdefault(member.name, set()).add((member.type, member.conditions, member.through))
    return fields


def _find_replacement(step: Step, old: Declaration) -> str:
    """Return the only similar name that the step adds where it removes the old name, "" if there is none."""
    form = form_of(old)
    added, removed = step.added_names.get(form, ()), step.removed_names.get(form, ())
    return added[0] if len(added) == 1 and len(removed) <= 1 else ""
