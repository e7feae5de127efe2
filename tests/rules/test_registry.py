# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules are valid, and every example gives exactly the findings in its margin."""

from dataclasses import replace
from pathlib import Path

import pytest

import rules.checks
from rules.bindings.tree import NoTree
from rules.check_rule import check_example
from rules.lint.engine import run
from rules.lint.example import load
from rules.lint.rule import Example, Rule
from rules.registry import RULES, active, active_for, problems

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


def test_the_table_has_every_rule_with_the_id_of_its_module() -> None:
    folder = Path(rules.checks.__path__[0])
    modules = [path.stem.replace("_", "-") for path in folder.glob("*/*.py") if path.stem != "__init__"]

    assert sorted(rule.id for rule in RULES) == sorted(modules)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_the_rules_for_some_files_find_all_that_is_found_without_a_tree(rule: Rule, example: Example) -> None:
    series = load(example).series
    chosen = active_for({path for patch in series.patches for path in patch.paths})

    assert run(chosen, series, NoTree()) == run(active(), series, NoTree())


def test_no_rule_is_loaded_for_c_code() -> None:
    assert active_for(["kernel/led.c", "include/linux/led.h", "rust/Makefile"]) == ()
    assert {rule.id for rule in active_for(["rust/helpers/led.c"])} == {
        "helper-missing-annotation",
        "helper-export-symbol",
        "helper-signature",
    }
