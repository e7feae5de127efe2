# SPDX-License-Identifier: GPL-2.0-or-later
"""The `#[cfg]`s around a place."""

import pytest

from rules.source.kbuild.condition import ALWAYS, UNKNOWN, Condition
from rules.source.rust.cfg import Gates, read_predicate
from rules.source.rust.source import RustSource


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CONFIG_A", (("A",),)),
        ('CONFIG_A = "y"', (("=A",),)),
        ("all(CONFIG_A, not(CONFIG_B))", (("A",), ("!B",))),
        ("any(CONFIG_A, CONFIG_B)", (("A", "B"),)),
        ("not(any(CONFIG_A, CONFIG_B))", (("!A",), ("!B",))),
        ("test", UNKNOWN),
        ('CONFIG_A = "m"', UNKNOWN),
        ("CONFIG_A CONFIG_B", UNKNOWN),
    ],
)
def test_a_predicate_is_a_condition(text: str, expected: Condition) -> None:
    assert expected == read_predicate(text)


def at(text: str, word: str) -> Condition:
    return Gates(RustSource(text)).at(text.index(word))


@pytest.mark.parametrize(
    "text",
    [
        "#[cfg(CONFIG_A)] use inside::b; use outside::b;",
        "#[cfg(CONFIG_A)]\n#[doc(hidden)]\npub(crate) unsafe fn f<T, U>() where T: B, U: C { inside }\nfn outside() {}",
        "impl A {\n    #[cfg(\n        CONFIG_A\n    )]\n    fn f() { inside }\n    fn outside() {}\n}",
        "fn f() {\n    #[cfg(CONFIG_A)]\n    if a { b } else { inside }\n    outside\n}",
        "fn f() {\n    #[cfg(CONFIG_A)]\n    let a = B { c, inside };\n    outside\n}",
        "struct A {\n    #[cfg(CONFIG_A)]\n    a: B<C, inside>,\n    outside: u8,\n}",
        "#[cfg(CONFIG_A)] const A: [u8; 2] = { inside }; const outside: u8 = 0;",
        "mod outside {} mod a { #![cfg(CONFIG_A)]\n fn f() { inside } }",
        "fn f() { g(outside, #[cfg(CONFIG_A)] inside) }",
    ],
)
def test_an_attribute_covers_what_it_belongs_to(text: str) -> None:
    assert (("A",),) == at(text, "inside")
    assert ALWAYS == at(text, "outside")


def test_an_attribute_of_the_file_covers_it() -> None:
    assert (("A",),) == at("//! File.\n#![cfg(CONFIG_A)]\nmod a {}\nfn f() { inside }", "inside")


def test_nested_attributes_add_up() -> None:
    text = "#[cfg(CONFIG_A)] #[cfg(CONFIG_B)] mod a { #[cfg(CONFIG_C)] fn f() { inside } }"

    assert (("A",), ("B",), ("C",)) == at(text, "inside")


def test_deep_attributes_are_unknown() -> None:
    text = "#[cfg(CONFIG_A)] mod a { " * 40 + "inside" + "}" * 40 + " fn outside() {}"

    assert UNKNOWN[0] in at(text, "inside")
    assert ALWAYS == at(text, "outside")
