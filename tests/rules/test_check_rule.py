# SPDX-License-Identifier: GPL-2.0-or-later
"""The command that checks one rule: what it runs, what it says, and what it does not load."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rules.analysis.view import FileView
from rules.check_rule import check_rule, main
from rules.finding import Diagnostic
from rules.registry import RULES

ROOT = Path(__file__).parents[2]


def test_a_rule_whose_examples_agree_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["safety-two-tags"]) == 0
    assert capsys.readouterr().out == "safety-two-tags: 3 examples, 0 failures\n"


def test_an_unknown_id_is_an_error_with_suggestions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["safety-two-tag"]) == 2
    assert "No rule has the id 'safety-two-tag'. Did you mean safety-two-tags" in capsys.readouterr().err
    assert main(["zzz"]) == 2
    assert "`patchwarden rules` lists all rules" in capsys.readouterr().err
    assert main([]) == 2
    assert "make rule ID=" in capsys.readouterr().err


def test_a_missed_line_and_a_crash_are_failures() -> None:
    def crash(file: FileView) -> Iterator[Diagnostic]:
        raise KeyError(file.path)

    rule = next(rule for rule in RULES if rule.id == "safety-two-tags")
    missed = list(check_rule(replace(rule, check_file=lambda _: iter(()))))
    crashed = list(check_rule(replace(rule, check_file=crash)))

    assert len(missed) == 1
    assert "expected 1 finding, got 0" in missed[0]
    assert sum("KeyError" in line for line in crashed) == len(rule.examples)


def test_the_command_loads_neither_the_service_nor_pytest() -> None:
    code = "import sys, rules.check_rule; print(sorted({'bot', 'pytest', 'sqlmodel', 'pygit2'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert shown.stdout == "[]\n"
