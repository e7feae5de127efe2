# SPDX-License-Identifier: GPL-2.0-or-later
"""What was not checked, and why: a command without findings says so."""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.review.render.text import count
from rules.diff.top_level import C_ENDS, is_source
from rules.registry import needing_tree

_MAX_NAMED: Final = 3


def unchecked(paths: Sequence[str], rules: Sequence[str] | None, *, has_tree: bool) -> Iterator[str]:
    """Yield a line for each kind of check of the changed files that was not made, with the reason.

    `rules` has the ids of the rules that were asked for, None for all that run before a series is posted.
    """
    other = [path for path in paths if not is_source(path)]
    if other:
        yield f"not checked, because no rule reads such files: {_named(other)}"
    in_c = [path for path in paths if path.endswith(C_ENDS) and not path.startswith("rust/helpers/")]
    needing = needing_tree(rules)
    if needing and not has_tree:
        question = f"whether Rust code uses what changes in {_named(in_c)}" if in_c else count(len(needing), "rule")
        yield f"not checked without a kernel tree (--tree REPO): {question}"


def _named(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_MAX_NAMED])
    return shown if len(paths) <= _MAX_NAMED else f"{shown} and {count(len(paths) - _MAX_NAMED, 'more file')}"
