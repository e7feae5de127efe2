# SPDX-License-Identifier: GPL-2.0-or-later
"""A heading of documentation in the singular.

## What it flags

An added heading `# Example`, `# Invariant`, `# Guarantee` or `# Panic`.

## Why

The headings are plural everywhere, so that people and tools find them, and an example can be added without a change of
the heading.

## How to fix

Write `# Examples`, `# Invariants`, `# Guarantees` or `# Panics`.

## What it does not flag

Headings with more words, code blocks, and headings that the patch only moves.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.doc_lines import read_doc_runs

_HEADING = re.compile(r"\s*+#++\s++(?P<title>Example|Invariant|Guarantee|Panic)\s*+:?+\s*+\Z")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added heading."""
    for source in file.added_sources("# Example", "# Invariant", "# Guarantee", "# Panic"):
        for run in read_doc_runs(source, is_complete=file.is_complete):
            for line in run:
                heading = _HEADING.match(line.text) if line.line in file.new_lines and not line.is_code else None
                if heading is not None:
                    message = f"The heading is `# {heading['title']}s`, even for a single item."
                    end = line.column + len("///") + heading.end("title")
                    fix = Edit(line.line, end, line.line, end, "s")
                    yield file.report(Position(line.line, line.column), message, fix=(fix,))


EXAMPLES = (
    Example(
        "singular headings",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Turns it on.
          | +///
        ! | +/// # Example
          | +///
          | +/// None.
          | +///
        ! | +/// ## Panic
          | +fn on() {}
        """,
    ),
    Example(
        "plural headings, and code",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Turns it on.
          | +///
          | +/// # Examples
          | +///
          | +/// ```
          | +/// # Example
          | +/// ```
          | +///
          | +/// # Example of a driver
          | +fn on() {}
        """,
    ),
)

RULE = Rule(
    id="doc-heading-plural",
    summary="A heading of documentation in the singular",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(IssueReference("Rust-for-Linux/linux", 1110),),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("# Example", "# Invariant", "# Guarantee", "# Panic")),
    tier=2,
)
