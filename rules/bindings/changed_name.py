# SPDX-License-Identifier: GPL-2.0-or-later
"""A C name that a series changes, as the input of all comparisons."""

from collections.abc import Collection
from dataclasses import dataclass

from rules.bindings.bindings_diff import BindingsDiff, Step
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_line import locate_change, locate_condition
from rules.bindings.facts import LocatedHelper, MemberUser, User
from rules.bindings.unchanged_users import UnchangedUsers
from rules.source.c.source import Declaration, Kind


@dataclass(frozen=True, slots=True)
class ChangedName:
    """A name, its declarations in all headers before and after the series, and the last step that changed it."""

    name: str
    step: Step
    before: tuple[Declaration, ...]
    after: tuple[Declaration, ...]
    diff: BindingsDiff
    unchanged: UnchangedUsers

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
        return Breakage(
            self.name,
            effect,
            before,
            (before.signature, after.signature if after is not None else ""),
            (locate_condition if effect is Effect.GATED else locate_change)(self.step, self.name),
            users,
            members,
            helpers,
            conditions=conditions,
            replacement=self._find_replacement(before) if effect is Effect.REMOVED else "",
            is_certain=self.step.is_complete,
        )

    def _find_replacement(self, old: Declaration) -> str:
        """Return the only similar name that the step adds where it removes the old name, "" if there is none."""
        before = {declaration.name: declaration for declaration in self.step.pre.declarations}
        after = {declaration.name: declaration for declaration in self.step.post.declarations}
        added = [name for name in after if name not in before and _is_similar(after[name], old)]
        removed = [name for name in before if name not in after and _is_similar(before[name], old)]
        return added[0] if len(added) == 1 and len(removed) <= 1 else ""


def _is_similar(declaration: Declaration, other: Declaration) -> bool:
    """Tell whether two declarations could be equal except for their names."""
    if declaration.kind is not other.kind:
        return False
    if declaration.kind is Kind.MACRO_FUNCTION:
        return len(declaration.parameters) == len(other.parameters)
    if declaration.members or other.members:
        return {member.name for member in declaration.members} == {member.name for member in other.members}
    return (declaration.type, declaration.parameters, declaration.parent) == (
        other.type,
        other.parameters,
        other.parent,
    )
