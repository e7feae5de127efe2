# SPDX-License-Identifier: GPL-2.0-or-later
"""Check one rule: its parts, and its examples against their margins. `make rule ID=…` runs this module."""

import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rules.analysis.pending import PENDING_FACTS
from rules.bindings.pending_facts import PendingFacts
from rules.finding import Report
from rules.lazy import dataclass
from rules.lint.engine import run, view
from rules.lint.example import LoadedExample, load
from rules.lint.expectations import differences
from rules.lint.rule import Example, Rule
from rules.registry import RULES, by_id, problems

_MAX_SUGGESTIONS = 3


def main(arguments: Sequence[str]) -> int:
    """Print the result for the rule with the given id. Return 0 if it passes, 1 if not, 2 if there is no such rule."""
    rule_id = arguments[0] if arguments else ""
    rule = by_id(rule_id)
    if rule is None:
        print(_describe_unknown(rule_id), file=sys.stderr)
        return 2
    failures = list(check_rule(rule))
    for failure in failures:
        print(failure)
    print(f"{rule.id}: {len(rule.examples)} examples, {len(failures)} failures")
    return 1 if failures else 0


def check_rule(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with the rule's parts, and each difference from an example's margin."""
    malformed = problems((rule,))
    yield from malformed
    if not malformed:
        for example in rule.examples:
            yield from (f"{rule.id}: {example.name}: {text}" for text in check_example(rule, example))


def check_example(rule: Rule, example: Example) -> Iterator[str]:
    """Yield how the rule's findings in the example differ from the margin, and the crashes of the rule."""
    loaded = load(example)
    report = run_example(rule, loaded)
    yield from (failure.error for failure in report.failures)
    yield from differences(loaded.expected, rule.id, report.findings)


def run_example(rule: Rule, loaded: LoadedExample) -> Report:
    """Return what the rule finds in an example, and in its comparison with the other pending series."""
    pending = [
        _PendingExample(f"{number}@example.org", series.subject, view(series, loaded.tree).result(PENDING_FACTS))
        for number, series in enumerate(loaded.pending, 1)
    ]
    return run((rule,), loaded.series, loaded.tree, pending)


@dataclass(frozen=True, slots=True)
class _PendingExample:
    """A pending series of an example."""

    message_id: str
    subject: str
    facts: PendingFacts


def _describe_unknown(rule_id: str) -> str:
    if not rule_id:
        return "Name a rule: make rule ID=safety-two-tags"
    similar = get_close_matches(rule_id, [rule.id for rule in RULES], _MAX_SUGGESTIONS)
    suggestion = f"Did you mean {' or '.join(similar)}?" if similar else "`patchwarden rules` lists all rules."
    return f"No rule has the id {rule_id!r}. {suggestion}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
