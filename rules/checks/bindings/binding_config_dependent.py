# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust uses a C name that exists only in some configurations.

## What it flags

The first use of `bindings::name`, if every declaration of the name, and its helper if it has one, is under the same
`#if` of a `CONFIG_` option, but neither the item nor its module is under a `cfg`.

## Why

If the option is off, the kernel no longer builds. Build robots find this weeks later, one configuration at a time.

## How to fix

Put `#[cfg(CONFIG_…)]` on the item or its module, or add a helper outside of the `#if`.

## What it does not flag

- A use under the `cfg` of any `CONFIG_` option, because the rule does not know how Kconfig relates the two options.
- Code outside the `kernel` crate, because its Kconfig entry may depend on the option.
- Names that were used before.

Without a kernel tree nothing is reported.
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
    """Report each name at its first use."""
    for change, user, anchor in first_uses(view):
        conditional = find_condition(change.after, user) if user.path.startswith("rust/kernel/") else None
        if conditional is None or module_is_gated(view, user.path):
            continue
        text, provider = conditional
        condition = re.sub(r"defined\((\w+)\)", r"\1", text)
        message = f"`{user.use.name}` exists only under `{condition}`, but this code is built without it too."
        evidence = declared_in_c(provider) if isinstance(provider, LocatedDeclaration) else ()
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
        "a cfg on the item, a name that always exists",
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
    summary="Rust uses a C name that exists only in some configurations",
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
