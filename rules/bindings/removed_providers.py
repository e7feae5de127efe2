# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the headers and helpers that a series removes although Rust still depends on them."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, DiffLocation, Effect
from rules.bindings.change_location import locate_change, locate_condition
from rules.bindings.facts import LocatedHelper, Use, User
from rules.bindings.helper_facts import BINDINGS_HEADER, CONSTANT_PREFIX, PREFIX, is_helper_source
from rules.bindings.included_headers import candidate_paths
from rules.bindings.new_names import find_reason_for_helper
from rules.bindings.unchanged_users import UnchangedUsers
from rules.lazy import re

_INCLUDED = re.compile(r'<[^<>]*>|"[^"]*"')


def find_removed_headers(diff: BindingsDiff) -> Iterator[Breakage]:
    """Find headers that are removed or renamed while the bindings' header or a helper still includes them."""
    gone = [step for step in diff.steps if step.change.is_deleted or step.change.is_renamed]
    gone = [step for step in gone if step.change.before in diff.before.included_by]
    includers = _find_dangling_includes(diff) if gone else {}
    for step in gone:
        users = tuple(includers.get(step.change.before or "", ()))
        if users:
            c_text = (step.change.before or "", step.change.after or "")
            location = DiffLocation(step, "post", 0, "")
            yield Breakage(users[0].use.name, Effect.HEADER_GONE, None, c_text, location, users)


def _find_dangling_includes(diff: BindingsDiff) -> dict[str, list[User]]:
    """Return the includes of the bindings' header and the helpers without a file, by each path that it could have."""
    facts = diff.after.facts
    users: dict[str, list[User]] = {}
    for root in (BINDINGS_HEADER, *facts.helper_paths()):
        missing: dict[str, tuple[str, ...]] = {}
        for include in facts.includes(root) or ():
            paths = tuple(candidate_paths(include, root))
            if all(facts.includes(path) is None for path in paths):
                missing[include] = paths
        lines = _locate_includes(facts.read(root) or b"") if missing else {}
        for include, paths in missing.items():
            number, text = lines.get(include, (1, f"#include {include}"))
            for path in dict.fromkeys(paths):
                users.setdefault(path, []).append(User(root, Use(include, number, 1, text, "include")))
    return users


def _locate_includes(content: bytes) -> dict[str, tuple[int, str]]:
    """Return the first line that includes each header: its number and its text."""
    lines: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), 1):
        if line.lstrip().startswith("#"):
            for include in _INCLUDED.findall(line):
                lines.setdefault(include, (number, line.strip()))
    return lines


def find_removed_helpers(diff: BindingsDiff, unchanged: UnchangedUsers) -> Iterator[Breakage]:
    """Find helpers and constant helpers that are removed, or get a condition, although Rust has no other binding."""
    for step in () if diff.changes_bindgen else diff.steps:
        path = step.change.before or ""
        if not is_helper_source(path) and path != BINDINGS_HEADER:
            continue
        for helper in step.changed_names:
            name = helper.removeprefix(PREFIX).removeprefix(CONSTANT_PREFIX)
            if name == helper or not step.before(helper):
                continue
            conditions = _new_conditions(diff, name)
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
                    (locate_condition if conditions else locate_change)(step, helper),
                    users,
                    conditions=conditions,
                    is_certain=step.is_certain_about(helper),
                )


def _new_conditions(diff: BindingsDiff, name: str) -> tuple[str, ...] | None:
    """Return the options on which a helper depends after the series only, nothing for a removed one; else None."""
    before, after = (bindings.provider(name) for bindings in (diff.before, diff.after))
    if after is None or before is None:
        return () if after is None else None
    old, new = (item.helper if isinstance(item, LocatedHelper) else item for item in (before, after))
    conditions = tuple(condition for condition in new.conditions if condition not in old.conditions)
    is_alone = sum(located.helper.name == name for located in diff.after.helpers()) <= 1
    return conditions if is_alone and "CONFIG_" in " ".join(conditions) else None
