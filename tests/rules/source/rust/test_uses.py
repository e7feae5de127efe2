# SPDX-License-Identifier: GPL-2.0-or-later
"""What `use` declarations bring in."""

import pytest

from rules.source.rust.source import RustSource


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("use a::b;", {"b": "a::b"}),
        ("pub(crate) use ::a::b as c;", {"c": "a::b"}),
        ("use a::{b, c::{self, d}, e as f};", {"b": "a::b", "c": "a::c", "d": "a::c::d", "f": "a::e"}),
        ("use a::{\n    b, // x\n    c, //\n};", {"b": "a::b", "c": "a::c"}),
        ("use a::*;", {"*": "a::*"}),
        ("use {a::b, c};", {"b": "a::b", "c": "c"}),
        ("use a::r#type;", {"type": "a::type"}),
        ('// use a::b;\nlet x = "use c::d;";', {}),
        ("use a::{b,", {}),
    ],
)
def test_names_and_paths(text: str, names: dict[str, str]) -> None:
    assert {use.name: "::".join(use.path) for use in RustSource(text).uses} == names


def test_places() -> None:
    (first, second) = RustSource("use a::{\n    b,\n    c::d,\n};\n", 5).uses

    assert (first.line, first.column, second.line, second.column) == (6, 5, 7, 8)
