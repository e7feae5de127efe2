# SPDX-License-Identifier: GPL-2.0-or-later
"""A `SAFETY:` comment that is there, but not where or how the kernel writes it.

## What it flags

A comment that a patch adds and that justifies an unsafe block or impl, but stands inside the block, after it, or so
far above that Clippy does not find it; that is a `///` comment; or that is spelt otherwise than `SAFETY:`.

Two forms that merged code has about as often as the other are notes, which are never mailed: a comment between
`let x =` and the block, and `SAFETY:` in the middle of a paragraph.

## Why

Documentation/rust/coding-guidelines.rst asks for `// SAFETY:` directly before the block. In one place and one form
people find it, Clippy finds it, and it is not taken for documentation of the public interface.

## How to fix

Move it directly above the statement that holds the unsafe code, begin it with `// SAFETY: `, and separate it from
other remarks by a `//` line.

## When it stays silent

Where the form is merely unusual to people but the place is right: other comments or attributes between the comment
and the block. Where a comment speaks of safety but does not begin with the tag. In macros and doctests, where the
comment was there before, and where nothing justifies the block at all, which is `missing-safety-comment`.
"""

import re
from collections.abc import Iterator, Mapping

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection, IssueReference, MessageId
from rules.lint.rule import Example, Rule, Status
from rules.source.rust.model import UnsafeSite

_COMMENT = re.compile(r"(?P<mark>//[/!]?|/\*)[ \t]*+(?P<text>.*)")
_EXACT = re.compile(r"SAFETY:")
_LOOSE = re.compile(r"safety\s*[:-]?", re.IGNORECASE)
_TAGGED = re.compile(r"(?:\A|//[/!]?|/\*+|\*)[ \t#]*safety\b", re.IGNORECASE)
_OTHER_TAG = re.compile(r"[A-Z]{3,}\b|[-*#>`]|\d+\.")
_LEFT_OPEN = re.compile(r"\s*let\b[^;{}]*=\s*\Z")
_AFTER_EQUALS = re.compile(r"\blet\b[^;{}\"/]*=\s*//")
_BELOW_LET = "Please put the `// SAFETY:` comment above the `let`, not between it and its value."
_HOW = {
    "inside": "Please put the `// SAFETY:` comment above the block, not into it.",
    "inside-late": "Please put the `// SAFETY:` comment above the block, not into it.",
    "previous-line": "Please put the `// SAFETY:` comment on a line of its own above the statement.",
    "trailing": "Please put the `// SAFETY:` comment above the statement, not after it.",
    "same-line": "Please put the `// SAFETY:` comment on a line of its own above the statement.",
    "above-enclosing": "Clippy does not find the comment so far above. Please put it directly above the unsafe code.",
    "untagged": "The tag is `SAFETY:`, the colon directly behind the word: otherwise Clippy does not find it.",
}


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each added comment that has an unsafe site and the wrong place or form."""
    if not file.is_kernel_rust or not file.adds("SAFETY", "Safety", "safety"):
        return
    said: set[int] = set()
    for site in (site for part in file.added_parts("SAFETY", "afety") for site in part.sites):
        line = site.reading.line
        if site.setting != "code" or site.in_test or line not in file.new_lines or line in said:
            continue
        message = _problem(site, file.post_lines)
        severity = Severity.NIT if message else Severity.NOTE
        message = message or _matter_of_taste(site, file.post_lines)
        if message:
            said.add(line)
            yield file.report(line, message, severity=severity, confidence=site.confidence, scope=site.scope)


def _problem(site: UnsafeSite, lines: Mapping[int, str]) -> str | None:
    """What is wrong with the comment of the site; None where nothing is."""
    reading = site.reading
    if reading.how in _HOW:
        if _AFTER_EQUALS.search(lines[reading.line]):
            return None
        return _HOW[reading.how] if _TAGGED.search(lines[reading.line].strip()) else None
    comment = _COMMENT.match(lines[reading.line].strip())
    if reading.verdict != "clippy" or comment is None:
        return None
    if comment["mark"] in ("///", "//!"):
        return "`// SAFETY:` is an ordinary comment: with three slashes it becomes documentation."
    if not _EXACT.match(comment["text"]):
        spelt = _LOOSE.match(comment["text"])
        return f"The tag is written `SAFETY:`, not `{spelt[0].strip()}`." if spelt else None
    return None


def _matter_of_taste(site: UnsafeSite, lines: Mapping[int, str]) -> str | None:
    """Return what some reviewers ask for and merged code often lacks; None if there is nothing."""
    reading = site.reading
    if _AFTER_EQUALS.search(lines[reading.line]):
        return _BELOW_LET
    if reading.verdict != "clippy" or reading.how in _HOW or _COMMENT.match(lines[reading.line].strip()) is None:
        return None
    if _is_mid_paragraph(reading.line, lines):
        return "Please begin `SAFETY:` in a paragraph of its own, after a `//` line."
    if _LEFT_OPEN.match(lines.get(site.statement, "")) and _follows(site.statement, reading.line, lines):
        return _BELOW_LET
    return None


def _follows(statement: int, line: int, lines: Mapping[int, str]) -> bool:
    """Whether the comment with that line begins directly below the statement's first line."""
    return statement < line and all(_COMMENT.match(lines.get(at, "").strip()) for at in range(statement + 1, line + 1))


def _is_mid_paragraph(line: int, lines: Mapping[int, str]) -> bool:
    """Whether the comment line directly above is prose, in a paragraph that begins with prose."""
    first = ""
    at = line - 1
    while comment := _COMMENT.match(lines.get(at, "").strip()):
        if comment["mark"] != "//" or not comment["text"].strip():
            break
        first = comment["text"]
        at -= 1
    return bool(first) and not _OTHER_TAG.match(first)


EXAMPLES = (
    Example(
        "in the wrong place",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) {
          | +    unsafe {
        ! | +        // SAFETY: `led` is valid.
          | +        a(led)
          | +    };
        ! | +    unsafe { b(led) }; // SAFETY: `led` is valid.
          | +    let x =
        ! note | +        // SAFETY: `led` is valid.
          | +        unsafe { c(led) };
        ! note | +    let y = // SAFETY: `led` is valid.
          | +        unsafe { d(led) };
          | +}
        """,
    ),
    Example(
        "in the wrong form",
        """
          | diff rust/kernel/led.rs (new)
        ! | +/// SAFETY: `Led` has no thread affinity.
          | +unsafe impl Send for Led {}
          | +fn on(led: *mut u8) {
        ! | +    // Safety: `led` is valid.
          | +    unsafe { a(led) };
        ! | +    // SAFETY : `led` is valid.
          | +    unsafe { a(led) };
          | +    // The light goes on here, and later off.
        ! note | +    // SAFETY: `led` is valid.
          | +    unsafe { b(led) };
          | +}
        """,
    ),
    Example(
        "as the guidelines have it",
        """
          | diff rust/kernel/led.rs (new)
          | +// SAFETY: `Led` has no thread affinity.
          | +unsafe impl Send for Led {}
          | +fn on(led: *mut u8) -> Result {
          | +    // The light goes on here.
          | +    //
          | +    // SAFETY:
          | +    // - `led` is valid.
          | +    unsafe { a(led) };
          | +    unsafe {
          | +        a(led);
          | +        // Panic safety: `b` does not panic.
          | +        b(led);
          | +    }
          | +    // CAST: `led` is an `u8`.
          | +    // SAFETY: `led` is valid.
          | +    let x = b(unsafe { c(led) });
          | +    Ok(
          | +        // SAFETY: `led` is valid.
          | +        unsafe { d(led) },
          | +    )
          | +}
        """,
    ),
    Example(
        "the head of a block has no line above it that would be nearer",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) {
          | +    if let Err(e) =
          | +        // SAFETY: `led` is valid.
          | +        to_result(unsafe { a(led) })
          | +    {
          | +        // SAFETY: `led` is valid.
          | +        unsafe { b(led) };
          | +    }
          | +}
        """,
    ),
    Example(
        "there before",
        """
          | diff rust/kernel/led.rs (whole)
          |  fn on(led: *mut u8) {
          |      unsafe {
          |          // SAFETY: `led` is valid.
          | -        a(led)
          | +        b(led)
          |      };
          |  }
        """,
    ),
)

RULE = Rule(
    id="safety-comment-placement",
    summary="A `SAFETY:` comment in an unusual place or form",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
        MessageId("f528cd2d491f15404f30317dd093cc7af5a00fa7.camel@redhat.com"),
        MessageId("b6b8e3e6-a2b9-4ddd-bf0f-e924d5d65653@proton.me"),
        IssueReference("rust-lang/rust-clippy", 15033),
    ),
    examples=EXAMPLES,
    check_file=check,
    tier=2,
)
