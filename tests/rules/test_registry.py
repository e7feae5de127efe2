# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules are valid, and every example gives exactly the findings in its margin."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import rules.checks
import rules.registry
from rules.bindings.tree import NoTree
from rules.check_rule import check_example
from rules.lint.engine import run
from rules.lint.example import load
from rules.lint.rule import Example, Rule, Scope
from rules.registry import (
    _MENTIONS,
    _WORDS,
    RULES,
    active,
    active_before_posting,
    active_for,
    by_id,
    describe_all,
    problems,
    use_descriptions,
)

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


def test_a_summary_begins_with_a_capital_letter_and_a_page_has_no_escape_for_a_line_break() -> None:
    broken = replace(RULES[0], summary="code that may panic", doc=f"Ends in `\n`.\n{RULES[0].doc}")

    assert list(problems((broken,))) == [
        f"{broken.id}: the summary begins with a small letter",
        f"{broken.id}: a code span begins at the end of a line of the documentation: escape the backslash",
    ]


def test_the_table_has_every_rule_with_the_id_of_its_module() -> None:
    folder = Path(rules.checks.__path__[0])
    modules = [path.stem.replace("_", "-") for path in folder.glob("*/*.py") if path.stem != "__init__"]

    assert sorted(rule.id for rule in RULES) == sorted(modules)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_the_rules_for_some_files_find_all_that_is_found_without_a_tree(rule: Rule, example: Example) -> None:
    series = load(example).series
    changes = [change for patch in series.patches for change in patch.changes]
    added = "\n".join(line.text for change in changes for line in change.added_lines())
    shown = "\n".join(hunk.text for change in changes for hunk in change.hunks)
    chosen = active_for({path for patch in series.patches for path in patch.paths}, added, shown)

    assert run(chosen, series, NoTree()) == run(active_before_posting(), series, NoTree())


def test_no_rule_is_loaded_for_c_code() -> None:
    assert active_for(["kernel/led.c", "include/linux/led.h", "rust/Makefile"], "", "") == ()
    assert {rule.id for rule in active_for(["rust/helpers/led.c"], "", "")} == {
        "helper-missing-annotation",
        "helper-export-symbol",
        "helper-signature",
    }


def test_rules_run_by_their_scope_and_rules_that_must_be_named_run_never_otherwise() -> None:
    assert {rule.scope for rule in active()} == {Scope.MAIL}
    assert {(rule.scope, rule.is_default) for rule in active(Scope.AUTHOR)} == {(Scope.AUTHOR, True)}
    named = {rule.id for rule in RULES} - {rule.id for rule in active_before_posting()}
    assert named == {rule.id for rule in RULES if not rule.is_default}
    assert named


def test_a_rule_of_scope_author_is_of_tier_2_and_one_of_scope_mail_always_runs() -> None:
    author = next(rule for rule in RULES if rule.scope is Scope.AUTHOR)

    assert "tier 2" in "\n".join(problems((replace(author, tier=1),)))
    assert "only with --rule" in "\n".join(problems((replace(author, scope=Scope.MAIL, is_default=False),)))


def test_a_rule_in_the_table_of_another_scope_is_named() -> None:
    author = next(rule for rule in RULES if rule.scope is Scope.AUTHOR)
    moved = (replace(author, scope=Scope.MAIL), replace(author, is_default=False))

    assert [problem.partition(": ")[2] for rule in moved for problem in problems((rule,))] == [
        "its module is not in the table of its scope, which is mail",
        "its module is not in the table of its scope, which is author",
    ]


def test_reviews_without_nits_do_not_load_the_rules_of_scope_author() -> None:
    script = (
        "import sys; from rules.registry import active; active();"
        "print([name for name in sys.modules if name.startswith('rules.checks.style')])"
    )

    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_the_table_has_the_words_of_the_triggers() -> None:
    for module, words in _WORDS.items():
        rule = by_id(module.partition(".")[2].replace("_", "-"))
        assert rule is not None
        assert rule.trigger.adds == words
    for module, words in _MENTIONS.items():
        rule = by_id(module.partition(".")[2].replace("_", "-"))
        assert rule is not None
        assert rule.trigger.mentions == words


def test_descriptions_take_the_place_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, Rule] = {}
    monkeypatch.setattr("rules.registry._descriptions", known)
    described = describe_all()
    use_descriptions(described)

    assert rules.registry.RULES == described == tuple(known.values())
    assert by_id(RULES[0].id) is described[0]
    assert by_id("no-such-rule") is None
    assert {check for rule in described for check in (rule.check_file, rule.check_series, rule.check_pending)} == {None}
    assert [replace(rule, check_file=None, check_series=None, check_pending=None) for rule in RULES] == list(described)
    assert set(active()) <= set(RULES)
