# SPDX-License-Identifier: GPL-2.0-or-later
"""A C helper for Rust has no user.

## What it flags

A new `rust_helper_name`, if neither the tree nor the series has Rust code that uses `bindings::name`.

## Why

Helpers are added together with the code that needs them. A helper without a user is never removed, because
people cannot tell whether it is needed.

## How to fix

Send the helper together with its user.

## What it does not flag

A series marked RFC. A series with a Rust file in which `paste!` makes names of bindings. Generated helpers. A use
anywhere in an added line of Rust, including doc comments. A helper that a landing tree uses. A file that is only partly
known. Without a kernel tree nothing is reported: a landing tree alone does not show that no user is pending.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import BINDINGS_DIFF, LANDING_DIFFS, added_helper, added_words
from rules.analysis.view import SeriesView
from rules.bindings.helper_facts import is_helper_source
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

_PASTED_NAME = "bindings::["  # the name in `paste!`, as `bindings::[<lamp_ $name>]`


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each helper that has no user at the end of the series."""
    change = view.result(BINDINGS_DIFF)
    if change is None or any("rfc" in prefix.lower() for prefix in view.series.prefixes):
        return
    if any(file.is_rust and file.mentions(_PASTED_NAME) for file in view.files):
        return
    files = [file for file in view.files if is_helper_source(file.path) and file.post is not None]
    words = None
    for file in files:
        if view.next_change(file) or file.post is None or not file.post.is_complete or file.mentions("enerated by"):
            continue
        for helper in change.after.facts.helpers(file.path):
            if helper.pattern or change.before.helper(helper.name) is not None or change.after.users(helper.name):
                continue
            if any(diff.after.users(helper.name) for _, diff in view.result(LANDING_DIFFS)):
                continue
            words = added_words(file.change for file in view.files if file.is_rust) if words is None else words
            place = added_helper(view, file.path, helper.name) if helper.name not in words else None
            if place is not None:
                message = f"No Rust code in the tree or in this series uses `bindings::{helper.name}`."
                yield view.report(place, message, facts=(("name", helper.name),))


_TREE = """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  static inline int lamp_on(int lamp) { return 0; }
"""

EXAMPLES = (
    Example(
        "no user",
        _TREE
        + """
          | diff rust/helpers/lamp.c (new)
        ! | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
        """,
    ),
    Example(
        "a later patch uses it",
        _TREE
        + """
          | patch rust: helpers: add lamp
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | patch rust: lamp: switch it on
          | diff rust/kernel/lamp.rs (new)
          | +use crate::bindings;
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { bindings::lamp_on(1) }
          | +}
        """,
    ),
    Example(
        "a macro makes the name",
        _TREE
        + """
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | diff rust/kernel/lamp.rs (new)
          | +macro_rules! switch {
          | +    ($state:ident) => {
          | +        // SAFETY: There is a lamp.
          | +        paste!(unsafe { $crate::bindings::[<lamp_ $state>](1) })
          | +    };
          | +}
          | +fn on() -> i32 { switch!(on) }
        """,
    ),
)

RULE = Rule(
    id="helper-unused",
    summary="A C helper for Rust has no user",
    severity=Severity.WARNING,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("DEHV08MPF9CH.1GZAWEGC4AVF3@nvidia.com"),
        MessageId("2024062040-wannabe-composer-91bc@gregkh"),
    ),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
