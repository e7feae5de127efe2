# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust uses a C name for which bindgen makes no binding.

## What it flags

The first use of `bindings::name`, if C declares the name only as a static inline function or as a macro that bindgen
cannot evaluate, and neither the tree nor the series has a helper `rust_helper_name` or a `RUST_CONST_HELPER_name`.

## Why

Bindgen makes bindings for symbols, types and plain constants only. The code does not compile, or compiles only in a
configuration in which another header declares the name.

## How to fix

Add a helper in `rust/helpers/`, or a `RUST_CONST_HELPER_*` to `rust/bindings/bindings_helper.h`, in the same patch.

## What it does not flag

A name with a helper in any patch of the series or in a landing tree. A name without a declaration in the included
headers, because it may come from a header that the rule does not know. If the tree that the series was made for is
unknown, nothing is reported, even with a landing tree: the unknown tree may have the helper.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import LANDING_DIFFS, declared_in_c, first_uses
from rules.analysis.view import SeriesView
from rules.bindings.bindings_diff import BindingsDiff
from rules.bindings.new_names import find_unbound_declaration
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

# A pointer, an address or a call. C knows the value of the operators and macros that are left out.
_NO_CONSTANT = re.compile(r"\*\s*+\)|->|&\s*+[A-Za-z_]|\b_*+(?!(?:sizeof|offsetof|type_m(?:ax|in))\b)[a-z]\w*+\s*+\(")


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each name at its first use."""
    for change, user, anchor in first_uses(view):
        unbound = find_unbound_declaration(change.after, user.use.name)
        if unbound is None or any(_has_binding(diff, user.use.name) for _, diff in view.result(LANDING_DIFFS)):
            continue
        kind = unbound.declaration.kind
        is_constant = kind == "macro" and _NO_CONSTANT.search(unbound.declaration.type) is None
        helper = "a `RUST_CONST_HELPER_*`" if is_constant else "a helper"
        message = f"bindgen makes no binding for `{user.use.name}`, because C declares it as {kind}: it needs {helper}."
        yield view.report(anchor, message, evidence=declared_in_c(unbound), facts=(("name", user.use.name),))


def _has_binding(diff: BindingsDiff, name: str) -> bool:
    """Tell whether a tree has a helper for a name, or declares it so that bindgen makes a binding."""
    is_declared = diff.after.provider(name) is not None or bool(diff.after.bound_declarations(name))
    return is_declared and find_unbound_declaration(diff.after, name) is None


_TREE = """
          | tree rust/bindings/bindings_helper.h
          |  #include <linux/lamp.h>
          | tree include/linux/lamp.h
          |  #define LAMP_MASK ((__force lamp_t)3)
          |  #define LAMP_MAX 4
          |  static inline int lamp_on(int lamp)
          |  {
          |      return 0;
          |  }
          |  int lamp_off(int lamp);
"""

EXAMPLES = (
    Example(
        "an inline function and a cast",
        _TREE
        + """
          | diff rust/kernel/lamp.rs (new)
          | +use crate::bindings;
        ! | +const MASK: u32 = bindings::LAMP_MASK;
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
        ! | +    unsafe { bindings::lamp_on(1) }
          | +}
        """,
    ),
    Example(
        "helpers in the series, symbols, plain constants",
        _TREE
        + """
          | patch rust: helpers: add lamp
          | diff rust/helpers/lamp.c (new)
          | +__rust_helper int rust_helper_lamp_on(int lamp)
          | +{
          | +    return lamp_on(lamp);
          | +}
          | diff rust/kernel/lamp.rs (new)
          | +use crate::bindings;
          | +const MAX: u32 = bindings::LAMP_MAX;
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { bindings::lamp_on(1) + bindings::lamp_off(1) + bindings::lamp_elsewhere(1) }
          | +}
        """,
    ),
)

RULE = Rule(
    id="binding-without-provider",
    summary="Rust uses a C name for which bindgen makes no binding",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("7a88da9f-c67b-4a68-b8d6-a66f9096bab4@nvidia.com"),),
    examples=EXAMPLES,
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
