# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule as a value: what it is called, how much it weighs, and the pure function that finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rules.analysis.view import FileView, SeriesView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import RuleEvidence


class Status(StrEnum):
    """The life of a rule: `preview` (web and digest only), `stable` (may be mailed), `retired` (id never reused)."""

    PREVIEW = "preview"
    STABLE = "stable"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Example:
    """A diff with the expected findings in its margin; see rules.lint.example for the notation."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Exactly one of `check_file` and `check_series` is set.

    `doc` is the docstring of the rule's module, with the headings What it flags, Why, How to fix, When it stays silent.
    `tier` 1 is said under the line, 2 goes to one aggregated block of nits, each at most once a patch.
    `needs_series`: another patch of the series can resolve a finding, so that nothing is reported while one is missing.
    `evidence` are the reviews, documents, lints and issues that ask for what the rule reports.
    """

    id: str
    summary: str
    severity: Severity
    status: Status
    doc: str
    evidence: tuple[RuleEvidence, ...]
    examples: tuple[Example, ...]
    check_file: Callable[[FileView], Iterator[Diagnostic]] | None = None
    check_series: Callable[[SeriesView], Iterator[Diagnostic]] | None = None
    tier: int = 1
    in_mail: bool = True
    needs_tree: bool = False
    needs_series: bool = False
