# SPDX-License-Identifier: GPL-2.0-or-later
"""Fix the findings in a series that a test wrote."""

from collections.abc import Mapping, Sequence

from bot.kernel.work_tree import make_diff
from rules.analysis.view import SeriesView
from rules.bindings.tree import Tree
from rules.diff.parse import parse
from rules.diff.patch import FileChange, Series, Unreadable
from rules.lazy import replace
from rules.lint.engine import view
from rules.lint.fixing import FixedFiles, fix_files
from rules.lint.rule import Rule


def read_changes(diff: bytes) -> tuple[FileChange, ...]:
    """Return the changes of a diff that can be read."""
    changes = parse(diff.decode("utf-8", "surrogateescape"))
    assert not isinstance(changes, Unreadable)
    return changes


def fix_series(rules: Sequence[Rule], series: Series, tree: Tree) -> FixedFiles:
    """Return the fixed files of a series of one patch."""

    def view_with(contents: Mapping[str, bytes]) -> SeriesView:
        changes: list[FileChange] = []
        for change in series.patches[0].changes:
            if change.path in contents:
                before = tree.read(change.before) if change.before is not None else None
                changes += read_changes(make_diff(change.path, before, contents[change.path], change.before))
            else:
                changes.append(change)
        return view(replace(series, patches=(replace(series.patches[0], changes=tuple(changes)),)), tree)

    return fix_files(rules, view(series, tree), view_with)
