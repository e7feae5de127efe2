# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands before a `use` declaration."""

import pytest

from rules.source.rust.use_layout import is_plain_use


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
