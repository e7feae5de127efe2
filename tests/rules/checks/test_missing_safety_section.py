# SPDX-License-Identifier: GPL-2.0-or-later
"""A finding asks for a section, or to turn the comment that has its content into one."""

import pytest

from rules.checks.safety.missing_safety_section import RULE
from rules.lint.engine import audit


@pytest.mark.parametrize(
    ("above", "is_content"),
    [
        ("// SAFETY: `led` must be valid.\n", True),
        ("/// Switches on.\n// # Safety\n//\n// `led` must be valid.\n#[inline]\n", True),
        ("//# Safety\n/// Switches on.\n", True),
        ("// SAFETY: `led` must be valid.\n\n", False),
        ("// SAFETY: `led` must be valid.\nstruct Led;\n", False),
        ("/// Safety first.\n", False),
        ("// Safetynet.\n", False),
        ("// Safety-critical.\n", False),
        ("/* SAFETY: `led` must be valid. */\n", True),
        ("/// Switches on.\n///\n/// SAFETY: `led` must be valid.\n", True),
        ("", False),
    ],
)
def test_a_comment_above_is_named(above: str, *, is_content: bool) -> None:
    report = audit((RULE,), "rust/kernel/led.rs", f"{above}pub unsafe fn on(led: *mut Led) {{}}\n".encode())

    (finding,) = report.findings
    assert finding.message == (
        "`unsafe fn on` has no `# Safety` section in its documentation. "
        + (
            "Turn the comment above it into the section."
            if is_content
            else "It should say what a caller has to guarantee."
        )
    )


@pytest.mark.parametrize(
    ("title", "is_section"),
    [
        ("Safety:", True),
        ("Unsafety", True),
        ("SAFETY REQUIREMENTS", True),
        ("Safety-critical", False),
        ("About safety", False),
    ],
)
def test_a_section_with_another_heading_is_named(title: str, *, is_section: bool) -> None:
    text = f"/// # {title}\n///\n/// `led` must be valid.\npub unsafe fn on(led: *mut Led) {{}}\n"

    (finding,) = audit((RULE,), "rust/kernel/led.rs", text.encode()).findings
    assert is_section == ("Its heading should be exactly `# Safety`" in finding.message)


@pytest.mark.parametrize(
    "attribute",
    [
        '#[expect(dead_code, reason = "see https://example.org/1")]',
        '#[doc = "See <https://example.org/1>."]',
        '#[doc = r"A `//` comment."] // Not "code".',
        '#[doc = "A \\" and // a comment."] /* See "x". */',
    ],
)
def test_slashes_in_a_string_of_an_attribute_are_no_comment(attribute: str) -> None:
    docs = "/// Switches on.\n///\n/// # Safety\n///\n/// `led` must be valid.\n"
    text = f"unsafe fn off() {{}}\n\n{docs}{attribute}\npub unsafe fn on(led: *mut Led) {{}}\n"

    findings = audit((RULE,), "rust/kernel/led.rs", text.encode()).findings
    assert ["`unsafe fn off`"] == [finding.message[:15] for finding in findings]


def test_a_search_above_an_item_is_limited() -> None:
    """Each of these lines may be an attribute of the item below."""
    text = "// SAFETY: Valid.\n" + "#[inline]\n" * 200 + "unsafe fn on() {}\n"

    (finding,) = audit((RULE,), "rust/kernel/led.rs", text.encode()).findings
    assert "It should say what a caller has to guarantee." in finding.message
