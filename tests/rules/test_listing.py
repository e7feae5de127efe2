# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of names, places and numbers in a sentence."""

from collections.abc import Sequence

import pytest

from rules.listing import number_ranges


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((), ""),
        ((4,), "4"),
        ((1, 2), "1 and 2"),
        ((3, 2, 1, 7), "1\N{EN DASH}3 and 7"),
        ((1, 2, 5, 9), "1, 2, 5 and 9"),
        (range(1, 46), "1\N{EN DASH}45"),
        ((1, 3, 5, 6, 7, 9, 11, 12), "1, 3, 5\N{EN DASH}7, 9 and 2 more"),
        (range(1, 500, 2), "1, 3, 5, 7 and 246 more"),
    ],
)
def test_a_sentence_names_the_first_numbers_and_ranges(numbers: Sequence[int], text: str) -> None:
    assert number_ranges(numbers, 4) == text
