# SPDX-License-Identifier: GPL-2.0-or-later
"""Two empty lines of documentation in a row.

## What it flags

An added empty `///` or `//!` line directly after another empty line.

## Why

One empty line ends a paragraph; more do nothing.

## How to fix

Remove all but one.

## What it does not flag

Code blocks, and lines that the patch only moves.
"""

from collections.abc import Iterator
from itertools import pairwise

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Edit, Severity
from rules.lint.evidence import IssueReference
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.doc_lines import read_doc_runs


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added empty line after another one."""
    for source in file.added_sources("///", "//!"):
        empty = {comment.line for comment in source.comments if comment.kind == "doc" and not comment.text[3:].strip()}
        if not any(line + 1 in empty for line in empty):  # as in most files
            continue
        for run in read_doc_runs(source, is_complete=file.is_complete):
            for above, line in pairwise(run):
                is_empty = not (above.text.strip() or line.text.strip() or above.is_code or line.is_code)
                is_empty = is_empty and above.line + 1 == line.line
                if is_empty and (line.line in file.touched or above.line in file.touched) and _is_new(file, line.line):
                    removed = line.line if line.line in file.touched else above.line
                    fix = Edit(removed, 1, removed + 1, 1, "")
                    message = "One empty line is enough here."
                    yield file.report(Position(line.line, line.column), message, fix=(fix,))


def _is_new(file: FileView, line: int) -> bool:
    """Return whether the patch adds the empty line, or what is directly above or below it."""
    return any(near in file.new_lines for near in (line - 1, line, line + 1))


EXAMPLES = (
    Example(
        "two empty lines",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Turns it on.
          | +///
        ! | +///
          | +/// It stays on.
          | +fn on() {}
        """,
    ),
    Example(
        "one empty line, and code",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Turns it on.
          | +///
          | +/// ```
          | +///
          | +///
          | +/// ```
          | +fn on() {}
        """,
    ),
)

RULE = Rule(
    id="doc-empty-lines",
    summary="Two empty lines of documentation in a row",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(IssueReference("Rust-for-Linux/linux", 1109),),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("///", "//!")),
    tier=2,
)
