# SPDX-License-Identifier: GPL-2.0-or-later
"""A `Fixes:` trailer that is not in the form that the kernel uses.

## What it flags

A `Fixes:` whose commit id has fewer than 12 digits, or whose subject is missing or not in `("..")`.

## Why

Tools of the stable kernels read the trailer.

## How to fix

Write what `git log -1 --format='Fixes: %h ("%s")' --abbrev=12` prints.

## What it does not flag

Addresses of bug reports, patches that change no Rust, and drafts (RFC, WIP).
"""

from collections.abc import Iterator

from rules.analysis.messages import rust_patches
from rules.analysis.view import SeriesView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Scope, Status

_FIXES = re.compile(r"fixes[ \t]*+:[ \t]*+(?P<rest>.*)", re.IGNORECASE)
_ID = re.compile(r"(?>commit[ \t]++)?+(?P<id>[0-9a-f]{5,40})\b(?P<subject>.*)", re.IGNORECASE)
_SUBJECT = re.compile(r" \(\"[^\n]+\"\)[ \t]*+")
_MIN_DIGITS = 12


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each trailer that is not in that form."""
    for patch in rust_patches(view):
        for trailer in patch.trailers:
            fixes = _FIXES.match(trailer) if _may_be_fixes(trailer) else None
            commit = _ID.match(fixes["rest"]) if fixes is not None else None
            if commit is None:
                continue
            is_short = len(commit["id"]) < _MIN_DIGITS
            if is_short or not _SUBJECT.fullmatch(commit["subject"]) or commit.start("id") > 0:
                message = (
                    "The commit id of `Fixes:` is too short. Write 12 digits."
                    if is_short
                    else "`Fixes:` has an unusual form. Put the subject in quotes and parentheses after the commit id."
                )
                yield view.report(patch, message)


def _may_be_fixes(trailer: str) -> bool:
    name = trailer[:5]
    return name.lower() == "fixes" or not name.isascii()


EXAMPLES = (
    Example(
        "short ids and missing subjects",
        """
        ! | patch led: fix LEDs
          | Fix LEDs.
          |
          | Fixes: 0123456 ("led: add LEDs")
          | Signed-off-by: An Author <author@example.org>
          | diff drivers/led.rs (new)
          | +fn on() {}
        ! | patch led: fix colours
          | Fix colours.
          |
          | Fixes: 0123456789ab led: add colours
          | Signed-off-by: An Author <author@example.org>
          | diff drivers/color.rs (new)
          | +fn red() {}
        """,
    ),
    Example(
        "the form of the kernel",
        """
          | patch led: fix LEDs
          | Fix LEDs.
          |
          | Fixes: 0123456789ab ("led: add LEDs")
          | Fixes: https://example.org/issues/1
          | Signed-off-by: An Author <author@example.org>
          | diff drivers/led.rs (new)
          | +fn on() {}
        """,
    ),
)

RULE = Rule(
    id="fixes-tag-form",
    summary="A `Fixes:` trailer that is not in the form that the kernel uses",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(DocumentSection("Documentation/process/submitting-patches.rst", "Describe your changes"),),
    examples=EXAMPLES,
    scope=Scope.AUTHOR,
    check_series=check,
    tier=2,
)
