# SPDX-License-Identifier: GPL-2.0-or-later
import json

from rules.registry import RULES
from tests.bot.cli.cli_runner import Run


def test_every_rule_is_listed_on_a_line_of_its_own(run: Run) -> None:
    result = run("rules")

    assert 0 == result.status
    assert [(rule.id, rule.scope.value, rule.summary) for rule in RULES] == [
        (words[0], words[3], words[4].strip())
        for line in result.out.splitlines()[1:]
        for words in [line.split(maxsplit=4)]
    ]


def test_every_rule_is_a_record(run: Run) -> None:
    records = json.loads(run("rules", "--format", "json").out)

    assert [(rule.id, rule.scope.value, rule.summary) for rule in RULES] == [
        (record["id"], record["scope"], record["summary"]) for record in records
    ]
    assert records[:1] == json.loads(run("rules", RULES[0].id, "--format", "json").out)
    assert [] == json.loads(run("rules", "--stats", "--format", "json").out)


def test_a_rules_page(run: Run) -> None:
    result = run("rules", "missing-safety-comment")

    assert 0 == result.status
    assert all(heading in result.out for heading in ("What it flags", "Why", "How to fix", "What it does not flag"))


def test_a_rule_that_does_not_exist(run: Run) -> None:
    result = run("rules", "no-such-rule")

    assert 2 == result.status
    assert "no-such-rule" in result.err
