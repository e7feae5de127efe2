# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions of Kconfig and of `#if` as conditions."""

import pytest

from rules.source.kbuild.condition import (
    ALWAYS,
    NEVER,
    UNKNOWN,
    Condition,
    both,
    either,
    read_c_condition,
    read_expression,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", (("A",),)),
        ("A && B", (("A",), ("B",))),
        ("A || B && C", (("A", "B"), ("A", "C"))),
        ("!(A || B)", (("!A",), ("!B",))),
        ("!!A", (("A",),)),
        ("A=y && B != n && C = n", (("=A",), ("B",), ("!C",))),
        ("A=m || B >= 3", (("?A", "?B"),)),
        ("A || !A", ALWAYS),
        ("A || A=n", ALWAYS),
        ("y", ALWAYS),
        ("n && A", NEVER),
        ("$(cc-option,(-mfoo)) && A", (("$",), ("A",))),
        ('"text" = B', (("?B",),)),
        ("(A", (("A",), *UNKNOWN)),
        ("A B", (("A",), *UNKNOWN)),
    ],
)
def test_an_expression_becomes_clauses(text: str, expected: Condition) -> None:
    assert expected == read_expression(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("defined(CONFIG_A)", (("=A",),)),
        ("IS_ENABLED(CONFIG_A)", (("A",),)),
        ("IS_REACHABLE(CONFIG_A) && defined(CONFIG_B)", (("=A",), ("=B",))),
        ("defined(CONFIG_A) || defined(CONFIG_A_MODULE)", (("=A", "?A"),)),
        ("!defined(CONFIG_A)", (("?A",),)),
        ("!IS_ENABLED(CONFIG_A)", (("!A",),)),
    ],
)
def test_the_condition_of_an_if_is_that_of_built_in_code(text: str, expected: Condition) -> None:
    assert expected == read_c_condition(text)


def test_an_if_that_asks_for_more_than_options_is_unknown() -> None:
    assert UNKNOWN[0] in read_c_condition("defined(CONFIG_A) && defined(__x86_64__)")


def test_a_large_condition_only_mentions_its_options() -> None:
    names = [f"A{number}" for number in range(60)]
    disjunction = either(*(both(((name,),), (("B",),)) for name in names))

    assert {f"?{name}" for name in (*names, "B")} == {atom for clause in disjunction for atom in clause}
    assert UNKNOWN == both(tuple((f"A{number}",) for number in range(1000)))


def test_nested_parentheses_are_read_up_to_a_limit() -> None:
    assert (("A",),) == read_expression("(" * 20 + "A" + ")" * 20)
    assert UNKNOWN[0] in read_expression("(" * 90 + "A" + ")" * 90)
