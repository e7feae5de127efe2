# SPDX-License-Identifier: GPL-2.0-or-later
"""Trailers of authors and senders that the kernel's process does not allow.

## What it flags

- A patch without `Signed-off-by:`.
- A `Co-developed-by:` that is not directly followed by a `Signed-off-by:` of the same person.

## Why

Each author and sender certifies with `Signed-off-by:` that the patch may be contributed. A co-author's certificate
follows the co-author's name.

## How to fix

Run `git commit --amend --signoff`. Ask each co-author for their `Signed-off-by:`.

## What it does not flag

Diffs without a commit message, patches that change no Rust, and drafts (RFC, WIP).
"""

from collections.abc import Iterator
from itertools import zip_longest

from rules.analysis.messages import rust_patches
from rules.analysis.view import SeriesView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, MessageId
from rules.lint.rule import Example, Rule, Scope, Status

_SIGNED = re.compile(r"signed-off-by[ \t]*+:[ \t]*+(.*)", re.IGNORECASE)
_MENTION = re.compile(r"^signed-off-by:", re.IGNORECASE | re.MULTILINE)
_CO_DEVELOPED = re.compile(r"co-developed-by[ \t]*+:[ \t]*+(.*)", re.IGNORECASE)
_USUAL = "Signed-off-by: "
_ADDRESS = re.compile(r"<([^<>\s]++)>")


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each patch with a missing or misplaced certificate."""
    for patch in rust_patches(view):
        is_signed = any(trailer.startswith(_USUAL) for trailer in patch.trailers)
        is_signed = is_signed or any(_MENTION.search(text) for text in (patch.log, patch.notes))
        if not is_signed and not any(_SIGNED.match(trailer) for trailer in patch.trailers):
            yield view.report(patch, "The patch has no `Signed-off-by:`.")
        for trailer, following in zip_longest(patch.trailers, patch.trailers[1:], fillvalue=""):
            if trailer[:3].lower() != "co-":
                continue
            author, signed = _CO_DEVELOPED.match(trailer), _SIGNED.match(following)
            if author is not None and (signed is None or _person(author[1]) != _person(signed[1])):
                message = "`Co-developed-by:` must be directly followed by the same person's `Signed-off-by:`."
                yield view.report(patch, message)


def _person(text: str) -> str:
    """Return the address of a person, or the whole text if it has none."""
    address = _ADDRESS.search(text)
    return (address[1] if address is not None else text.strip()).lower()


EXAMPLES = (
    Example(
        "no certificate, and one of a co-author",
        """
        ! | patch led: add LEDs
          | Add LEDs.
          | diff drivers/led.rs (new)
          | +fn on() {}
        ! | patch led: add colours
          | Add colours.
          |
          | Co-developed-by: Other Author <other@example.org>
          | Signed-off-by: An Author <author@example.org>
          | diff drivers/color.rs (new)
          | +fn red() {}
        """,
    ),
    Example(
        "all certificates",
        """
          | patch led: add LEDs
          | Add LEDs.
          |
          | Co-developed-by: Other Author <other@example.org>
          | Signed-off-by: Other Author <Other@example.org>
          | Signed-off-by: An Author <author@example.org>
          | diff drivers/led.rs (new)
          | +fn on() {}
        """,
    ),
    Example(
        "a diff without a message, and C",
        """
          | diff drivers/led.rs (new)
          | +fn on() {}
          | patch led: add C
          | Add C.
          | diff drivers/led.c (new)
          | +int led;
        """,
    ),
)

RULE = Rule(
    id="sign-off-chain",
    summary="Trailers without the `Signed-off-by:` that they need",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection(
            "Documentation/process/submitting-patches.rst", "Sign your work - the Developer's Certificate of Origin"
        ),
        MessageId("D8G9LZCS7ETL.9UPPQ73CAUQM@proton.me"),
    ),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_series=check,
    tier=2,
)
