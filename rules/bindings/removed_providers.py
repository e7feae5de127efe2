# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the headers and helpers that a series removes although Rust still depends on them."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, DiffLocation, Effect
from rules.bindings.changed_line import locate_change
from rules.bindings.facts import Use, User
from rules.bindings.helper_facts import BINDINGS_HEADER, CONSTANT_PREFIX, PREFIX, is_helper_source
from rules.bindings.included_headers import candidate_paths
from rules.bindings.new_names import find_unbound_declaration
from rules.bindings.unchanged_users import UnchangedUsers


def find_removed_headers(diff: BindingsDiff) -> Iterator[Breakage]:
    """Find headers that are removed or renamed while the bindings' header or a helper still includes them."""
    facts = diff.after.facts
    for step in diff.steps:
        path = step.change.before
        is_removed = step.change.is_deleted or step.change.is_renamed
        if path is None or not is_removed or path not in diff.before.included_by:
            continue
        users = [
            _locate_include(root, include, diff)
            for root in (BINDINGS_HEADER, *facts.helper_paths())
            for include in facts.includes(root) or ()
            if path in (paths := candidate_paths(include, root))
            and all(facts.includes(candidate) is None for candidate in paths)
        ]
        if users:
            c_text = (path, step.change.after or "")
            location = DiffLocation(step, "post", 0, "")
            yield Breakage(users[0].use.name, Effect.HEADER_GONE, None, c_text, location, tuple(users))


def _locate_include(root: str, include: str, diff: BindingsDiff) -> User:
    """Return the line of a file that includes a header."""
    text = (diff.after.facts.read(root) or b"").decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#") and include in line:
            return User(root, Use(include, number, 1, line.strip(), "include"))
    return User(root, Use(include, 1, 1, f"#include {include}", "include"))


def find_removed_helpers(diff: BindingsDiff, unchanged: UnchangedUsers) -> Iterator[Breakage]:
    """Find helpers and constant helpers that are removed while Rust uses the name and C has no symbol for it."""
    for step in () if diff.changes_bindgen else diff.steps:
        path = step.change.before or ""
        if not is_helper_source(path) and path != BINDINGS_HEADER:
            continue
        for helper in step.changed_names():
            name = helper.removeprefix(PREFIX).removeprefix(CONSTANT_PREFIX)
            if name == helper or not step.before(helper) or diff.after.provider(name) is not None:
                continue
            users = unchanged.users(diff.before.users(name))
            if users and (find_unbound_declaration(diff.after, name) or not diff.after.bound_declarations(name)):
                old = step.before(helper)[0]
                location = locate_change(step, helper)
                c_text = (old.signature, "")
                yield Breakage(
                    name, Effect.NO_HELPER, old, c_text, location, users, is_certain=step.is_certain_about(helper)
                )
