# SPDX-License-Identifier: GPL-2.0-or-later
"""Apply the fixes of findings to the files of a series, and check the result."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate, islice
from typing import Final

from rules.analysis.view import SeriesView
from rules.finding import Edit, Fix
from rules.lazy import dataclass
from rules.lint.engine import run_rules
from rules.lint.rule import Rule

OVERLAPS: Final = "it overlaps another fix"
FAILED_CHECK: Final = "its result has another finding"

_MAX_ROUNDS: Final = 8
_MAX_CHECKS: Final = 200  # of results of fixes, in all rounds
_MAX_OFFERED: Final = 20  # fixes that are checked to be made alone

ViewWith = Callable[[Mapping[str, bytes]], SeriesView]
"""A function that returns the view of a series with other contents of some of its files."""


@dataclass(frozen=True, slots=True)
class FixedFiles:
    """The contents of the files that fixes change, by path; the fixes that were applied, and those left out."""

    contents: Mapping[str, bytes]
    applied: tuple[Fix, ...]
    left_out: tuple[tuple[Fix, str], ...]


def fix_files(
    rules: Sequence[Rule], view: SeriesView, view_with: ViewWith, paths: Collection[str] | None = None
) -> FixedFiles:
    """Return the files after all fixes that remove their finding and cause no other one.

    With `paths`, only the files with these paths are fixed. If fixes overlap, the first one is applied, and
    the result is read again: the other findings may remain in it.
    """
    fixer = _Fixer(_rules_of_files(rules), view, view_with, paths)
    for _ in range(_MAX_ROUNDS):
        if not fixer.run_round():
            break
    return fixer.fixed_files()


def exact_fixes(
    rules: Sequence[Rule], view: SeriesView, view_with: ViewWith, path: str, lines: Collection[int]
) -> tuple[Fix, ...]:
    """Return those of the first fixes on these lines of a file whose results pass the check of `fix_files` alone."""
    fixer = _Fixer(_rules_of_files(rules), view, view_with, {path})
    return fixer.exact_fixes(lines)


class _Fixer:
    """The files of a series as far as they are fixed. Those with the `paths` are checked, or all."""

    def __init__(
        self, rules: Sequence[Rule], view: SeriesView, view_with: ViewWith, paths: Collection[str] | None
    ) -> None:
        self._rules = rules
        self._view_with = view_with
        self._paths = paths
        self._contents = {file.path: file.post.content for file in view.files if file.post and file.is_complete}
        self._fixed: dict[str, bytes] = {}
        self._report = run_rules(rules, view, paths)
        self._applied: list[Fix] = []
        self._failed: dict[tuple[str, str, str, str], Fix] = {}
        self._overlapping: list[Fix] = []
        self._checks = 0

    def run_round(self) -> bool:
        """Apply the fixes that do not overlap and whose results pass the check. Return whether others may remain."""
        fixes = [fix for fix in self._report.fixes if _identity(fix) not in self._failed]
        chosen, self._overlapping = _without_overlaps(fixes)
        passing = self._passing(chosen)
        self._applied += passing
        self._fixed |= self._apply(passing)
        if passing and self._overlapping:
            self._report = run_rules(self._rules, self._view_with(self._fixed), self._paths)
        return bool(self._overlapping)

    def exact_fixes(self, lines: Collection[int]) -> tuple[Fix, ...]:
        """Return the fixes on these lines whose results pass the check alone."""
        fixes = (fix for fix in self._report.fixes if fix.anchor.line in lines)
        return tuple(fix for fix in islice(fixes, _MAX_OFFERED) if not self._check([fix]))

    def fixed_files(self) -> FixedFiles:
        """Return the result of all rounds."""
        left_out = [
            *((fix, OVERLAPS) for fix in self._overlapping),
            *((fix, FAILED_CHECK) for fix in self._failed.values()),
        ]
        return FixedFiles(self._fixed, tuple(self._applied), tuple(left_out))

    def _passing(self, fixes: Sequence[Fix]) -> list[Fix]:
        """Return those fixes whose results pass the check together. The others have failed."""
        kept = list(fixes)
        while kept and (failed := self._check(kept)):
            # The fixes of the rule are at fault, or those of another rule cause its finding.
            places = {_place(fix) for fix in kept}
            paths = {path for path, rule in failed if (path, rule) not in places}
            suspects = [fix for fix in kept if _place(fix) in failed or fix.anchor.path in paths]
            passing = set(kept).difference(suspects)
            for path in dict.fromkeys(fix.anchor.path for fix in suspects):
                known = [fix for fix in passing if fix.anchor.path == path]
                passing.update(self._add(known, [fix for fix in suspects if fix.anchor.path == path]))
            if len(passing) == len(kept):  # All pass alone: the fixes of several files are at fault together.
                passing.difference_update(suspects)
            passing = passing if len(passing) < len(kept) else set()
            self._failed.update((_identity(fix), fix) for fix in kept if fix not in passing)
            kept = [fix for fix in kept if fix in passing]
        return kept

    def _add(self, known: list[Fix], added: list[Fix]) -> list[Fix]:
        """Return the fixes of a file that pass the check with the known ones, which pass it: halve those that fail."""
        if not self._check([*known, *added], {added[0].anchor.path}):
            return added
        if len(added) == 1:
            return []
        half = len(added) // 2
        first = self._add(known, added[:half])
        return [*first, *self._add([*known, *first], added[half:])]

    def _check(self, fixes: Sequence[Fix], paths: Collection[str] | None = None) -> set[tuple[str, str]]:
        """Return path and rule where the result has more findings than expected: all, if nothing is checked any more.

        The findings in files with these paths count.
        """
        paths = self._paths if paths is None else paths
        self._checks += 1
        if self._checks > _MAX_CHECKS:
            return set(map(_place, fixes))
        after = run_rules(self._rules, self._view_with(self._fixed | self._apply(fixes)), paths).findings
        expected = Counter((finding.path or "", finding.rule) for finding in self._report.findings)
        expected.subtract(map(_place, fixes))
        found = Counter((finding.path or "", finding.rule) for finding in after)
        checked = expected if paths is None else [place for place in expected if place[0] in paths]
        return {place for place in (*checked, *found) if found[place] > expected[place]}

    def _apply(self, fixes: Iterable[Fix]) -> dict[str, bytes]:
        """Return the files that fixes change, without those of earlier rounds."""
        contents = self._contents | self._fixed
        return {path: apply_edits(contents[path], edits) for path, edits in _edits_by_path(fixes).items()}


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


def _rules_of_files(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.check_file is not None]


def _identity(fix: Fix) -> tuple[str, str, str, str]:
    """Return what identifies a fix in a later round, in which its lines may have other numbers."""
    return fix.anchor.path, fix.rule, fix.message, fix.anchor.text


def _place(fix: Fix) -> tuple[str, str]:
    return fix.anchor.path, fix.rule


def _without_overlaps(fixes: Iterable[Fix]) -> tuple[list[Fix], list[Fix]]:
    """Return fixes that do not overlap, the first ones of the file, and the others. Equal edits are one."""
    chosen: list[Fix] = []
    others: list[Fix] = []
    edits_by_path: dict[str, list[Edit]] = {}  # in the order of the file
    for fix in sorted(fixes, key=lambda fix: (fix.anchor.path, min(map(_span, fix.edits)))):
        taken = edits_by_path.setdefault(fix.anchor.path, [])
        if any(_overlaps(edit, taken) for edit in fix.edits):
            others.append(fix)
            continue
        chosen.append(fix)
        for edit in fix.edits:
            insort(taken, edit, key=_span)
    return chosen, others


def _overlaps(edit: Edit, taken: Sequence[Edit]) -> bool:
    """Return whether an edit overlaps another one of those taken, which are in the order of the file."""
    at = bisect_left(taken, _span(edit), key=_span)
    before = taken[at - 1] if at else None
    after = taken[at] if at < len(taken) else None
    if after == edit:
        return False
    return (before is not None and _overlap(before, edit)) or (after is not None and _overlap(edit, after))


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
