# SPDX-License-Identifier: GPL-2.0-or-later
"""A link of documentation in an ordinary comment.

## What it flags

An added ``[`Name`]`` in a `//` comment, also in the code of an example in documentation.

## Why

Ordinary comments are not rendered, so the brackets only disturb the reader.

## How to fix

Remove the brackets, or write `///` if the text is documentation.

## What it does not flag

Links with a destination, documentation that is commented out, and comments that the patch only moves
or re-wraps.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import IssueReference, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.comments import Comment
from rules.source.rust.source import RustSource

_DOC_CODE = re.compile(r"//[/!][ \t]*+//(?![/!])")
_LINK = re.compile(r"\[`[\w:<>!&', ]++(?>\(\))?+`\](?![(\[:])")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment line with a link."""
    for item in introduced(file, "[`", _occurrences):
        link = item.key
        yield file.report(item, f"An ordinary comment is not rendered: write `{link}` without brackets.")


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for comment in source.comments:
        if _is_ordinary(comment) and (link := _LINK.search(comment.text)) is not None:
            yield Occurrence(link[0][2:-2], comment.line, comment.column + link.start())


def _is_ordinary(comment: Comment) -> bool:
    """Return whether a comment is not documentation, or a line of documentation that is a comment in code."""
    if comment.kind == "doc":
        return _DOC_CODE.match(comment.text) is not None
    return comment.kind == "line" and not comment.text.startswith("// ///")


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
        "a link in the code of an example",
        """
          | diff rust/kernel/led.rs
          |  /// let led = Led::new();
        ! | +/// // Like [`Led::on`], but without a delay.
          | +/// led.off();
          | +/// /// [`Led`] with a switch.
          | +/// struct Switch;
          |  fn on() {}
        """,
    ),
    Example(
        "re-wrapped",
        """
          | diff rust/kernel/led.rs
          |  fn on() {
          | -    // Like [`Led::on`], but slowly.
          | +    // Like [`Led::on`],
          | +    // but slowly.
          |      a();
          |  }
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
    summary="A link of documentation in an ordinary comment",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        IssueReference("Rust-for-Linux/linux", 1157),
        MessageId("CANiq72k0sdUoBxVYghgh50+ZRV2gbDkgVjuZgJLtj=4s9852xg@mail.gmail.com"),
        MessageId("DFF21ZKK0HMP.1EQOINQHK615O@kernel.org"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("[`",)),
    tier=2,
)
