# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the headers that a series removes although the bindings' header or a helper still includes them."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, DiffLocation, Effect
from rules.bindings.facts import Use, User
from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.included_headers import candidate_paths
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
