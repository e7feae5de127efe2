# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the headers and helpers that a series removes although Rust still depends on them."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, DiffLocation, Effect
from rules.bindings.change_location import locate_change
from rules.bindings.facts import Use, User
from rules.bindings.helper_facts import BINDINGS_HEADER, CONSTANT_PREFIX, PREFIX, is_helper_source
from rules.bindings.included_headers import candidate_paths
from rules.bindings.new_names import find_unbound_declaration
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
    """Find helpers and constant helpers that are removed while Rust uses the name and C has no symbol for it."""
    for step in () if diff.changes_bindgen else diff.steps:
        path = step.change.before or ""
        if not is_helper_source(path) and path != BINDINGS_HEADER:
            continue
        for helper in step.changed_names:
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
