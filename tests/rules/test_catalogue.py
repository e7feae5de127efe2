# SPDX-License-Identifier: GPL-2.0-or-later
"""The generated documentation: complete, deterministic, fresh."""

from pathlib import Path

from rules.catalogue import document, one
from rules.registry import HEADINGS, RULES

ROOT = Path(__file__).parents[2]


def test_every_rule_stands_in_the_table_and_in_full() -> None:
    text = document()

    for rule in RULES:
        assert f"| [{rule.id}](#{rule.id}) |" in text
        assert f"\n### {rule.id}\n" in text


def test_one_rule_has_its_headings_evidence_and_examples() -> None:
    for rule in RULES:
        text = one(rule)

        assert [line[3:] for line in text.split("\n") if line.startswith("## ")] == [*HEADINGS, "Evidence", "Examples"]
        assert all(example.name[1:] in text for example in rule.examples)


def test_the_documentation_in_the_tree_is_fresh() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == document()
