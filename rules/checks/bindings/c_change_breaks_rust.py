# SPDX-License-Identifier: GPL-2.0-or-later
"""A change of C code breaks Rust code that uses it.

## What it flags

A change, with or without Rust in the patch, to a C name that Rust uses through the bindings or through a helper:

- The name is removed or renamed, or put under an `#if`.
- A function becomes inline, static or a macro, so that it has no symbol to bind; its parameters or its type change; its
  helper is removed, gets another signature, or is put under an option.
- A field that Rust or a helper reads is removed, renamed, hidden or gets another type, or it moves into or out of an
  anonymous struct or union.
- A number becomes a struct, or a struct with fields that Rust uses becomes a number.
- A constant becomes an expression that bindgen cannot evaluate.
- The name or its header moves out of the headers that the bindings include, or the last `#include` of its header goes.
- A trace event that `declare_trace!` declares, or a macro that a `.rs.S` file expands, is renamed or gets other
  parameters.
- A constant changes its value. This is a warning: Rust gets the new value when it is built, but code may rely on the
  old value, and user space, firmware or a device may know it.

The users are looked up in the tree that the series was made for and in the landing trees. A declaration in a landing
tree counts only if it has the same tokens as the declaration that the patch changes. The first patch that breaks the
users is reported.

## Why

Build robots skip patches without `.rs` files and configurations without `CONFIG_RUST`. So the breakage is noticed in
linux-next, after the change was applied, and somebody else has to repair it in a hurry.

## How to fix

Update the users that the finding names in the same patch, so that every commit builds, and add the Rust maintainers to
Cc. A function without a symbol needs a helper in `rust/helpers/`. A macro that bindgen cannot evaluate needs a
`RUST_CONST_HELPER_*` in `rust/bindings/bindings_helper.h`.

## What it does not flag

Users whose text the series changes count as updated. These changes do not break Rust:

- Another spelling of the same type.
- A `const` that is added to the pointer of a parameter, or removed if Rust may pass a `*mut`.
- A function that becomes static inline, if Rust calls it through a helper.
- A stub for the other branch of an `#if`.
- A new condition that the options of the user imply, or may imply.
- The last enumerator of an enum that grows, if it counts the others.

A removed `EXPORT_SYMBOL` alone is not reported: built-in code does not need it, and the rule does not know which Rust
code becomes a module, or is inlined into one. Without a kernel tree, or if the tree does not contain the lines that the
patch removes, nothing is reported.

A finding in a landing tree is not mailed if a line around the change contradicts that tree.
"""

from collections.abc import Iterator, Sequence

from rules.analysis.bindings_view import BINDINGS_DIFF, BREAKAGES, LANDING_BREAKAGES, location
from rules.analysis.view import SeriesView
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.index import Bindings
from rules.checks.breakage_text import evidence, facts, message
from rules.finding import Confidence, Diagnostic, Severity
from rules.lazy import dataclass
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

# One changed line can break several names: the tag of an enum, an `#ifdef` around a block, a removed header.
_REPORTED_BY_LINE = (Effect.VALUE, Effect.REMOVED, Effect.PREFIX, Effect.GATED, Effect.UNREACHED)


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """Report each changed C name or field with users that are not updated."""
    change = view.result(BINDINGS_DIFF)
    breakages = view.result(BREAKAGES) if change is not None else ()
    sightings = [_Sighting(breakage, change.before) for breakage in breakages if change is not None]
    sightings += [_Sighting(item.breakage, item.before, item.landing.name) for item in view.result(LANDING_BREAKAGES)]
    lines: dict[tuple[Effect, int, str, int, str], list[_Sighting]] = {}
    for sighting in sightings:
        breakage, place = sighting.breakage, sighting.breakage.location
        if breakage.effect in _REPORTED_BY_LINE:
            key = (breakage.effect, place.step.patch.index, place.path, place.line, sighting.tree)
            lines.setdefault(key, []).append(sighting)
        else:
            yield _report(view, sighting)
    for group in lines.values():
        yield _report(view, group[0], [sighting.breakage for sighting in group[1:]])


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A breakage, the bindings before the series, and the landing tree in which it was seen, "" for the base."""

    breakage: Breakage
    bindings: Bindings
    tree: str = ""


def _report(view: SeriesView, sighting: _Sighting, others: Sequence[Breakage] = ()) -> Diagnostic:
    breakage, bindings, tree = sighting.breakage, sighting.bindings, sighting.tree
    unsure = Confidence.LOW if tree else Confidence.MEDIUM
    return view.report(
        location(breakage.location),
        message(breakage, bindings, others, tree),
        severity=Severity.WARNING if breakage.effect is Effect.VALUE else None,
        confidence=Confidence.HIGH if breakage.is_certain else unsure,
        evidence=evidence(breakage, bindings, tree),
        facts=facts(breakage),
        tree=tree,
    )


_TREE = """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree include/linux/lamp.h
    |  #define LAMP_MAX 4
    |  struct lamp {
    |      int level;
    |      void *owner;
    |  };
    |  int lamp_on(struct lamp *lamp);
    |  int lamp_off(struct lamp *lamp);
    | tree rust/kernel/lamp.rs
    |  use crate::bindings;
    |  fn on(lamp: *mut bindings::lamp) -> i32 {
    |      // SAFETY: The pointer is valid.
    |      unsafe { bindings::lamp_on(lamp) }
    |  }
    |  fn level(lamp: *mut bindings::lamp) -> i32 {
    |      // SAFETY: The pointer is valid.
    |      unsafe { (*lamp).level }
    |  }
    |  const MAX: u32 = bindings::LAMP_MAX;
"""

RULE = Rule(
    id="c-change-breaks-rust",
    summary="C code changes, but not the Rust code that uses it",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__,
    evidence=(
        MessageId("20241220131054.7f6e7959@canb.auug.org.au"),
        MessageId("20250528152832.3ce43330@canb.auug.org.au"),
        MessageId("20251117102310.58ecfdb4@canb.auug.org.au"),
    ),
    examples=(
        Example(
            "one more parameter",
            _TREE
            + """
    | diff include/linux/lamp.h
    | @@
    |  };
  ! | -int lamp_on(struct lamp *lamp);
    | +int lamp_on(struct lamp *lamp, unsigned int flags);
    |  int lamp_off(struct lamp *lamp);
""",
        ),
        Example(
            "a function without a symbol",
            _TREE
            + """
    | diff include/linux/lamp.h
    | @@
    |  };
  ! | -int lamp_on(struct lamp *lamp);
    | +static inline int lamp_on(struct lamp *lamp)
    | +{
    | +    return lamp_set(lamp, 1);
    | +}
    |  int lamp_off(struct lamp *lamp);
""",
        ),
        Example(
            "a renamed field, a removed constant",
            _TREE
            + """
    | diff include/linux/lamp.h
    | @@
  ! | -#define LAMP_MAX 4
    |  struct lamp {
  ! | -    int level;
    | +    int brightness;
    |      void *owner;
    |  };
""",
        ),
        Example(
            "another value",
            _TREE
            + """
    | diff include/linux/lamp.h
    | @@
  ! | -#define LAMP_MAX 4
    | +#define LAMP_MAX 5
    |  struct lamp {
""",
        ),
        Example(
            "under a condition",
            _TREE
            + """
    | diff include/linux/lamp.h
    | @@
    |  };
  ! | +#ifdef CONFIG_LAMP
    |  int lamp_on(struct lamp *lamp);
    | +#else
    | +static inline int lamp_on(struct lamp *lamp) { return -ENODEV; }
    | +#endif
    |  int lamp_off(struct lamp *lamp);
""",
        ),
        Example(
            "one line, several names",
            """
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree include/linux/lamp.h
    |  enum lamp_state {
    |      LAMP_OFF,
    |      LAMP_ON,
    |  };
    | tree rust/kernel/lamp.rs
    |  use crate::bindings;
    |  const OFF: u32 = bindings::lamp_state_LAMP_OFF;
    |  const ON: u32 = bindings::lamp_state_LAMP_ON;
    | diff include/linux/lamp.h
    | @@
  ! | -enum lamp_state {
    | +enum lamp_mode {
    |      LAMP_OFF,
    |      LAMP_ON,
    |  };
""",
        ),
        Example(
            "a removed helper",
            _TREE
            + """
    | tree rust/helpers/lamp.c
    |  __rust_helper int rust_helper_lamp_on(struct lamp *lamp)
    |  {
    |      return lamp_on(lamp);
    |  }
    | diff include/linux/lamp.h
    | @@
    |  };
    | -int lamp_on(struct lamp *lamp);
    | +static inline int lamp_on(struct lamp *lamp)
    | +{
    | +    return lamp_set(lamp, 1);
    | +}
    |  int lamp_off(struct lamp *lamp);
    | diff rust/helpers/lamp.c
    | @@
  ! | -__rust_helper int rust_helper_lamp_on(struct lamp *lamp)
    | -{
    | -    return lamp_on(lamp);
    | -}
    | +// nothing left
""",
        ),
        Example(
            "the series updates the users",
            _TREE
            + """
    | patch lamp: flags
    | diff include/linux/lamp.h
    | @@
    |  };
    | -int lamp_on(struct lamp *lamp);
    | +int lamp_on(struct lamp *lamp, unsigned int flags);
    |  int lamp_off(struct lamp *lamp);
    | diff rust/kernel/lamp.rs
    | @@
    |      // SAFETY: The pointer is valid.
    | -    unsafe { bindings::lamp_on(lamp) }
    | +    unsafe { bindings::lamp_on(lamp, 0) }
    |  }
""",
        ),
        Example(
            "unused names, and changes that Rust cannot see",
            _TREE
            + """
    | diff include/linux/lamp.h
    | @@
    | -#define LAMP_MAX 4
    | +#define LAMP_MAX (2 + 2)
    |  struct lamp {
    |      int level;
    | -    void *owner;
    | +    void *holder;
    |  };
    | -int lamp_on(struct lamp *lamp);
    | -int lamp_off(struct lamp *lamp);
    | +extern int lamp_on(struct lamp *lamp) __must_check;
""",
        ),
    ),
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
