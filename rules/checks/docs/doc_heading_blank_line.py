# SPDX-License-Identifier: GPL-2.0-or-later
"""A heading of documentation without an empty line around it.

## What it flags

An added heading whose next or previous line is text.

## Why

Headings stand apart from the text in all documentation of the kernel.

## How to fix

Add an empty `///`.

## What it does not flag

Code blocks, headings at the start of the documentation, and headings that the patch only moves.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Edit, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.doc_lines import read_doc_runs

_HEADING = re.compile(r"\s?#{1,6}\s++\S")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added heading without empty lines."""
    for source in file.added_sources("# "):
        for run in read_doc_runs(source, is_complete=file.is_complete):
            for at, line in enumerate(run):
                if line.is_code or line.line not in file.new_lines or not _HEADING.match(line.text):
                    continue
                after = run[at + 1] if at + 1 < len(run) else line
                before = run[at - 1] if at else line
                has_text_below = after.line == line.line + 1 and after.text.strip()
                has_text_above = before.line == line.line - 1 and before.text.strip()
                if has_text_below or has_text_above:
                    where = "below" if has_text_below else "above"
                    mark = source.line_text(line.line)[: line.column + len("//")]
                    places = [line.line] * bool(has_text_above) + [line.line + 1] * bool(has_text_below)
                    fix = tuple(Edit(place, 1, place, 1, f"{mark}\n") for place in places)
                    message = f"Add an empty line {where} the heading."
                    yield file.report(Position(line.line, line.column), message, fix=fix)


EXAMPLES = (
    Example(
        "no empty line",
        """
          | diff rust/kernel/led.rs (new)
          | +/// Turns it on.
          | +///
        ! | +/// # Safety
          | +/// The LED must be valid.
        ! | +/// # Examples
          | +///
          | +/// None.
          | +fn on() {}
        """,
    ),
    Example(
        "empty lines, and code",
        """
          | diff rust/kernel/led.rs (new)
          | +/// # Led
          | +///
          | +/// Turns it on.
          | +///
          | +/// # Examples
          | +///
          | +/// ```
          | +/// # use kernel::led;
          | +/// led::on();
          | +/// ```
          | +fn on() {}
        """,
    ),
)

RULE = Rule(
    id="doc-heading-blank-line",
    summary="A heading of documentation without an empty line around it",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("CANiq72=_gheZdZmgwoB2q6HSssoXLk4TRkJVagJKjmFTd+LDcQ@mail.gmail.com"),
        MessageId("DDX1WYWQNTAB.BBEICMO8NM30@nvidia.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("# ",)),
    tier=2,
)
