# SPDX-License-Identifier: GPL-2.0-or-later
"""C headers that a series takes from where Rust's side includes them."""

from collections.abc import Iterator

from rules.border.breakage import Breakage, Effect, Place
from rules.border.change import BorderChange
from rules.border.helper_facts import BINDINGS_HEADER
from rules.border.reach import candidates


def headers_gone(change: BorderChange) -> Iterator[Breakage]:
    """A header that goes or moves while the bindings' header or a helper still includes it."""
    for step in change.steps:
        path = step.change.before
        if path is None or not (step.change.deleted or step.change.renamed) or path not in change.before.reached:
            continue
        for root in (BINDINGS_HEADER, *change.after.facts.helper_paths()):
            for include in change.after.facts.includes(root) or ():
                known = [one for one in candidates(include, root) if change.after.facts.includes(one) is not None]
                if path in candidates(include, root) and not known:
                    where = Place(step, "post", 0, "")
                    yield Breakage(
                        include, Effect.HEADER_GONE, None, (path, step.change.after or ""), where, member=root
                    )
