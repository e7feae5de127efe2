# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules are valid, and every example gives exactly the findings in its margin."""

from dataclasses import replace

import pytest

from rules.check_rule import check_example
from rules.lint.rule import Example, Rule
from rules.registry import RULES, problems

EXAMPLES = [pytest.param(rule, example, id=f"{rule.id}: {example.name}") for rule in RULES for example in rule.examples]


def test_all_rules_are_valid() -> None:
    assert problems(RULES) == ()


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example_gives_exactly_the_findings_in_its_margin(rule: Rule, example: Example) -> None:
    assert list(check_example(rule, example)) == []


def test_a_rule_with_missing_parts_is_named() -> None:
    broken = replace(RULES[0], id="No_Kebab", doc="nothing", evidence=(), examples=(), tier=3, summary="It is.")

    text = "\n".join(problems((broken, broken)))

    for part in ("2 rules have", "kebab-case", "headings", "no evidence", "flagged", "tier", "full stop"):
        assert part in text
