# SPDX-License-Identifier: GPL-2.0-or-later
"""What a failure says."""

import pytest

from rules.finding import Failure


@pytest.mark.parametrize(
    ("patch", "path", "place"),
    [(2, "a.rs", "patch 2, a.rs"), (0, "a.rs", "a.rs"), (0, "", "the series")],
)
def test_a_failure_names_the_rule_and_its_place(patch: int, path: str, place: str) -> None:
    assert f"rule led-rule failed on {place}: ValueError" == Failure("led-rule", patch, path, "ValueError").line
