# SPDX-License-Identifier: GPL-2.0-or-later
"""C headers that a series takes from where Rust's side includes them."""

from collections.abc import Iterator

from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.breakage import Breakage, DiffLocation, Effect
from rules.bindings.facts import Use
from rules.bindings.helper_facts import BINDINGS_HEADER
from rules.bindings.included_headers import candidates
from rules.bindings.located import User


def headers_gone(change: BindingsDiff) -> Iterator[Breakage]:
    """A header that goes or moves while the bindings' header or helpers still include it."""
    for step in change.steps:
        path = step.change.before
        if path is None or not (step.change.is_deleted or step.change.is_renamed) or path not in change.before.reached:
            continue
        left = [
            _included(root, include, change)
            for root in (BINDINGS_HEADER, *change.after.facts.helper_paths())
            for include in change.after.facts.includes(root) or ()
            if path in candidates(include, root) and not _found(include, root, change)
        ]
        if left:
            shown = (path, step.change.after or "")
            where = DiffLocation(step, "post", 0, "")
            yield Breakage(left[0].use.name, Effect.HEADER_GONE, None, shown, where, tuple(left))


def _found(include: str, root: str, change: BindingsDiff) -> bool:
    return any(change.after.facts.includes(one) is not None for one in candidates(include, root))


def _included(root: str, include: str, change: BindingsDiff) -> User:
    """The line of a file that includes a header."""
    text = (change.after.facts.read(root) or b"").decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#") and include in line:
            return User(root, Use(include, number, 1, line.strip(), "include"))
    return User(root, Use(include, 1, 1, f"#include {include}", "include"))
