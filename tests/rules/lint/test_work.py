# SPDX-License-Identifier: GPL-2.0-or-later
"""How much work a series takes: checks that are called, texts that are parsed, and diffs that unidiff reads."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from unidiff.patch import PatchSet

from rules.analysis.view import FileView
from rules.bindings.tree import NoTree
from rules.diff.parse import read_patch
from rules.diff.patch import Series
from rules.finding import Diagnostic
from rules.lint.engine import run
from rules.lint.rule import Rule
from rules.registry import RULES
from rules.source.rust import grammar


def _patch(index: int, path: str, *added: str) -> str:
    """Return a patch that puts lines below the first of the known lines of a file."""
    lines = "".join(f"+    {text}\n" for text in added)
    return (
        f"Why.\n---\ndiff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
        f"@@ -{10 * index},2 +{10 * index},{2 + len(added)} @@ fn f()\n"
        f"     let a = 1;\n{lines}     let b = 2;\n-- \n2.47.0\n"
    )


def _series(*bodies: str) -> Series:
    return Series("s", tuple(read_patch(index, "s", body) for index, body in enumerate(bodies, 1)))


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of parsed texts, and of calls of each rule for a file."""
    counts: Counter[str] = Counter()
    parse_bytes = grammar.parse_bytes

    def parsed(text: bytes, tolerance: int = 40) -> object:
        counts["parse"] += 1
        return parse_bytes(text, tolerance)

    monkeypatch.setattr(grammar, "parse_bytes", parsed)
    return counts


def _run(series: Series, counts: Counter[str]) -> None:
    def counted(rule: Rule) -> Rule:
        check = rule.check_file

        def call(file: FileView) -> Iterator[Diagnostic]:
            counts[rule.id] += 1
            return check(file) if check else iter(())

        return replace(rule, check_file=call) if check else rule

    run(tuple(map(counted, RULES)), series, NoTree())


def test_rust_without_the_words_of_rules_is_neither_checked_nor_parsed(called: Counter[str]) -> None:
    _run(_series(_patch(1, "rust/kernel/led.rs", "let c = 3;")), called)

    asked = [rule for rule in RULES if rule.check_file and not (rule.trigger.adds or rule.trigger.mentions)]
    assert {rule.id for rule in asked if "rust/kernel/led.rs".startswith(rule.trigger.path)} == set(called)
    assert 2 >= len(asked)


def test_a_file_in_another_language_calls_few_rules(called: Counter[str]) -> None:
    _run(_series(_patch(1, "drivers/led.c", "unsafe { on() }; // SAFETY: None.")), called)

    assert 0 == called["parse"]
    assert 3 >= len(called)


def test_only_rules_whose_words_are_added_check_a_file(called: Counter[str]) -> None:
    _run(_series(_patch(1, "rust/kernel/led.rs", "// SAFETY: It is on.", "let c = unsafe { on() };")), called)

    assert {"safety-two-tags", "unsafe-semicolon", "missing-safety-comment"} <= set(called)
    assert not {"invariant-tag", "bindings-glob-import", "drop-of-unsafe-result"} & set(called)


def test_a_text_of_a_series_is_parsed_once(called: Counter[str]) -> None:
    """One parse for the hunk, one for the operations in its block; none again for the base of the next patch."""
    path, site = "rust/kernel/led.rs", ("// It is on.", "let c = unsafe { on() };")
    _run(_series(_patch(1, path, *site)), called)
    once = called["parse"]
    called.clear()

    _run(_series(*(_patch(index, path, *site) for index in range(1, 5))), called)
    assert 0 < once <= 2
    assert 4 * once >= called["parse"]


def test_unsafe_code_with_the_usual_comment_is_not_parsed(called: Counter[str]) -> None:
    _run(_series(_patch(1, "rust/kernel/led.rs", "// SAFETY: It is on.", "let c = unsafe { on() };")), called)

    assert "missing-safety-comment" in called
    assert 0 == called["parse"]


def test_usual_hunks_are_read_without_unidiff(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    start = PatchSet.__init__

    def counted(patches: PatchSet, *given: Any, **named: Any) -> None:
        read.append(given)
        start(patches, *given, **named)

    monkeypatch.setattr(PatchSet, "__init__", counted)
    usual = _patch(1, "rust/kernel/led.rs", "let c = 3;")

    assert 1 == len(read_patch(1, "s", usual).changes)
    assert [] == read
    assert read_patch(1, "s", usual.replace("-- \n", "\\ odd\n+-- \n")).damage is not None
    assert [] != read
