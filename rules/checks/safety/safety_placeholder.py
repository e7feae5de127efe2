# SPDX-License-Identifier: GPL-2.0-or-later
"""A `SAFETY:` comment that is only a placeholder.

## What it flags

An added `// SAFETY:` comment that is empty, or begins with `TODO`, `FIXME`, `XXX` or a similar word.

## Why

The comment silences the lint that asks for a comment, so the gap is no longer visible. People who change the code later
cannot know what the author relied on.

## How to fix

Say why each requirement of the unsafe operation holds here. If there is no reason, change the code, or make the
function itself unsafe.

## What it does not flag

`// SAFETY:` with the justification on the following lines, in any form. Comments that the patch only moves or
re-wraps are not new. If the commit message or the subject says RFC or WIP, the finding is a nit.
"""

from collections.abc import Iterator
from itertools import pairwise

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference, MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.comments import TAG_WORDS, CommentBlock
from rules.source.rust.source import RustSource

_TAG = re.compile(r"safety\s*:", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"(?:TODO|FIXME|XXX|TBD|WIP)\b|(?:todo|fixme|tbd|dox|\?|\.\.|-|[Nn]one)\W*\Z")
_STARTS = ("TODO", "FIXME", "XXX", "TBD", "WIP", "todo", "fixme", "tbd", "dox", "?", "..", "-", "None", "none")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added tag that has no text, or only a placeholder, after it."""
    severity = Severity.NIT if file.is_draft else None
    for item in introduced(file, ("SAFETY", "afety"), _occurrences):
        placeholder = _PLACEHOLDER.match(item.key)
        word = f"`{placeholder[0].strip()}`" if placeholder else "it is empty"
        message = f"This `SAFETY:` comment is a placeholder ({word}). Please say why the unsafe code is sound."
        yield file.report(item, message, severity=severity)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    tags = source.usual_tags
    may_occur = tags is None or any(not words or words.startswith(_STARTS) for words in tags)
    for comment in source.comment_blocks_with(*TAG_WORDS) if may_occur else ():
        for number, words in _placeholders(comment):
            yield Occurrence(words, number, comment.column)


def _placeholders(comment: CommentBlock) -> Iterator[tuple[int, str]]:
    """Yield the lines of tags that are empty or have a placeholder, and the words after the tag."""
    if not comment.starts_line:
        return
    tags = [index for index, (_, text) in enumerate(comment.lines) if _TAG.match(text)]
    for tag, following in pairwise([*tags, len(comment.lines)]):
        number, text = comment.lines[tag]
        rest = text.partition(":")[2].strip()
        if rest and not rest.startswith(_STARTS):
            continue
        texts = [rest, *(text for _, text in comment.lines[tag + 1 : following])]
        words = " ".join([word for text in texts for word in text.split()])
        if (not words and not comment.is_cut) or (words.startswith(_STARTS) and _PLACEHOLDER.match(words)):
            yield number, words


EXAMPLES = (
    Example(
        "no text, or a placeholder",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on() {
        ! | +    // SAFETY:
          | +    unsafe { a() };
        ! | +    // SAFETY: TODO
          | +    unsafe { b() };
        ! | +    // SAFETY: FIXME: who frees it?
          | +    unsafe { c() };
        ! | +    /* SAFETY: XXX */
          | +    unsafe { d() };
          | +    // Turns it on.
        ! | +    // SAFETY: TODO.
          | +    unsafe { e() };
          | +}
        """,
    ),
    Example(
        "the text follows",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on() {
          | +    // SAFETY:
          | +    // - `a` is valid.
          | +    unsafe { a() };
          | +    // SAFETY: `todo` is a valid pointer to the list of things to do.
          | +    unsafe { b(todo) };
          | +    /* SAFETY:
          | +     * it is. */
          | +    unsafe { c() };
          | +}
        """,
    ),
    Example(
        "a draft",
        """
          | patch [RFC PATCH] rust: led: add
          | diff rust/kernel/led.rs (new)
          | +fn on() {
    ! nit | +    // SAFETY: TODO
          | +    unsafe { a() };
          | +}
        """,
    ),
    Example(
        "moved, or cut off by the end of the hunk",
        """
          | diff rust/kernel/led.rs
          |  fn on() {
          | -    // SAFETY: TODO
          | -    unsafe { a() };
          |  }
          | @@
          |  fn off() {
          | +        // SAFETY: TODO
          | +        unsafe { a() };
          | +        // SAFETY:
        """,
    ),
    Example(
        "re-wrapped",
        """
          | diff rust/kernel/led.rs
          |  fn on() {
          | -    // SAFETY: FIXME: who frees it?
          | +    // SAFETY: FIXME: who
          | +    // frees it?
          |      unsafe { a() };
          |  }
        """,
    ),
)

RULE = Rule(
    id="safety-placeholder",
    summary="A `SAFETY:` comment that is empty or a placeholder",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        IssueReference("Rust-for-Linux/linux", 351),
        MessageId("DF2AXQ67412G.33JOX2CF0VFCK@kernel.org"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("SAFETY",)),
)
