# SPDX-License-Identifier: GPL-2.0-or-later
"""An unsafe block or impl does not say why it is sound.

## What it flags

An `unsafe {}` block or an `unsafe impl` without a `// SAFETY:` comment, which a patch adds or whose comment it removes.
In the body of a `macro_rules!` macro and in a documentation test of the `kernel` crate it is a nit.

## Why

The compiler takes the author's word for what stands in an unsafe block. The comment is that word: it names the
conditions of the operation and says why they hold here, so that a reviewer, and whoever changes the code later, can
check them.

## How to fix

Put a comment that starts with `// SAFETY:` on the lines directly above the block, or above its statement. Look up the
`# Safety` section of what is called and answer each of its requirements. An `unsafe impl` needs its own comment, also
where two stand together.

## When it stays silent

Every comment that Clippy's `undocumented_unsafe_blocks` accepts is accepted, and so is one that only a person would
take for it: above an attribute of several lines, behind the block on its line, above the `if`, `match`, loop, bare
block or closure whose first statement the block is, above the struct literal or macro call that it is part of. Code
that was undocumented before and is only moved, re-indented or edited is not new. Vendored, generated and host code is
exempt, and so is code for which the lint is allowed or expected. Where hunks alone are known and the comment could
stand above what they show, or the block be part of a macro or a test, nothing is said.
"""

import re
from collections.abc import Iterator

from rules.analysis.safety_sections import SafetySections
from rules.analysis.unjustified import UnjustifiedSite, unjustified_sites
from rules.analysis.view import FileView
from rules.examples.missing_safety_comment import EXAMPLES
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import DocumentSection, LintName, MessageId
from rules.lint.rule import Rule, Status
from rules.source.rust.model import UnsafeSite
from rules.source.rust.operations import Operation, implementation, operations

_UNSEEN = re.compile(r"\bmacro_rules!|\bmod (?:tests?|\w+_tests?)\b|\bfn test_")


def check(file: FileView) -> Iterator[Diagnostic]:
    """One finding for each unsafe block and impl that this patch leaves without a comment."""
    if not file.is_kernel_rust or file.post is None:
        return
    requirements = SafetySections(file)
    for one in unjustified_sites(file):
        site = one.code
        if site.allowed or (site.setting == "doctest" and not file.in_kernel_crate):
            continue
        if not file.post.is_complete and _UNSEEN.search(file.hunk_heading(site.line)):
            continue
        operation = implementation(site.body) if site.kind == "impl" else next(iter(operations(site.body)), None)
        asked = requirements.of(operation, site.scope) if operation is not None else None
        yield file.report(
            one.position,
            _message(one, operation, told=asked is not None),
            evidence=(asked,) if asked is not None else (),
            severity=Severity.NIT if site.setting in ("macro-definition", "doctest") else None,
            confidence=site.confidence,
            scope=site.scope,
            facts=(("kind", site.kind), ("cause", one.cause), ("setting", site.setting)),
        )


def _message(one: UnjustifiedSite[UnsafeSite], operation: Operation | None, *, told: bool) -> str:
    what = "`unsafe impl`" if one.code.kind == "impl" else "`unsafe` block"
    if one.cause == "added":
        problem = f"This {what} has no `// SAFETY:` comment."
    elif one.position.side == "pre":
        problem = f"This removes the `// SAFETY:` comment, but the {what} below it stays."
    elif one.cause == "comment-removed":
        problem = f"This {what} had a `// SAFETY:` comment, which is gone now."
    else:
        problem = f"The `// SAFETY:` comment of this {what} is no longer directly above it."
    where = {"doctest": " Documentation tests are built as KUnit tests."}.get(one.code.setting, "")
    return f"{problem} {_wanted(operation, told=told)}{where}"


def _wanted(operation: Operation | None, *, told: bool) -> str:
    if operation is None:
        return "It should say why this is sound."
    if operation.kind == "implementation":
        what = f"why `{operation.name}` may be implemented here"
        asking = "the trait"
    elif operation.kind == "call":
        what = f"why `{operation.receiver}{operation.name}()` may be called here"
        asking = f"`{operation.callee}`"
    else:
        what = f"why `{operation.name}` may be dereferenced here"
        asking = ""
    more = f", and answer what {asking} asks for" if told else ""
    return f"It should say {what}{more}."


RULE = Rule(
    id="missing-safety-comment",
    summary="An unsafe block or impl has no SAFETY comment",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),
        LintName("clippy::undocumented_unsafe_blocks"),
        MessageId("CANiq72miQSuEEzKZsOhHKDah1kP+8PYcmODGqwtcaRwAggF-+g@mail.gmail.com"),
        MessageId("aDMDrT7WIDc-yD0p@pollux.localdomain"),
        MessageId("20251117233434.GA1095868@joelbox2"),
    ),
    examples=EXAMPLES,
    check_file=check,
)
