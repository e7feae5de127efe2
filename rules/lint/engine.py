# SPDX-License-Identifier: GPL-2.0-or-later
"""Run rules on a series. The same series gives the same report, and a rule that crashes does not affect the others."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from rules.analysis.view import FileView, SeriesView
from rules.bindings.tree import LandingTree, NoTree, Tree, TreeError
from rules.diff.image import FileImages, Fragment, Image, Images, build_images, build_new_file_image
from rules.diff.patch import FileChange, Patch, Series
from rules.diff.top_level import is_source
from rules.finding import Anchor, Diagnostic, Failure, Finding, Fix, LogAnchor, Report, Skipped
from rules.lazy import replace
from rules.lint.rule import Rule, Trigger, fitting
from rules.source.rust.work_limit import TooMuchError

if TYPE_CHECKING:
    from rules.analysis.fixed_later import Audited
    from rules.bindings.collisions import PendingSeries
    from rules.bindings.pending_facts import PendingFacts

View = TypeVar("View")

_MAX_FINDINGS = 2_000  # findings of one rule in a file
_MAX_AUDITED = 5_000  # images that are checked alone, and findings in them
_BINARY = "not checked, because it is a binary file to git: the diff does not show its text"


def view(series: Series, tree: Tree, landing: tuple[LandingTree, ...] = ()) -> SeriesView:
    """Return the view of a series that rules get, with all images. `blobs` has the verified post-images by blob id."""
    return SeriesView(series, tree, build_images(series, tree), landing=landing)


def run(rules: Sequence[Rule], series: Series, tree: Tree, pending: "Sequence[PendingSeries]" = ()) -> Report:
    """Return the findings in a series, and its collisions with the pending series."""
    series_view = view(series, tree)
    report = run_rules(rules, series_view)
    facts, report = collect_pending(rules if pending else (), report, series_view)
    series_view.close()
    return report if facts is None else compare_pending(rules, report, facts, pending)


def run_rules(rules: Sequence[Rule], series_view: SeriesView, paths: Collection[str] | None = None) -> Report:
    """Return the findings in the view of a series, and their fixes.

    They are in the order of patch, file in the diff, line, column and rule id. Equal findings in a file are numbered.
    `fixed_by_patch` is set if a later patch of the series removes the cause of a finding. Rules that check files run
    on the files with these paths only, if any are named.
    """
    findings: list[Finding] = []
    fixes: list[Fix] = []
    unchecked: list[Failure | Skipped] = []
    file_rules = _FileRules(rules)
    for file in series_view.files:
        if paths is not None and file.path not in paths:
            continue
        if file.change.binary and is_source(file.path):
            unchecked.append(Skipped("", file.patch.index, file.path, _BINARY))
        for rule, diagnostic in file_rules.diagnose(file, unchecked):
            findings.append(_finding(rule, diagnostic))
            if diagnostic.fix and isinstance(diagnostic.anchor, Anchor) and _is_fixable(diagnostic, file):
                fixes.append(_fix(rule, diagnostic.anchor, diagnostic, file))
    for rule in rules:
        if rule.check_series is not None:
            found = _run_check(rule, rule.check_series, series_view, 0, "", unchecked)
            findings += (_finding(rule, diagnostic) for diagnostic in found)
    fixed_by = _fixed_later(findings, rules, series_view)
    marked = [
        replace(finding, fixed_by_patch=fixed_by[id(finding)]) if id(finding) in fixed_by else finding
        for finding in findings
    ]
    order: dict[tuple[int, str], int] = {}
    for position, file in enumerate(series_view.files):
        order.setdefault((file.patch.index, file.path), position)
        order.setdefault((file.patch.index, file.change.before or file.path), position)
    report = _report(_numbered(sorted(marked, key=lambda finding: _position(finding, order))), unchecked)
    return replace(report, fixes=tuple(fixes))


def _fixed_later(findings: Sequence[Finding], rules: Sequence[Rule], series_view: SeriesView) -> Mapping[int, int]:
    """Return the index of the patch that fixes a finding, by the `id` of the finding. Others are left out."""
    if not findings or len(series_view.series.patches) == 1:
        return {}
    from rules.analysis.fixed_later import fixed_later

    return fixed_later(findings, series_view, _audited(rules, series_view))


def _fix(rule: Rule, anchor: Anchor, diagnostic: Diagnostic, file: FileView) -> Fix:
    numbers = sorted({number for edit in diagnostic.fix for number in (edit.line, edit.end_line)})
    lines = tuple((number, file.post_lines.get(number, "")) for number in numbers)
    return Fix(rule.id, anchor, diagnostic.message, diagnostic.fix, lines)


def _is_fixable(diagnostic: Diagnostic, file: FileView) -> bool:
    """Return whether the fix is for the file as the series leaves it, and changes only lines that the patch adds.

    A line may be inserted above or below an added one.
    """
    if not (file.is_complete and file.is_kernel_rust) or file.series.next_change(file) is not None:
        return False
    for edit in diagnostic.fix:
        is_insertion = (edit.line, edit.column) == (edit.end_line, edit.end_column) == (edit.line, 1)
        if is_insertion and file.touched.intersection((edit.line - 1, edit.line)):
            continue
        last = max(edit.line, edit.end_line - (edit.end_column == 1))
        if not file.touched.issuperset(range(edit.line, last + 1)):
            return False
    return True


def compare_pending(
    rules: Sequence[Rule], report: Report, facts: "PendingFacts", others: "Sequence[PendingSeries]"
) -> Report:
    """Return the report with the collisions with other pending series, after the other findings of each patch."""
    findings: list[Finding] = []
    unchecked: list[Failure | Skipped] = []
    for rule in rules if others else ():
        if rule.check_pending is not None:
            found = _run_check(rule, partial(rule.check_pending, facts), others, 0, "", unchecked)
            findings += (_finding(rule, diagnostic) for diagnostic in found)
    merged = sorted((*report.findings, *_numbered(findings)), key=lambda finding: finding.anchor.patch)
    return _with_unchecked(replace(report, findings=tuple(merged)), unchecked)


def collect_pending(
    rules: Sequence[Rule], report: Report, series_view: SeriesView
) -> "tuple[PendingFacts | None, Report]":
    """Return what other pending series may contradict, None if no rule asks for it or it cannot be read.

    The report has the reason why it cannot be read.
    """
    rule = next((rule for rule in rules if rule.check_pending is not None), None)
    facts: list[PendingFacts] = []
    unchecked: list[Failure | Skipped] = []

    def collect(view: SeriesView) -> Iterable[Diagnostic]:
        from rules.analysis.pending import PENDING_FACTS

        facts.append(view.result(PENDING_FACTS))
        return ()

    if rule is not None:
        _run_check(rule, collect, series_view, 0, "", unchecked)
    return (facts[0] if facts else None), _with_unchecked(report, unchecked)


def audit(rules: Sequence[Rule], path: str, content: bytes, tree: Tree | None = None) -> Report:
    """Return the findings in a whole file, as if every line were new. Its patch has the index 0."""
    file = view_whole_file(path, content, tree)
    report = audit_view(rules, file)
    file.series.close()
    return report


def view_whole_file(path: str, content: bytes, tree: Tree | None = None) -> FileView:
    """Return the view of a whole file in which every line is new."""
    patch = Patch(0, "")
    images = FileImages(patch, FileChange(None, path), None, build_new_file_image(path, content))
    (file,) = SeriesView(Series("", (patch,)), tree or NoTree(), Images((images,))).files
    return file


def audit_view(rules: Sequence[Rule], file: FileView) -> Report:
    """Return the findings in the view of a whole file."""
    unchecked: list[Failure | Skipped] = []
    findings = [_finding(rule, diagnostic) for rule, diagnostic in _FileRules(rules).diagnose(file, unchecked)]
    return _report(_numbered(sorted(findings, key=lambda finding: _position(finding, {}))), unchecked)


class _FileRules:
    """The rules that check files. Many have the same trigger, which is compared with a file once."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        by_trigger: dict[Trigger, list[tuple[int, Rule, Callable[[FileView], Iterable[Diagnostic]]]]] = {}
        for position, rule in enumerate(rules):
            if rule.check_file is not None:
                by_trigger.setdefault(rule.trigger, []).append((position, rule, rule.check_file))
        self._of_kernel_rust = list(by_trigger.items())
        self._of_others = [item for item in self._of_kernel_rust if not item[0].is_rust]

    def diagnose(self, file: FileView, unchecked: list[Failure | Skipped]) -> Iterator[tuple[Rule, Diagnostic]]:
        """Yield the reports of those rules whose trigger the file fits, in the order of the rules."""
        by_trigger = self._of_kernel_rust if file.is_kernel_rust else self._of_others
        for _, rule, check in sorted(fitting(by_trigger, file)):
            for diagnostic in _run_check(rule, check, file, file.patch.index, file.path, unchecked):
                yield rule, diagnostic


def _with_unchecked(report: Report, unchecked: Iterable[Failure | Skipped]) -> Report:
    added = _report((), unchecked)
    return replace(report, failures=(*report.failures, *added.failures), skipped=(*report.skipped, *added.skipped))


def _report(findings: tuple[Finding, ...], unchecked: Iterable[Failure | Skipped]) -> Report:
    failures, skipped = [], []
    for item in dict.fromkeys(unchecked):
        if isinstance(item, Failure):
            failures.append(item)
        else:
            skipped.append(item)
    return Report(findings, tuple(failures), tuple(skipped))


def _run_check(
    rule: Rule,
    check: Callable[[View], Iterable[Diagnostic]],
    view: View,
    patch: int,
    path: str,
    unchecked: list[Failure | Skipped],
) -> list[Diagnostic]:
    """Return the reports of one check, or none if it crashes or exceeds a limit: `unchecked` gets the reason.

    Raises MemoryError.
    """
    try:
        diagnostics = list(islice(check(view), _MAX_FINDINGS + 1))
        if len(diagnostics) <= _MAX_FINDINGS:
            return diagnostics
        reason = f"analysis limit exceeded: more than {_MAX_FINDINGS:,} findings of {rule.id}"
        unchecked.append(Skipped(rule.id, patch, path, reason))
        return []
    except MemoryError:
        raise  # This is the limit of the process, not a bug of the rule.
    except TooMuchError as error:
        place = (0, "") if error.of_series else (patch, path)
        unchecked.append(Skipped(rule.id, *place, str(error)))
        return []
    except TreeError as error:
        unchecked.append(Failure(rule.id, patch, path, str(error), is_tree_unreadable=True))
        return []
    except Exception as error:  # noqa: BLE001 a bug of a rule must not affect the other rules
        import traceback

        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.name}, line {frame.lineno}"
        unchecked.append(Failure(rule.id, patch, path, f"{type(error).__name__} in {where}: {error}"))
        return []


def _finding(rule: Rule, diagnostic: Diagnostic) -> Finding:
    return Finding(
        rule.id,
        diagnostic.severity or rule.severity,
        diagnostic.confidence,
        diagnostic.anchor,
        diagnostic.message,
        diagnostic.evidence,
        diagnostic.scope,
        facts=diagnostic.facts,
    )


def _audited(rules: Sequence[Rule], series_view: SeriesView) -> "Audited":
    """Return a function that gives the lines of a rule's findings in an image, as if the image were all new.

    A crash there is not a failure of the run. For an image that the rule could not check, or that exceeds the limit,
    the function returns None, and no finding in the image counts as fixed.
    """
    by_id = {rule.id: rule for rule in rules}
    seen: dict[tuple[str, str, bool, tuple[Fragment, ...]], frozenset[int] | None] = {}
    views: dict[tuple[str, bool, tuple[Fragment, ...]], FileView] = {}
    remaining = _MAX_AUDITED

    def lines_of(rule_id: str, image: Image) -> frozenset[int] | None:
        nonlocal remaining
        key = (rule_id, image.path, image.is_complete, image.fragments)
        if key not in seen:
            unchecked: list[Failure | Skipped] = []
            if by_id[rule_id].check_file is None or remaining <= 0:
                return None
            if key[1:] not in views:
                views[key[1:]] = series_view.alone(image)
            alone = views[key[1:]]
            found = list(_FileRules([by_id[rule_id]]).diagnose(alone, unchecked))
            lines = (line for _, diagnostic in found for line in (diagnostic.anchor.line, *diagnostic.lines))
            seen[key] = None if unchecked else frozenset(lines)
            remaining -= 1 + len(found)
        return seen[key]

    return lines_of


def _numbered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with ordinals, so that all findings of a patch have different fingerprints."""
    seen: Counter[tuple[str, int, str, str, str]] = Counter()
    numbered = []
    for finding in findings:
        anchor = finding.anchor
        key = (finding.rule, anchor.patch, finding.path or "", finding.scope, " ".join(anchor.text.split()))
        numbered.append(replace(finding, ordinal=seen[key]) if seen[key] else finding)
        seen[key] += 1
    return tuple(numbered)


def _position(finding: Finding, order: Mapping[tuple[int, str], int]) -> tuple[int, int, int, int, str]:
    """Return the sort key of a finding. Files are sorted by their place in the diff."""
    anchor = finding.anchor
    if isinstance(anchor, LogAnchor):
        return (anchor.patch, -1, anchor.line, 0, finding.rule)
    return (anchor.patch, order.get((anchor.patch, anchor.path), 0), anchor.line, anchor.column, finding.rule)
