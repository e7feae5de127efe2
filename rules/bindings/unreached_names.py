# SPDX-License-Identifier: GPL-2.0-or-later
"""Find names that Rust uses and whose headers, unchanged, are no longer included by the headers of the bindings."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff, Step
from rules.bindings.breakage import Breakage, DiffLocation, Effect
from rules.bindings.compare_types import is_behind_pointer
from rules.bindings.compare_values import bound_name
from rules.bindings.facts import ASSEMBLY_FORM
from rules.bindings.included_headers import candidate_paths
from rules.bindings.unchanged_users import UnchangedUsers
from rules.lazy import re
from rules.source.c.source import AGGREGATES

_INCLUDE = re.compile(r'\s*+#\s*+include\s*+(<[^<>]*+>|"[^"]*+")')


def find_unreached_names(diff: BindingsDiff, unchanged: UnchangedUsers) -> Iterator[Breakage]:
    """Yield the used names of headers that are no longer included, each at the `#include` that the series removes."""
    before, after = diff.before.included_by, diff.after.included_by
    if before is after:
        return
    gone = {path for path in before if path not in after and diff.after.facts.includes(path) is not None}
    removed = _find_removed_includes(diff.steps) if gone else {}
    edges: dict[str, tuple[str, str]] = {}  # the include that is no longer there, on the way to each file
    for path, includer in before.items():  # includers come first
        if path in gone:
            edges[path] = edges.get(includer, (includer, path))
            location = removed.get(edges[path])
            if location is not None:
                yield from _find_names(diff, unchanged, path, location)


def _find_removed_includes(steps: tuple[Step, ...]) -> dict[tuple[str, str], DiffLocation]:
    """Return where a series removes an `#include`, by the file and each path that it may include there."""
    removed: dict[tuple[str, str], DiffLocation] = {}
    for step in (step for step in steps if not step.change.is_deleted):
        includer = step.change.before or ""
        for number, text in (line for hunk in step.change.hunks for line in hunk.removed.items()):
            match = _INCLUDE.match(text)
            for path in candidate_paths(match[1], includer) if match is not None else ():
                removed.setdefault((includer, path), DiffLocation(step, "pre", number, text))
    return removed


def _find_names(diff: BindingsDiff, unchanged: UnchangedUsers, path: str, location: DiffLocation) -> Iterator[Breakage]:
    source = diff.before.facts.c(path)
    declarations = {bound_name(item): item for item in source.declarations} if source is not None else {}
    for name, declaration in declarations.items():
        if name not in diff.before.used_names or declaration.name in diff.steps_by_name:
            continue
        if diff.after.bound_declarations(name) or any(
            bindings.provider(name) for bindings in (diff.before, diff.after)
        ):
            continue
        is_aggregate = declaration.kind in AGGREGATES
        users = unchanged.users(
            tuple(
                user
                for user in diff.before.users(name)
                if user.use.form != ASSEMBLY_FORM and not (is_aggregate and is_behind_pointer(user, name))
            )
        )
        if users:
            c_text = ("", f"<{path.removeprefix('include/')}>" if path.startswith("include/") else "")
            is_certain = location.step.is_complete
            yield Breakage(name, Effect.UNREACHED, declaration, c_text, location, users, is_certain=is_certain)
