# SPDX-License-Identifier: GPL-2.0-or-later
"""Parsing within limits, and syntax that the grammar does not know."""

import pytest

from rules.finding import Confidence
from rules.source.rust.grammar import parse_bytes, parse_counted
from rules.source.rust.source import RustSource
from rules.source.rust.work_limit import WorkLimit


def test_nodes_of_a_long_text_give_their_own_however_many_are_asked() -> None:
    calls = [b"a%d!( unsafe { f() } );\n" % number for number in range(2000)]
    tree = parse_bytes(b"".join(calls))

    assert tree is not None
    assert [call.strip() for call in calls] == [node.text for node in tree.root_node.children]
    assert b"".join(calls) == tree.root_node.text


@pytest.mark.parametrize(
    ("text", "units"),
    [
        (b"fn f() {}", 1),
        (b"fn f() {}\n".ljust(64 * 1024), 1),
        (b"fn f() {}\n".ljust(64 * 1024 + 1), 3),
        (b"fn f() {}\n".ljust(3 * 64 * 1024), 4),
        (b"fn f( {}", 1),
        (b"] " * 40, 9),
        (b"fn f() { let = ; let = ; let = ; let = ; let = ; let = ; let = ; }", 5),
    ],
)
def test_a_parse_costs_a_unit_for_each_piece_and_one_more_for_five_errors(text: bytes, units: int) -> None:
    work = WorkLimit(limit=1000)
    parse_counted(text, 40, work)

    assert [bool(work.count(1000 - units)), bool(work.count(1))] == [False, True]


@pytest.mark.parametrize(
    ("text", "tolerance", "is_parsed"),
    [
        (b"fn f() {}", 0, True),
        (b"a]\n" * 50, 0, False),
        (b"a]\n" * 50, 1, True),
        (b"a]\n" * 1000, 5, False),
        (b"a]\n" * 1000, 40, True),
        (b"a]\n" * 5000, 40, False),
    ],
)
def test_a_long_text_with_more_errors_than_are_tolerated_is_not_parsed(
    text: bytes, tolerance: int, is_parsed: bool
) -> None:
    assert (parse_bytes(text, tolerance) is not None) is is_parsed
    assert parse_bytes(b"fn f() {}\n" * 500, 0) is not None  # the parser is as before


def test_a_nul_is_a_blank() -> None:
    tree = parse_bytes(b"fn\0f()\0{}")

    assert tree is not None
    assert not tree.root_node.has_error


@pytest.mark.parametrize(("before", "column"), [("é", 1), ("é" * 996, 996), ("é" * 997, 1994)])
def test_a_column_counts_characters_unless_it_is_far_away(before: str, column: int) -> None:
    (site,) = RustSource(f"/* {before} */ unsafe impl A for B {{}}\n".encode()).unsafe_sites

    assert site.column == column + len("/*  */ ") + 1


def test_a_file_with_too_many_errors_is_read_as_tokens() -> None:
    source = RustSource(b"a]\n" * 5000 + b"fn f() { unsafe { g() } }\n")

    assert [(site.line, site.confidence) for site in source.unsafe_sites] == [(5001, Confidence.LOW)]


@pytest.mark.parametrize(
    ("struct", "verdict"),
    [
        ("struct A {\n    // SAFETY: a\n    b: u8 = unsafe { c() },\n}\n", "clippy"),
        ("pub(crate) struct A<T: B> {\n    // SAFETY: a\n    pub b: u8 =\n        unsafe { c() },\n}\n", "clippy"),
        ("struct A {\n    b: u8 = unsafe { c() },\n}\n", "none"),
        ("// SAFETY: a\nstruct A {\n    b: u8,\n    c: u8 = unsafe { d() },\n}\n", "lenient"),
    ],
)
def test_the_default_value_of_a_field_may_be_justified(struct: str, verdict: str) -> None:
    (site,) = RustSource(f"struct X {{\n    a: u8,\n}}\n{struct}fn f() {{}}\n".encode()).unsafe_sites

    assert (site.reading.verdict, site.setting) == (verdict, "macro-call")


def test_a_const_unsafe_trait_is_declared() -> None:
    (declaration,) = RustSource(b"const unsafe trait T {}\n").unsafe_declarations

    assert (declaration.kind, declaration.name, declaration.column) == ("trait", "T", 7)
