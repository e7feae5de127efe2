# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers that a series takes from under Rust code which bindgen gives nothing in their stead."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.changed_line import place
from rules.bindings.helper_facts import BINDINGS_HEADER, CONSTANT_PREFIX, PREFIX, is_helper_source
from rules.bindings.new_names import unprovided
from rules.bindings.unchanged_users import UnchangedUsers


def helpers_gone(change: BindingsDiff, standing: UnchangedUsers) -> Iterator[Breakage]:
    """A helper, or constant helper, that goes while Rust still uses the name and C has no symbol of it."""
    for step in () if change.regenerated else change.steps:
        path = step.change.before or ""
        if not is_helper_source(path) and path != BINDINGS_HEADER:
            continue
        for helper in step.changed():
            name = helper.removeprefix(PREFIX).removeprefix(CONSTANT_PREFIX)
            if name == helper or not step.before(helper) or change.after.provider(name) is not None:
                continue
            left = standing.users(change.before.users(name))
            if left and (unprovided(change.after, name) is not None or not change.after.bound(name)):
                old = step.before(helper)[0]
                where = place(step, helper)
                yield Breakage(name, Effect.NO_HELPER, old, (old.signature, ""), where, left, sure=step.whole)
