# SPDX-License-Identifier: GPL-2.0-or-later
"""Apply the fixes of findings to the files of a series, and check the result."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from rules.analysis.view import SeriesView
from rules.finding import Edit, Fix
from rules.lazy import dataclass
from rules.lint.engine import find_fixes, run_rules
from rules.lint.rule import Rule

OVERLAPS: Final = "it overlaps another fix"
FAILED_CHECK: Final = "its result has another finding"

Counts = Mapping[tuple[str, str], int]
"""Numbers of findings by path and rule."""


@dataclass(frozen=True, slots=True)
class FixedFiles:
    """The contents of the files that fixes change, by path; the fixes that were applied, and those left out."""

    contents: Mapping[str, bytes]
    applied: tuple[Fix, ...]
    left_out: tuple[tuple[Fix, str], ...]


def fix_files(
    rules: Sequence[Rule], view: SeriesView, view_with: Callable[[Mapping[str, bytes]], SeriesView]
) -> FixedFiles:
    """Return the files after all fixes that do not overlap, and whose result has no new finding and none of the old.

    `view_with` returns the view of the series with other contents of these files.
    """
    file_rules = [rule for rule in rules if rule.check_file is not None]
    fixes, left_out = _without_overlaps(find_fixes(file_rules, view))
    contents = {file.path: file.post.content for file in view.files if file.post is not None and file.is_complete}
    before = _count(file_rules, view) if fixes else {}
    while fixes:
        fixed = {path: apply_edits(contents[path], edits) for path, edits in _edits_by_path(fixes).items()}
        after = _count(file_rules, view_with(fixed))
        expected = Counter(before)
        expected.subtract((fix.anchor.path, fix.rule) for fix in fixes)
        failed = {place for place in (*expected, *after) if after.get(place, 0) > expected[place]}
        if not failed:
            return FixedFiles(fixed, tuple(fixes), tuple(left_out))
        # The fixes of the rule are at fault, or those of another rule cause its finding.
        by_place = {(fix.anchor.path, fix.rule) for fix in fixes}
        paths = {path for path, rule in failed if (path, rule) not in by_place}
        kept = [fix for fix in fixes if (fix.anchor.path, fix.rule) not in failed and fix.anchor.path not in paths]
        kept = kept if len(kept) < len(fixes) else []
        still = set(kept)
        left_out += ((fix, FAILED_CHECK) for fix in fixes if fix not in still)
        fixes = kept
    return FixedFiles({}, (), tuple(left_out))


def apply_edits(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return a file after edits that do not overlap."""
    text = content.decode("utf-8", "surrogateescape")
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=_span):
        start, end = (min(starts[line - 1] + column - 1, len(text)) for line, column in _span(edit))
        parts += (text[at:start], edit.text)
        at = end
    return "".join([*parts, text[at:]]).encode("utf-8", "surrogateescape")


def _without_overlaps(fixes: Iterable[Fix]) -> tuple[list[Fix], list[tuple[Fix, str]]]:
    """Return the fixes that overlap no other one, and the others with the reason. Equal edits are one."""
    fixes = list(fixes)
    owners: dict[tuple[str, Edit], list[int]] = {}
    for index, fix in enumerate(fixes):
        for edit in fix.edits:
            owners.setdefault((fix.anchor.path, edit), []).append(index)
    overlapping: set[int] = set()
    last: tuple[str, Edit] | None = None
    for place in sorted(owners, key=lambda place: (place[0], _span(place[1]))):
        if last is not None and last[0] == place[0] and _overlap(last[1], place[1]):
            overlapping.update(owners[last], owners[place])
        if last is None or last[0] != place[0] or _span(place[1])[1] >= _span(last[1])[1]:
            last = place
    kept = [fix for index, fix in enumerate(fixes) if index not in overlapping]
    return kept, [(fixes[index], OVERLAPS) for index in sorted(overlapping)]


def _overlap(first: Edit, second: Edit) -> bool:
    """Return whether two different edits overlap, the first of which begins first, or insert at the same place."""
    return _span(second)[0] < _span(first)[1] or _span(first) == _span(second)


def _span(edit: Edit) -> tuple[tuple[int, int], tuple[int, int]]:
    return (edit.line, edit.column), (edit.end_line, edit.end_column)


def _edits_by_path(fixes: Iterable[Fix]) -> dict[str, dict[Edit, None]]:
    """Return the edits of each file, each once."""
    edits: dict[str, dict[Edit, None]] = {}
    for fix in fixes:
        edits.setdefault(fix.anchor.path, {}).update(dict.fromkeys(fix.edits))
    return edits


def _count(rules: Sequence[Rule], view: SeriesView) -> Counts:
    return Counter((finding.path or "", finding.rule) for finding in run_rules(rules, view).findings)
