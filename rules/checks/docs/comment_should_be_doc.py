# SPDX-License-Identifier: GPL-2.0-or-later
"""An ordinary comment where documentation belongs.

## What it flags

An added `//` comment directly above a public item that has no documentation.

## Why

What users of an item have to know is documentation, and rustdoc shows only `///`.

## How to fix

Write `///`.

## What it does not flag

- Comments with a tag such as `TODO:` or `SAFETY:`, notes that do not begin with a capital letter, and comments that are
  code.
- Comments above or below an attribute, which may explain the attribute.
- Items with documentation, constants, imports, modules and macros: a comment there is often the heading of a group.
- Comments that the patch only moves or re-wraps.
"""

from collections.abc import Iterator

from rules.analysis.introduced import Occurrence, introduced
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, IssueReference, MessageId
from rules.lint.rule import Example, Rule, Scope, Status, Trigger
from rules.source.rust.comments import CommentBlock
from rules.source.rust.source import RustSource

_TAG = re.compile(r"[A-Z][A-Z _-]{1,40}+:|(?:TODO|FIXME|XXX|NOTE|HACK)\b|SPDX|rustfmt|/|---|===")
_CODE = re.compile(r"[;{}(]\s*\Z|\A(?:#\[|pub |fn |use |let |impl )")
_BLOCK_DOC = ("/**", "/*!")
_HEADER_ENDS = ("]", "*/")  # of an attribute or a comment: documentation may be above
_KINDS = frozenset(("fn", "struct", "enum", "union", "trait", "type"))


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added comment above a public item."""
    message = "This comment describes a public item: write `///`, so that rustdoc shows it."
    for item in introduced(file, "//", _occurrences):
        yield file.report(item, message)


def _occurrences(source: RustSource) -> Iterator[Occurrence]:
    for block in source.comment_blocks:
        if block.starts_line and not block.is_cut and _is_prose(block) and _documents(source, block):
            yield Occurrence(block.words, block.first_line, block.column)


def _is_prose(block: CommentBlock) -> bool:
    """Return whether the comment is text, without a tag."""
    texts = [text for _, text in block.lines if text]
    return (
        bool(texts)
        and texts[0][0].isupper()
        and not (texts[0].startswith("SAFETY:") or _TAG.match(texts[0]))
        and not any(_CODE.search(text) for text in texts)
    )


def _documents(source: RustSource, block: CommentBlock) -> bool:
    """Return whether a public item without documentation follows directly."""
    last = block.lines[-1][0]
    if block.first_line <= source.first_line or source.text.startswith(_BLOCK_DOC, block.start):
        return False
    above = source.line_text(block.first_line - 1).strip()
    if above.startswith("//") or above.endswith(_HEADER_ENDS):
        return False
    head = source.next_item(block.end)
    if head is None or not head.is_public or head.kind not in _KINDS or head.attributes:
        return False
    return source.line(head.offset) == last + 1


EXAMPLES = (
    Example(
        "a comment above a public item",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::prelude::*;
          | +
        ! | +// Turns the LED on.
          | +pub fn on() {}
          | +
          | +// A LED in C.
          | +#[repr(C)]
          | +pub struct Led;
        """,
    ),
    Example(
        "documentation, tags, private items, and groups",
        """
          | diff rust/kernel/led.rs (new)
          | +use crate::prelude::*;
          | +
          | +/// Turns the LED on.
          | +// This is not fast.
          | +pub fn on() {}
          | +// TODO: Turn it off.
          | +pub fn off() {}
          | +// Turns it off.
          | +fn internal() {}
          | +// Colours.
          | +pub const RED: u8 = 1;
          | +// Functions for colours.
          | +
          | +pub fn color() {}
          | +/// Turns it on.
          | +#[cfg(any(
          | +    CONFIG_LED,
          | +    CONFIG_FAN,
          | +))]
          | +// This is not fast.
          | +pub fn fan() {}
          | +/** Turns it off. */
          | +// This is not fast.
          | +pub fn fan_off() {}
          | +
          | +/** Colours. */
          | +pub struct Colour;
        """,
    ),
    Example(
        "re-wrapped",
        """
          | diff rust/kernel/led.rs
          |  use crate::prelude::*;
          |
          | -// Turns the LED on, slowly.
          | +// Turns the LED
          | +// on, slowly.
          |  pub fn on() {}
        """,
    ),
)

RULE = Rule(
    id="comment-should-be-doc",
    summary="An ordinary comment where documentation belongs",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
        IssueReference("Rust-for-Linux/linux", 1157),
        MessageId("CANiq72nh71s9to5v1KHJWN79bEFv97zN6jcGJyEQkaJZ5UuJfg@mail.gmail.com"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_file=check,
    trigger=Trigger(adds=("//",), mentions=("pub ",)),
    tier=2,
)
