# SPDX-License-Identifier: GPL-2.0-or-later
"""A link of documentation in an ordinary comment.

## What it flags

An added ``[`Name`]`` in a `//` comment.

## Why

Ordinary comments are not rendered, so the brackets only disturb the reader.

## How to fix

Remove the brackets, or write `///` if the text is documentation.

## What it does not flag

Links with a destination, documentation that is commented out, and comments that the patch only moves.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView, Position
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger

_LINK = re.compile(r"\[`[\w:<>!&', ]++(?:\(\))?+`\](?![(\[:])")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment line with a link."""
    for source in file.added_sources("[`"):
        for comment in source.comments:
            if comment.kind == "line" and comment.line in file.new_lines and not comment.text.startswith("// ///"):
                link = _LINK.search(comment.text)
                if link is not None:
                    message = f"An ordinary comment is not rendered: write `{link[0][2:-2]}` without brackets."
                    yield file.report(Position(comment.line, comment.column + link.start()), message)


EXAMPLES = (
    Example(
        "a link",
        """
          | diff rust/kernel/led.rs (new)
        ! | +// SAFETY: [`Led`] is transparent.
          | +unsafe impl Send for Led {}
        """,
    ),
    Example(
        "documentation, and names without brackets",
        """
          | diff rust/kernel/led.rs (new)
          | +/// A wrapper of [`Led`].
          | +// A wrapper of `Led`, see [`guide`](https://example.org).
          | +struct Leds;
          | +// /// Like [`Led`].
        """,
    ),
)

RULE = Rule(
    id="doc-link-in-plain-comment",
    summary="a link of documentation in an ordinary comment",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        IssueReference("Rust-for-Linux/linux", 1157),
        MessageId("CANiq72k0sdUoBxVYghgh50+ZRV2gbDkgVjuZgJLtj=4s9852xg@mail.gmail.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("[`",)),
    tier=2,
)
