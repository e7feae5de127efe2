# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from rules.analysis.addressed import MAX_TEXT, count_addressed, is_requirement

POINTER = "- `ptr` must be a valid pointer to a `struct led` for the lifetime `'a`."
LOCK = "- The caller must hold `led_lock`."


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("SAFETY: `ptr` is valid, because `self` owns it.", 1),
        ("SAFETY: By the type invariant, `self.ptr` is a valid pointer, and we hold `led_lock`.", 2),
        ("SAFETY: The lock of the LED is held.", 1),
        ("SAFETY: The caller must ensure that it is safe to call this function.", 0),
        ("SAFETY: TODO.", 0),
        ("", 0),
    ],
)
def test_a_requirement_is_addressed_by_a_third_of_its_words(comment: str, expected: int) -> None:
    assert count_addressed([POINTER, LOCK], comment) == expected


def test_the_share_is_that_of_the_words_of_the_requirement() -> None:
    assert count_addressed(["alpha beta gamma"], "alpha and much more text on other things") == 1
    assert count_addressed(["alpha beta gamma delta"], "alpha and much more text on other things") == 0


def test_a_requirement_of_common_words_needs_a_comment_with_words() -> None:
    assert count_addressed(["The caller must ensure that it is safe."], "SAFETY: It is static.") == 1
    assert count_addressed(["The caller must ensure that it is safe."], "SAFETY: It is.") == 0


def test_long_texts_are_cut() -> None:
    assert count_addressed(["alpha"], "x" * MAX_TEXT + " alpha") == 0


@pytest.mark.parametrize(
    "text", ["[`Arc`]: crate::sync::Arc", "```rust let x = 1; ```", "The caller must ensure that:", "For all of `'a`,"]
)
def test_definitions_code_and_introductions_require_nothing(text: str) -> None:
    assert not is_requirement(text)


@pytest.mark.parametrize("text", [POINTER, LOCK, "[`ptr`] must be valid.", "- it is odd,", "1. it fails, that is:"])
def test_requirements(text: str) -> None:
    assert is_requirement(text)
