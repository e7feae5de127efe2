# SPDX-License-Identifier: GPL-2.0-or-later
"""The word SAFETY at the start of a comment, told in one pass over the text."""

import pytest

from rules.source.rust.lines import has_lenient_tag, is_untagged
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("text", "tagged", "untagged"),
    [
        (b"// SAFETY: x", True, False),
        (b"// SAFETY x", True, True),
        (b"/* !Safety x", True, True),
        (b"SAFETY x", True, True),
        (b"f(); // SAFETY x", True, True),
        (b"// a SAFETY x", False, False),
        (b"// SAFETYNET x", False, False),
        (b"// any safety : x", True, False),
        (b"f() / SAFETY", False, False),
    ],
)
def test_a_comment_starts_with_the_word(text: bytes, tagged: bool, untagged: bool) -> None:
    assert (has_lenient_tag(text), is_untagged(text)) == (tagged, untagged)


@pytest.mark.parametrize("unit", [b"/", b" ", b"/*", b"// ", b"SAFETY ", b"/SAFETY", b"safety ", b"*"])
def test_hostile_comments_cost_time_in_proportion_to_their_length(unit: bytes) -> None:
    end = b"x SAFETYNET Safet"
    assert_linear(lambda size: unit * (size // len(unit)) + end, has_lenient_tag, 20_000)
    assert_linear(lambda size: unit * (size // len(unit)) + end, is_untagged, 20_000)
