# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the helpers that a series removes, gates or retypes although Rust still uses them and has no other binding."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff, Step
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.change_location import locate_change, locate_condition
from rules.bindings.compare_functions import select_broken_users
from rules.bindings.facts import LocatedHelper
from rules.bindings.helper_facts import BINDINGS_HEADER, CONSTANT_PREFIX, PREFIX, is_helper_source
from rules.bindings.new_names import find_reason_for_helper
from rules.bindings.unchanged_users import UnchangedUsers


def find_removed_helpers(diff: BindingsDiff, unchanged: UnchangedUsers) -> Iterator[Breakage]:
    """Find helpers and constant helpers that are removed, or get a condition."""
    for step, helper, name in _changed_helpers(diff):
        conditions = _new_conditions(diff, name) if step.before(helper) else None
        if conditions is None:
            continue
        users = unchanged.users(diff.before.users(name))
        users = unchanged.ungated(users, conditions) if conditions else users
        if users and (find_reason_for_helper(diff.after, name) or not diff.after.bound_declarations(name)):
            old = step.before(helper)[0]
            yield Breakage(
                name,
                Effect.HELPER_GATED if conditions else Effect.NO_HELPER,
                old,
                (old.signature, ""),
                locate_condition(step, helper, conditions) if conditions else locate_change(step, helper),
                users,
                conditions=conditions,
                is_certain=step.is_certain_about(helper),
            )


def find_retyped_helpers(diff: BindingsDiff, unchanged: UnchangedUsers) -> Iterator[Breakage]:
    """Find helpers that get other parameters or another result."""
    steps: dict[str, Step] = {}
    for step, helper, _ in _changed_helpers(diff):
        before, after = ([item.signature for item in side] for side in (step.before(helper), step.after(helper)))
        if helper.startswith(PREFIX) and before != after:
            steps.setdefault(helper, step)
    for helper, step in steps.items():
        name = helper.removeprefix(PREFIX)
        old, new = ([item.declaration for item in side.declarations(helper)] for side in (diff.before, diff.after))
        if len(old) != 1 or len(new) != 1 or not find_reason_for_helper(diff.after, name):
            continue
        users = select_broken_users(diff, unchanged.users(diff.before.users(name)), old[0], new[0])
        if users:
            c_text = old[0].signature.replace(PREFIX, ""), new[0].signature.replace(PREFIX, "")
            location, certain = locate_change(step, helper), step.is_certain_about(helper)
            yield Breakage(name, Effect.SIGNATURE, old[0], c_text, location, users, is_certain=certain)


def _changed_helpers(diff: BindingsDiff) -> Iterator[tuple[Step, str, str]]:
    """Yield each helper that a step changes, with its full name and the C name that it provides."""
    for step in () if diff.changes_bindgen else diff.steps:
        paths = (step.change.before or "", step.change.path)
        if BINDINGS_HEADER in paths or any(map(is_helper_source, paths)):
            for helper in step.changed_names:
                name = helper.removeprefix(PREFIX).removeprefix(CONSTANT_PREFIX)
                if name != helper:
                    yield step, helper, name


def _new_conditions(diff: BindingsDiff, name: str) -> tuple[str, ...] | None:
    """Return the options on which a helper depends after the series only, nothing for a removed one; else None."""
    before, after = (bindings.provider(name) for bindings in (diff.before, diff.after))
    if after is None or before is None:
        return () if after is None else None
    old, new = (item.helper if isinstance(item, LocatedHelper) else item for item in (before, after))
    conditions = tuple(condition for condition in new.conditions if condition not in old.conditions)
    is_alone = sum(located.helper.name == name for located in diff.after.helpers()) <= 1
    return conditions if is_alone and "CONFIG_" in " ".join(conditions) else None
