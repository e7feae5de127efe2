# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust uses a C name that exists only in some configurations.

## What it flags

The first use of `bindings::name` in a file, if every declaration of the name, and its helper if it has one, is under
the same `#if` of a `CONFIG_` option, but the code is built without this option too: neither the `cfg`s of the item and
its modules nor the Kconfig entry of a driver imply it. A new helper that calls such a name is flagged too.

## Why

If the option is off, the kernel no longer builds. Build robots find this weeks later, one configuration at a time.

## How to fix

Put `#[cfg(CONFIG_…)]` on the item or its module, add `depends on` to the Kconfig entry of the driver, or add a helper
outside of the `#if`.

## What it does not flag

- A use whose options imply the option of the name, or may imply it. The rule reports a use only if Kconfig has a
  configuration in which the use is built and the name does not exist.
- Names that the file used before.
- A name that a landing tree has without the option, and a use that a landing tree builds only with the option.

Names that the base does not know are looked up in the landing trees; the finding names the tree. If the base is
unknown, all names are looked up there, but the finding is not mailed: the base may have a change that is not in the
landing tree. Without a kernel tree, or if a change of a Kconfig file or Makefile does not fit the base, nothing is
reported.
"""

from collections.abc import Iterator

from rules.analysis.bindings_view import (
    BINDINGS_DIFF,
    added_helper,
    all_diffs,
    declared_in_c,
    module_is_gated,
    new_uses,
)
from rules.analysis.view import SeriesView
from rules.bindings.bindings_diff import BindingsDiff, is_kbuild
from rules.bindings.facts import LocatedDeclaration
from rules.bindings.new_names import ConditionalName, find_condition, find_gated_helpers, is_known, is_met
from rules.finding import Anchor, Confidence, Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each name once, at the first use that is built without it, in the first tree that knows the name."""
    known: set[str] = set()
    base = view.result(BINDINGS_DIFF)
    if base is not None and any(map(is_kbuild, base.changed_lines)):
        return
    for tree, diff in all_diffs(view):
        if tree and (view.series.prerequisites or any(map(is_kbuild, diff.changed_lines))):
            continue
        yield from _check_uses(view, tree, diff, known)
        if base is None or not tree:
            yield from _check_helpers(view, tree, diff, known)
        if view.landing:
            known.update(user.use.name for user, _ in new_uses(view, diff) if is_known(diff.after, user.use.name))


def _check_uses(view: SeriesView, tree: str, diff: BindingsDiff, known: set[str]) -> Iterator[Diagnostic]:
    reported = set(known)
    for user, anchor in new_uses(view, diff):
        name = user.use.name
        is_first = not diff.before.users(name)
        conditional = None if name in reported else find_condition(diff.after, user, is_first=is_first)
        if conditional is None or module_is_gated(view, user.path):
            continue
        if not any(is_met(other, user, conditional.condition) for _, other in all_diffs(view) if other is not diff):
            reported.add(name)
            yield _report(view, anchor, "", name, conditional, tree)


def _check_helpers(view: SeriesView, tree: str, diff: BindingsDiff, known: set[str]) -> Iterator[Diagnostic]:
    for located, name, conditional in find_gated_helpers(diff):
        helper = located.helper
        others = (other for _, other in all_diffs(view) if other is not diff)
        if helper.name in known or any(_has_without(other, name, conditional.condition) for other in others):
            continue
        place = added_helper(view, located.path, helper.name)
        if place is not None:
            known.add(helper.name)
            yield _report(view, place, f"The helper `{helper.name}` uses ", name, conditional, tree)


def _has_without(diff: BindingsDiff, name: str, condition: str) -> bool:
    return any(condition not in located.declaration.conditions for located in diff.after.declarations(name))


def _report(
    view: SeriesView, place: Anchor, start: str, name: str, conditional: ConditionalName, tree: str
) -> Diagnostic:
    condition = re.sub(r"defined\((\w+)\)", r"\1", conditional.condition)
    needed = (
        f"`{name}`, which exists only under `{condition}`" if start else f"`{name}` exists only under `{condition}`"
    )
    reason = "this code is built without it too."
    if conditional.option:
        reason = f"`CONFIG_{conditional.option}`, which builds this code, does not imply it."
    # A pending change that the unknown base has may declare the name otherwise.
    is_certain = not tree or view.result(BINDINGS_DIFF) is not None
    confidence = Confidence.HIGH if is_certain else Confidence.LOW
    evidence = declared_in_c(conditional.provider, tree) if isinstance(conditional.provider, LocatedDeclaration) else ()
    return view.report(
        place,
        f"{start}{needed}, but {reason}",
        evidence=evidence,
        facts=(("name", name),),
        tree=tree,
        confidence=confidence,
    )


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

_KCONFIG = """
          | tree Kconfig
          |  config RUST
          |      bool "Rust support"
          |  config LAMP
          |      bool "Lamps"
          |  config ROOM
          |      bool "Rooms"
          |      depends on RUST
          |  config HALL
          |      bool "Halls"
          |      depends on RUST && LAMP
          | tree Kbuild
          |  obj-$(CONFIG_ROOM) += room.o
          |  obj-$(CONFIG_HALL) += hall.o
"""

EXAMPLES = (
    Example(
        "a driver whose option does not imply that of the name, and one whose option does",
        _TREE
        + _KCONFIG
        + """
          | diff room.rs (new)
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
        ! | +    unsafe { kernel::bindings::lamp_on(1) }
          | +}
          | diff hall.rs (new)
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { kernel::bindings::lamp_on(1) }
          | +}
        """,
    ),
    Example(
        "a helper",
        _TREE
        + _KCONFIG
        + """
          | tree include/linux/dimmer.h
          |  #ifdef CONFIG_LAMP
          |  int dim(int lamp);
          |  #endif
          | diff rust/helpers/lamp.c (new)
          | +#include <linux/dimmer.h>
          | +
        ! | +__rust_helper int rust_helper_lamp_dim(int lamp)
          | +{
          | +    return dim(lamp);
          | +}
        """,
    ),
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
        "a file that no module leads to",
        _TREE
        + """
          | diff rust/kernel/bulb.rs (new)
          | +use crate::bindings;
          | +fn on() -> i32 {
          | +    // SAFETY: There is a lamp.
          | +    unsafe { bindings::lamp_on(1) }
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
