# SPDX-License-Identifier: GPL-2.0-or-later
"""One C name that a series declares otherwise, as everything that compares it is handed it."""

from collections.abc import Collection
from dataclasses import dataclass

from rules.bindings.bindings_diff import BindingsDiff, Step
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_line import condition_place, place
from rules.bindings.located import LocatedHelper, MemberUser, User
from rules.bindings.unchanged_users import UnchangedUsers
from rules.source.c.source import Declaration, Kind


@dataclass(frozen=True, slots=True)
class ChangedName:
    """A name, what all headers say of it before and after the series, and the last step that changed it."""

    name: str
    step: Step
    before: tuple[Declaration, ...]
    after: tuple[Declaration, ...]
    change: BindingsDiff
    standing: UnchangedUsers

    def old(self, kinds: Collection[Kind]) -> list[Declaration]:
        """What the name was, as far as it was of these kinds."""
        return [one for one in self.before if one.kind in kinds]

    def new(self, kinds: Collection[Kind]) -> list[Declaration]:
        """What the name is now, as far as it is of these kinds."""
        return [one for one in self.after if one.kind in kinds]

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
        """The finding that the name as a whole breaks these users."""
        return Breakage(
            self.name,
            effect,
            before,
            (before.signature, after.signature if after is not None else ""),
            (condition_place if effect is Effect.GATED else place)(self.step, self.name),
            users,
            members,
            helpers,
            conditions=conditions,
            renamed=self._replacement(before) if effect is Effect.REMOVED else "",
            sure=self.step.whole,
        )

    def _replacement(self, old: Declaration) -> str:
        """The one new name alike that the step declares where the old one goes, "" if none."""
        before = {one.name: one for one in self.step.pre.declarations} if self.step.pre is not None else {}
        after = {one.name: one for one in self.step.post.declarations} if self.step.post is not None else {}
        fresh = [name for name, one in after.items() if name not in before and _alike(one, old)]
        gone = [name for name, one in before.items() if name not in after and _alike(one, old)]
        return fresh[0] if len(fresh) == 1 and len(gone) <= 1 else ""


def _alike(one: Declaration, other: Declaration) -> bool:
    """Whether two declarations could be the same but for their names."""
    if one.kind is not other.kind:
        return False
    if one.kind is Kind.MACRO_FUNCTION:
        return len(one.parameters) == len(other.parameters)
    if one.members or other.members:
        return {member.name for member in one.members} == {member.name for member in other.members}
    return (one.type, one.parameters, one.parent) == (other.type, other.parameters, other.parent)
