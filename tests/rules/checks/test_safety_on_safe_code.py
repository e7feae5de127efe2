# SPDX-License-Identifier: GPL-2.0-or-later
"""A finding about a comment shows the code below it, which the quote above the finding does not."""

from rules.checks.safety.safety_on_safe_code import RULE
from rules.finding import Evidence
from rules.lint.engine import audit


def test_the_first_line_of_the_safe_code_is_shown() -> None:
    text = """
fn on(led: &Led) {
    // SAFETY: `led` is valid, because
    // it was checked.

    #[cfg(CONFIG_LED)]
    let raw = led
        .as_ptr();
}
"""

    (finding,) = audit((RULE,), "rust/kernel/led.rs", text.encode()).findings

    assert finding.evidence == (Evidence("rust/kernel/led.rs:7", ("let raw = led",)),)
