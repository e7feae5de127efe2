# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs rules over a series: the same series gives the same report, and a rule that crashes takes nothing else down."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from rules.analysis.fixed_later import Audited, fixed_later
from rules.analysis.view import FileView, SeriesView
from rules.bindings.tree import NoTree, Tree
from rules.diff.image import FileImages, Fragment, Image, Images, build_images, build_new_file_image
from rules.diff.patch import FileChange, Patch, Series
from rules.finding import Diagnostic, Failure, Finding, LogAnchor, Report, Skipped
from rules.lint.rule import Rule
from rules.source.rust.work_limit import TooMuchError

Shown = TypeVar("Shown", FileView, SeriesView)

_MAX_FINDINGS = 2_000  # findings of one rule in a file: more is no review
_MAX_AUDITED = 5_000  # images that are judged alone, and what is found in them


def view(series: Series, tree: Tree) -> SeriesView:
    """The series with all its images, as rules are shown it; `blobs` holds the verified post-images by full blob id."""
    return SeriesView(series, tree, build_images(series, tree))


def run(rules: Sequence[Rule], series: Series, tree: Tree) -> Report:
    """What the rules find in a series."""
    return run_rules(rules, view(series, tree))


def run_rules(rules: Sequence[Rule], shown: SeriesView) -> Report:
    """What the rules find in a series that is already a view.

    Findings come in the order of patch, file in the diff, line, column, rule id; equal ones of a file are numbered. A
    finding whose cause a later patch of the series removes says so in `mended_by`.
    """
    found: list[Finding] = []
    unjudged: list[Failure | Skipped] = []
    for file in shown.files:
        for rule in rules:
            if rule.check_file is not None:
                found += _isolated(rule, rule.check_file, file, file.patch.index, file.path, unjudged)
    for rule in rules:
        if rule.check_series is not None:
            found += _isolated(rule, rule.check_series, shown, 0, "", unjudged)
    fixed = fixed_later(found, shown, _audited(rules, shown))
    mended = [replace(one, mended_by=fixed[id(one)]) if id(one) in fixed else one for one in found]
    order: dict[tuple[int, str], int] = {}
    for position, file in enumerate(shown.files):
        order.setdefault((file.patch.index, file.path), position)
        order.setdefault((file.patch.index, file.change.before or file.path), position)
    return _report(_numbered(sorted(mended, key=lambda one: _position(one, order))), unjudged)


def audit(rules: Sequence[Rule], path: str, content: bytes, tree: Tree | None = None) -> Report:
    """What the rules find in a whole file, judged as if every line of it were new; its patch has the index 0."""
    patch = Patch(0, "")
    images = FileImages(patch, FileChange(None, path), None, build_new_file_image(path, content))
    (file,) = SeriesView(Series("", (patch,)), tree or NoTree(), Images((images,), {})).files
    found: list[Finding] = []
    unjudged: list[Failure | Skipped] = []
    for rule in rules:
        if rule.check_file is not None:
            found += _isolated(rule, rule.check_file, file, 0, path, unjudged)
    return _report(_numbered(sorted(found, key=lambda one: _position(one, {}))), unjudged)


def _report(found: tuple[Finding, ...], unjudged: Iterable[Failure | Skipped]) -> Report:
    failures, skipped = [], []
    for one in dict.fromkeys(unjudged):
        if isinstance(one, Failure):
            failures.append(one)
        else:
            skipped.append(one)
    return Report(found, tuple(failures), tuple(skipped))


def _isolated(
    rule: Rule,
    check: Callable[[Shown], Iterable[Diagnostic]],
    shown: Shown,
    patch: int,
    path: str,
    unjudged: list[Failure | Skipped],
) -> list[Finding]:
    """What one check finds; a crash becomes a Failure, too much a Skipped, and what it had found until then is dropped.

    Raises MemoryError.
    """
    try:
        found = list(islice(check(shown), _MAX_FINDINGS + 1))
        if len(found) <= _MAX_FINDINGS:
            return [_finding(rule, diagnostic) for diagnostic in found]
        reason = f"analysis limit exceeded: more than {_MAX_FINDINGS:,} findings of {rule.id}"
        unjudged.append(Skipped(rule.id, patch, path, reason))
        return []
    except MemoryError:
        raise  # the limit of this process, no mistake of the rule: elsewhere it would find what is there
    except TooMuchError as much:
        place = (0, "") if much.of_series else (patch, path)
        unjudged.append(Skipped(rule.id, *place, str(much)))
        return []
    except Exception as error:  # noqa: BLE001 the one place where a rule's mistake is kept from the other rules
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.name}, line {frame.lineno}"
        unjudged.append(Failure(rule.id, patch, path, f"{type(error).__name__} in {where}: {error}"))
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


def _audited(rules: Sequence[Rule], shown: SeriesView) -> Audited:
    """Return what reports the lines of a rule's findings in an image that is judged alone and as if it were all new.

    A crash there is no failure of the run. An image that the rule could not examine, or that would be one too many, has
    no lines to report, and no finding in it counts as fixed.
    """
    by_id = {rule.id: rule for rule in rules}
    seen: dict[tuple[str, str, bool, tuple[Fragment, ...]], frozenset[int] | None] = {}
    views: dict[tuple[str, bool, tuple[Fragment, ...]], FileView] = {}
    left = _MAX_AUDITED

    def lines(rule_id: str, image: Image) -> frozenset[int] | None:
        nonlocal left
        key = (rule_id, image.path, image.is_complete, image.fragments)
        if key not in seen:
            check = by_id[rule_id].check_file
            unjudged: list[Failure | Skipped] = []
            if check is None or left <= 0:
                return None
            if key[1:] not in views:
                views[key[1:]] = shown.alone(image)
            found = _isolated(by_id[rule_id], check, views[key[1:]], 0, image.path, unjudged)
            seen[key] = None if unjudged else frozenset(one.anchor.line for one in found)
            left -= 1 + len(found)
        return seen[key]

    return lines


def _numbered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with ordinals, so that no two of one patch have the same fingerprint."""
    seen: Counter[tuple[str, int, str, str, str]] = Counter()
    numbered = []
    for one in findings:
        key = (one.rule, one.anchor.patch, one.path or "", one.scope, " ".join(one.anchor.text.split()))
        numbered.append(replace(one, ordinal=seen[key]) if seen[key] else one)
        seen[key] += 1
    return tuple(numbered)


def _position(finding: Finding, order: Mapping[tuple[int, str], int]) -> tuple[int, int, int, int, str]:
    """What findings are sorted by; a file's place in the diff stands before its name."""
    anchor = finding.anchor
    if isinstance(anchor, LogAnchor):
        return (anchor.patch, -1, anchor.line, 0, finding.rule)
    return (anchor.patch, order.get((anchor.patch, anchor.path), 0), anchor.line, anchor.column, finding.rule)
