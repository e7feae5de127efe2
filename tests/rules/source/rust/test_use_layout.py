# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands before a `use` declaration, and the layout in which it is written."""

import pytest

from rules.source.rust.source import RustSource
from rules.source.rust.use_layout import is_plain_use, rewrite_use


@pytest.mark.parametrize(
    ("before", "is_plain"),
    [
        ("", True),
        (" " * 5_000, True),  # a long comment is blank in the code
        ("mod led;\n", True),
        ("mod led {\n    ", True),
        ("fn on() {}" + " \n" * 300, True),
        ("#[cfg(CONFIG_LED)]\n", False),
        ("#[cfg(CONFIG_LED)]" + " \n" * 300, False),
        ("pub ", False),
        ("pub(crate) ", False),
    ],
)
def test_a_plain_use_has_no_attribute_and_no_visibility(before: str, is_plain: bool) -> None:
    assert is_plain_use(f"{before}use led;", len(before)) is is_plain


@pytest.mark.parametrize(
    ("tree", "lines"),
    [
        ("led::{on, off}", ["led::{", "    on,", "    off, //", "}"]),
        (
            "led::{on, blue::{on, off}}",
            ["led::{", "    on,", "    blue::{", "        on,", "        off, //", "    },", "}"],
        ),
        (
            "led::{off, on, blue::{on, off}}",
            ["led::{", "    off,", "    on,", "    blue::{", "        on,", "        off, //", "    }, //", "}"],
        ),
    ],
)
def test_the_last_list_has_a_comment_if_rustfmt_joins_names_above_it(tree: str, lines: list[str]) -> None:
    text = f"use {tree};\n"
    (edit,) = rewrite_use(RustSource(text), text.index("led"), text.index(";"))
    assert edit.text == "use " + "\n".join(lines) + ";\n"
