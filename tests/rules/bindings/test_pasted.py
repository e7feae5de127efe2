# SPDX-License-Identifier: GPL-2.0-or-later
"""Match names of helpers that a macro pastes together. A patch chooses both the pieces and the name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bindings.index import _is_pasted
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (r"lamp_\w*", "lamp_on", True),
        (r"lamp_\w*", "lamp_", True),
        (r"lamp_\w*", "lam", False),
        (r"\w*_on", "lamp_on", True),
        (r"\w*_on", "lamp_off", False),
        (r"a\w*a", "a", False),
        (r"a\w*b\w*c", "axbxc", True),
        (r"a\w*b\w*c", "acxb", False),
        ("lamp", "lamp", True),
        ("lamp", "lamps", False),
    ],
)
def test_a_name_matches_its_pieces(pattern: str, name: str, matches: bool) -> None:
    assert _is_pasted(tuple(pattern.split(r"\w*")), name) is matches


@given(st.lists(st.text("ab", max_size=2), min_size=1, max_size=4), st.text("ab", max_size=6))
def test_a_pasted_name_is_recognised(pieces: list[str], filler: str) -> None:
    assert _is_pasted(tuple(pieces), filler.join(pieces))


def test_matching_many_gaps_takes_linear_time() -> None:
    pieces = ("", *["a"] * 50, "b")

    assert_linear(lambda size: "a" * size, lambda name: _is_pasted(pieces, name), 50_000)
