# SPDX-License-Identifier: GPL-2.0-or-later
"""A comment that does not end with a full stop.

## What it flags

An added `//` comment, or a paragraph of documentation, of at least three words that does not end with a full stop or
another punctuation mark. It runs only with `--rule`.

## Why

The coding guidelines ask for whole sentences.

## How to fix

End the sentence with a full stop.

## What it does not flag

Trailing comments, lists, headings, tables, code, text that a code block continues, definitions of links, lines with a
link or code at their end, and comments that the patch only moves."""

from collections.abc import Iterator

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.doc_lines import DocTextLine, read_doc_runs

_MIN_WORDS = 3
_PROSE_END = re.compile(r"[a-z]\Z")
_NO_PROSE = re.compile(r"\A\s*+(?:[-*+>|#@=~]|\d+[.)]|```|https?:|SPDX|/|\[[^\]]*+\]:)|\A\s{4}|[{};|=]|\w\(")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment without a full stop."""
    for source in file.added_sources("//"):
        for block in source.comment_blocks:
            if block.starts_line and not block.is_cut:
                lines = [DocTextLine(line, block.column, text, is_code=False) for line, text in block.lines]
                yield from _check_lines(file, lines)
        for run in read_doc_runs(source, is_complete=file.is_complete):
            yield from _check_lines(file, run)


def _check_lines(file: FileView, lines: list[DocTextLine]) -> Iterator[Diagnostic]:
    paragraph: list[DocTextLine] = []
    is_over = False
    for line in lines:
        if not line.text.strip():
            is_over = True
            continue
        if line.is_code:  # The block continues the text.
            paragraph = []
        elif is_over:
            yield from _check_paragraph(file, paragraph)
            paragraph = [line]
        else:
            paragraph.append(line)
        is_over = False
    yield from _check_paragraph(file, paragraph)


def _check_paragraph(file: FileView, paragraph: list[DocTextLine]) -> Iterator[Diagnostic]:
    if paragraph and not any(_NO_PROSE.search(part.text) for part in paragraph):
        words = sum(len(part.text.split()) for part in paragraph)
        last = paragraph[-1]
        if words >= _MIN_WORDS and _PROSE_END.search(last.text.rstrip()) and last.line in file.new_lines:
            yield file.report(Position(last.line, last.column), "End the sentence with a full stop.")


EXAMPLES = (
    Example(
        "no full stop",
        """
          | diff rust/kernel/led.rs (new)
        ! | +/// Turns the LED on
          | +fn on() {
        ! | +    // There is only one
          | +    set();
          | +}
        """,
    ),
    Example(
        "sentences, lists and short notes",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Turns the LED on:
          | +///
          | +/// - first the red one
          | +/// - then the blue one
          | +///
          | +/// # What it does
          | +fn on() {
          | +    // All on.
          | +    set(); // no full stop here
          | +    // see above
          | +}
        """,
    ),
    Example(
        "text before code, and definitions of links",
        """
          | diff rust/kernel/led.rs (new)
          | +/// The full syntax is
          | +///
          | +/// ```
          | +/// led!(red);
          | +/// ```
          | +///
        ! | +/// Macros make it short
          | +///
          | +/// The other LEDs follow.
          | +///
          | +/// [LED classes]: srctree/include/linux/leds
          | +/// [`Led of a class`]: crate::led::Led
          | +fn on() {}
        """,
    ),
)

RULE = Rule(
    id="comment-period",
    summary="A comment that does not end with a full stop",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
        MessageId("DDAEL8DQFWKX.1BSBDMMN9I5B0@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("//",)),
    tier=2,
    is_default=False,
)
