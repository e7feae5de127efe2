# SPDX-License-Identifier: GPL-2.0-or-later
"""The generated documentation: complete, deterministic and current."""

from pathlib import Path

from rules.catalogue import document, page
from rules.registry import HEADINGS, RULES

ROOT = Path(__file__).parents[2]


def test_every_rule_is_in_the_table_and_has_a_section() -> None:
    text = document()

    for rule in RULES:
        assert f"| [{rule.id}](#{rule.id}) |" in text
        assert f"\n### {rule.id}\n" in text


def test_each_family_has_one_heading() -> None:
    headings = [line for line in document().split("\n") if line.startswith("## ")]

    assert len(headings) == len(set(headings)) > 1


def test_the_page_of_a_rule_has_headings_evidence_and_examples() -> None:
    for rule in RULES:
        text = page(rule)

        assert [line[3:] for line in text.split("\n") if line.startswith("## ")] == [*HEADINGS, "Evidence", "Examples"]
        assert all(example.name[1:] in text for example in rule.examples)
        assert "`!` marks the lines that the rule must report" in text


def test_the_committed_documentation_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == document()
