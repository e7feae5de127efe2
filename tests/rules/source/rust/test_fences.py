# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines of documentation are code."""

import pytest

from rules.source.rust.fences import Fences


def _read(text: str) -> str:
    """Return a letter for each line: `.` text, `[` opens, `c` code, `]` closes."""
    fences = Fences()
    letters = {"text": ".", "opens": "[", "code": "c", "closes": "]"}
    return "".join(letters[fences.read(line)] for line in text.split("\n"))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\n```\nb\n```\nc", ".[c]."),
        (" ```rust,no_run\nb\n ```", "[c]"),
        ("````\n```\n````", "[c]"),  # a shorter fence is code
        ("```\n````", "[]"),  # a longer one closes
        ("```\n~~~\n```", "[c]"),
        ("~~~ x`y\n~~~", "[]"),
        ("```\n``` rust\n```", "[c]"),  # a fence with words closes nothing
        ("``` `x` ```\na", ".."),  # code in a line of text
        ("- ```\n  b\n  ```\n- c", "[c]."),
        ("10. ~~~\n    b\n    ~~~", "[c]"),
        ("> ```\n> b\n> ```\nc", "[c]."),
        ("> - ```\n>   ```", "[]"),
        ("-```\na", ".."),  # no mark of a list without a blank
        ("```\n- ```\n```", "[c]"),  # the mark of a list is code
        ("``\na", ".."),
        ("```", "["),
    ],
)
def test_fences(text: str, read: str) -> None:
    assert _read(text) == read


def test_the_words_after_the_last_opening_fence_are_known() -> None:
    fences = Fences()
    for line in ("~~~ rust, ignore", "x", "~~~"):
        fences.read(line)

    assert fences.info == " rust, ignore"
