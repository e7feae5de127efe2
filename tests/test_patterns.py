# SPDX-License-Identifier: GPL-2.0-or-later
"""No regular expression of the program takes more than linear time, whatever the text."""

import re

import pytest

from tests.growth import MAX_RATIO
from tests.patterns import Pattern, compiled_objects, faults, growths, modules, patterns, run_time_calls

# The globs and the expressions of the operator's own MAINTAINERS (an import of re with another name),
# and rules.lazy, which compiles the expressions that are known from its callers.
AT_RUN_TIME = {
    "rules.analysis.maintainers": 1,
    "rules.lazy": 1,
}


def slow_text(pattern: Pattern) -> str | None:
    """Return the first text for which the expression was measured to take more than linear time."""
    return next((f"{ratio:.1f} times as long: {what}" for ratio, what in growths(pattern) if ratio > MAX_RATIO), None)


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: pattern.where)
def test_an_expression_takes_linear_time(pattern: Pattern) -> None:
    assert faults(pattern) == []
    assert slow_text(pattern) is None


def test_the_source_holds_every_expression_that_a_module_holds() -> None:
    known = {pattern.source for pattern in patterns()}

    assert [(where, held.pattern) for where, held in compiled_objects() if held.pattern not in known] == []


def test_no_expression_is_made_otherwise() -> None:
    calls = [call for name, tree in modules() for call in run_time_calls(name, tree)]

    assert {name: calls.count(name) for name in calls} == AT_RUN_TIME


def of(source: str, *methods: str, flags: int = 0) -> Pattern:
    return Pattern("here", source, flags, frozenset(methods or {"match"}))


@pytest.mark.parametrize(
    "pattern",
    [
        of(r"(?:a+)+$"),
        of(r"(?:a|b+)*c"),
        of(r"\s*\s*a"),
        of(r"a\w+\d*b"),
        of(r"(?:\s*a?)*b"),
        of(r"\s+$", "search"),
        of(r"^\s*a", "search", flags=re.MULTILINE),
    ],
    ids=lambda pattern: str(pattern.source),
)
def test_a_form_that_costs_much_is_a_fault(pattern: Pattern) -> None:
    assert faults(pattern)


def test_a_form_that_early_versions_of_python_get_wrong_is_a_fault() -> None:
    assert faults(of(r"(?:ab?c)*+"))
    assert faults(of(r"(ab?c)?+"))
    assert faults(of(r"(?>ab?c)*+")) == []


@pytest.mark.parametrize(
    "pattern",
    [of(r"//[\s/]*a", "search"), of(r".*a.*b"), of(r"\(.*\)x", "search"), of(r"a[^b]*c", "sub")],
    ids=lambda pattern: str(pattern.source),
)
def test_a_text_that_costs_much_is_found(pattern: Pattern) -> None:
    assert slow_text(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        of(r"\s*+a"),
        of(r"(?<!\s)\s++$", "search"),
        of(r"(?>[^a]*+a)*+b"),
        of(r"\w+:\s*[^\s:]+", "match"),
        of("ab", "search"),
    ],
    ids=lambda pattern: str(pattern.source),
)
def test_a_linear_form_is_none(pattern: Pattern) -> None:
    assert faults(pattern) == []
    assert slow_text(pattern) is None
