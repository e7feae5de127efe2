# SPDX-License-Identifier: GPL-2.0-or-later
"""A name from the code without backticks in a comment.

## What it flags

An added comment line with a name in it that can only be code: with `::`, with `()` at its end, or a snake_case name
with at least two underscores. It runs only with `--rule`.

## Why

Comments are Markdown, as documentation is, and code is written between backticks.

## How to fix

Write the name between backticks.

## What it does not flag

Code blocks, links, paths of files, tags, numbers, parameters such as `@led_level`, paths that begin with `$crate`, and
comments that the patch only moves.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.doc_lines import read_doc_runs

_NAME = re.compile(
    r"(?<![\w`/.:<\"'\[$@-])(?:[A-Za-z_]\w*+(?:(?>::\w++)++(?>\(\))?+|\(\))|[a-z][a-z0-9]*+(?>_[a-z0-9]++){2,}+)(?![\w`/:\]-])"
)
_QUOTED = re.compile(r"`[^`]*+`|\]\([^()]*+\)?+")
_NO_PROSE = re.compile(r"[;{}=|]|\A\s*+\[[^\]]*+\]:|\A\s*+(?:SPDX|https?:|/)|\A\s{4}")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment line with a name without backticks."""
    for source in file.added_sources("//"):
        for block in source.comment_blocks:
            for line, text in block.lines:
                yield from _check_line(file, line, block.column, text)
        for run in read_doc_runs(source, is_complete=file.is_complete):
            for doc in run:
                if not doc.is_code:
                    yield from _check_line(file, doc.line, doc.column, doc.text)


def _check_line(file: FileView, line: int, column: int, text: str) -> Iterator[Diagnostic]:
    if line in file.new_lines and not _NO_PROSE.search(text) and text.count("`") % 2 == 0:
        name = _NAME.search(_QUOTED.sub("` `", text))
        if name is not None:
            yield file.report(Position(line, column), f"Write `{name[0]}` between backticks.")


EXAMPLES = (
    Example(
        "names without backticks",
        """
          | diff rust/kernel/led.rs (new)
        ! | +/// Calls Led::on for each.
          | +fn on() {
        ! | +    // The caller of led_set_level holds the lock.
          | +    set();
          | +}
        """,
    ),
    Example(
        "backticks, words and files",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Calls `Led::on` for [`led_set_level`].
          | +fn on() {
          | +    // See drivers/leds/led_set_level.c, and read_only memory. At most 1_000_000 LEDs.
          | +    // Not yet: $crate::led_on!(red)
          | +    // @led_set_level: the level.
          | +    set();
          | +}
        """,
    ),
)

RULE = Rule(
    id="comment-backticks",
    summary="A name from the code without backticks in a comment",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
        MessageId("CANiq72kObXP7-YtcXnWQXJpEQ=N+RtcSeM6A+scBK00VkFj5JA@mail.gmail.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("//",)),
    tier=2,
    is_default=False,
)
