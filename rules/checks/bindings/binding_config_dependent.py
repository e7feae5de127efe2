# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust uses a C name that only some configurations have.

## What it flags

`bindings::name`, used for the first time, where every declaration of the name, and its helper if there is one, stands
under the same `#if` of a `CONFIG_` option, while neither the item nor its module is under a `cfg`.

## Why

The kernel no longer builds where the option is off. That is found by robots weeks later, one configuration at a time.

## How to fix

`#[cfg(CONFIG_…)]` on the item or its module, or a helper that stands outside the `#if`.

## When it stays silent

A use under any `cfg` of a `CONFIG_` option: what Kconfig makes of the two options is not known here. Code outside the
`kernel` crate, whose Kconfig entry may depend on the option. Names that were used before. Without a kernel tree nothing
is said.
"""

import re
from collections.abc import Iterator

from rules.analysis.bindings_view import declared_in_c, first_uses, module_is_gated
from rules.analysis.view import SeriesView
from rules.bindings.facts import LocatedDeclaration
from rules.bindings.new_names import find_condition
from rules.finding import Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One finding for each name, where it is used first."""
    for change, user, anchor in first_uses(view):
        found = find_condition(change.after, user) if user.path.startswith("rust/kernel/") else None
        if found is None or module_is_gated(view, user.path):
            continue
        condition = re.sub(r"defined\((\w+)\)", r"\1", found[0])
        message = f"`{user.use.name}` is only there under `{condition}`, but this is built without it too."
        evidence = declared_in_c(found[1]) if isinstance(found[1], LocatedDeclaration) else ()
        yield view.report(anchor, message, evidence=evidence, facts=(("name", user.use.name),))


_TREE = """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree rust/kernel/lib.rs
          |  #[cfg(CONFIG_LAMP)]
          |  pub mod lamp;
          |  pub mod light;
          | tree include/linux/lamp.h
          |  #ifdef CONFIG_LAMP
          |  int lamp_on(int lamp);
          |  #else
          |  static inline int lamp_on(int lamp) { return 0; }
          |  #endif
          |  int lamp_off(int lamp);
"""

EXAMPLES = (
    Example(
        "no cfg around the use",
        _TREE
        + """
          | diff rust/kernel/light.rs (new)
          | +use crate::bindings;
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
        ! | +    unsafe { bindings::lamp_on(1) }
          | +}
        """,
    ),
    Example(
        "a cfg on the module",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (new)
          | +use crate::bindings;
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { bindings::lamp_on(1) }
          | +}
        """,
    ),
    Example(
        "a cfg on the item, a name that is always there",
        _TREE
        + """
          | diff rust/kernel/light.rs (new)
          | +use crate::bindings;
          | +#[cfg(CONFIG_LAMP)]
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { bindings::lamp_on(1) }
          | +}
          | +
          | +fn off() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { bindings::lamp_off(1) }
          | +}
        """,
    ),
)

RULE = Rule(
    id="binding-config-dependent",
    summary="Rust uses a C name that only some configurations have",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("DEUI4QS4G4KA.3H4Z0MRF394FF@nvidia.com"),
        MessageId("aEJwm16HSwCyt7aB@Mac.home"),
        MessageId("20241022234712.GB1848992-robh@kernel.org"),
        MessageId("20251202210501.40998-1-dakr@kernel.org"),
    ),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
