# SPDX-License-Identifier: GPL-2.0-or-later
"""An unsafe block or impl has no comment that says why it is sound.

## What it flags

An `unsafe {}` block or an `unsafe impl` without a `// SAFETY:` comment, if the patch adds the code or removes its
comment. In the body of a `macro_rules!` macro and in a documentation test of the `kernel` crate it is a nit, and in a
macro with `#[macro_export]` a note, which is never mailed: Clippy does not look into macros of other crates.

## Why

The compiler does not check the conditions of unsafe code. The comment names these conditions and says why they hold
here, so that reviewers, and people who change the code later, can check them.

## How to fix

Add a comment that starts with `// SAFETY:` directly above the block, or above its statement. Look up the `# Safety`
section of the called function, and say for each requirement why it is met. Each `unsafe impl` needs its own comment,
even if several follow each other.

## What it does not flag

Every comment that Clippy's `undocumented_unsafe_blocks` accepts is accepted. So are comments where Clippy does not
look, but people do:

- above an attribute of several lines, or after the block on its line;
- above the `if`, `match`, loop, block or closure whose first statement is the unsafe block;
- above the struct literal or macro call that contains the block.

Code that had no comment before and is only moved, re-indented or edited is not new. Vendored, generated and host code
is exempt, and so is code for which the lint is allowed or expected. If only hunks are known, and the comment may be
above them, or the block may be part of a macro or a test, nothing is reported.

Outside of functions, `unsafe { Name }` in the arguments of a macro does not count as a block: some macros that make
items require it, such as `impl_device_context_deref!(unsafe { Device })`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from rules.analysis.safe_code_comments import safe_code_comments
from rules.analysis.unjustified import UnjustifiedSite, unjustified_sites
from rules.analysis.view import METAVARIABLE, FileView
from rules.examples.missing_safety_comment import EXAMPLES
from rules.finding import REQUIRES, Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection, LintName, MessageId
from rules.lint.rule import Rule, Status, Trigger
from rules.source.rust.model import UnsafeSite

if TYPE_CHECKING:
    from rules.analysis.safety_sections import SafetySections
    from rules.source.rust.operations import Operation

_SEVERITIES = {
    "macro-definition": Severity.NIT,
    "exported-macro": Severity.NOTE,
    "doctest": Severity.NIT,
}
_MAX_OPERATIONS = 8  # operations of a block whose requirements are points
_MAX_POINTS = 20
_UNSEEN = re.compile(METAVARIABLE + r"|\bmacro_rules!|\bmod (?:tests?|\w+_tests?)\b|\bfn test_")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each unsafe block and impl that this patch leaves without a comment."""
    unjustified_code = tuple(unjustified_sites(file))
    if file.post is None or not unjustified_code:
        return
    from rules.analysis.safety_sections import SafetySections
    from rules.source.rust.operations import implementation, operations

    sections = SafetySections(file)
    all_sections = SafetySections(file, with_landing=True) if file.series.landing else sections
    too_high: dict[int, int] | None = None
    for unjustified in unjustified_code:
        site = unjustified.code
        if site.allowed or (site.setting == "doctest" and not file.in_kernel_crate):
            continue
        if not file.post.is_complete and _UNSEEN.search(file.hunk_heading(site.line)):
            continue
        found = [implementation(site.body)] if site.kind == "impl" else islice(operations(site.body), _MAX_OPERATIONS)
        called = [operation for operation in found if operation is not None]
        operation = called[0] if called else None
        section = sections.of(operation, site.scope) if operation is not None else None
        too_high = _find_too_high(file) if too_high is None else too_high
        if unjustified.cause == "added" and (line := too_high.get(site.statement)) is not None:
            message = (
                f"The `// SAFETY:` comment in line {line} is above other code. Please move it to this {_name(site)}."
            )
        else:
            message = _message(unjustified, operation, has_section=section is not None)
        yield file.report(
            unjustified.position,
            message,
            evidence=(section,) if section is not None else (),
            severity=_SEVERITIES.get(site.setting),
            confidence=site.confidence,
            scope=site.scope,
            facts=(
                ("kind", site.kind),
                ("cause", unjustified.cause),
                ("setting", site.setting),
                *_points(called, site.scope, all_sections),
            ),
        )


def _points(called: "Iterable[Operation]", scope: str, sections: "SafetySections") -> Iterator[tuple[str, str]]:
    """Yield what the functions and traits require, each requirement once, as facts of the finding."""
    from rules.analysis.safety_sections import points

    found: dict[str, None] = {}
    for operation in called:
        section = sections.of(operation, scope)
        found |= dict.fromkeys(points(operation, section) if section is not None else ())
    return ((REQUIRES, point) for point in islice(found, _MAX_POINTS))


def _name(site: UnsafeSite) -> str:
    return "`unsafe impl`" if site.kind == "impl" else "`unsafe` block"


def _find_too_high(file: FileView) -> dict[int, int]:
    """Return the lines of SAFETY comments that stand too high, by the line of the statement that needs them."""
    return {
        comment.site_line: comment.line
        for source in file.added_sources("SAFETY")
        for comment in safe_code_comments(source, whole=file.confidence.rank > 1)
        if comment.site_line
    }


def _message(site: UnjustifiedSite[UnsafeSite], operation: "Operation | None", *, has_section: bool) -> str:
    code = _name(site.code)
    if site.cause == "added":
        problem = f"This {code} has no `// SAFETY:` comment."
    elif site.position.side == "pre":
        problem = f"This removes the `// SAFETY:` comment, but the {code} below it stays."
    elif site.cause == "comment-removed":
        problem = f"This {code} had a `// SAFETY:` comment, but no longer has it."
    else:
        problem = f"The `// SAFETY:` comment of this {code} is no longer directly above it."
    setting = {"doctest": " Documentation tests are built as KUnit tests."}.get(site.code.setting, "")
    return f"{problem} {_advice(operation, has_section=has_section)}{setting}"


def _advice(operation: "Operation | None", *, has_section: bool) -> str:
    if operation is None or not operation.name:
        return "It should say why this is sound."
    if operation.kind == "implementation":
        reason = f"why `{operation.name}` may be implemented here"
        owner = "the trait"
    elif operation.kind == "call":
        reason = f"why `{operation.receiver}{operation.name}()` may be called here"
        owner = f"`{operation.callee}`"
    else:
        reason = f"why `{operation.name}` may be dereferenced here"
        owner = ""
    more = f", and how the requirements of {owner} are met" if has_section else ""
    return f"It should say {reason}{more}."


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
    trigger=Trigger(mentions=("unsafe",)),
)
