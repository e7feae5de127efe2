# SPDX-License-Identifier: GPL-2.0-or-later
"""A change of C code takes away what Rust code stands on.

## What it flags

A patch, with or without Rust in it, that removes or renames a C name which Rust uses through the bindings or through a
helper; that makes such a function inline, static or a macro, so that no symbol is left to bind; that changes its
parameters or its type; that puts it under an `#if`; that takes away its helper; that removes, renames, retypes or hides
a field which Rust or a helper reads, or moves it into or out of an anonymous struct or union; that turns a constant
into something bindgen cannot evaluate; that moves it or its header out of what the bindings include. A constant that
changes its value is a warning: Rust gets the new value when it is built, but code may rely on the old one, and user
space, firmware or a device may know it.

## Why

Build robots skip patches without `.rs` files and configurations without `CONFIG_RUST`. Such a change is noticed in
linux-next, after it was applied, and has to be repaired in haste by somebody else.

## How to fix

Update the users named in the remark in the same patch, so that every commit builds, and add the Rust maintainers to
Cc. A function that loses its symbol needs a helper in `rust/helpers/`, a macro that bindgen cannot evaluate a
`RUST_CONST_HELPER_*` in `rust/bindings/bindings_helper.h`.

## When it stays silent

Without a kernel tree nobody knows what Rust uses. Users whose text the series changes count as updated. A change that
Rust cannot see is none: another spelling of the same type, a `const` on a parameter's pointer, one that a parameter
loses where what Rust passes may be a `*mut`, a static inline that is called through a helper, a stub for the other
branch of an `#if`, a new condition over a user that some option builds already, a driver or a `cfg`, the last
enumerator, which counts the others, where its enum grows. An `EXPORT_SYMBOL` that goes alone: code built into the
kernel needs none, and which Rust code becomes a module, or is inlined into one, is not known here. Where the base tree
does not say what the patch removes, the tree is another one, and nothing is said.
"""

from collections.abc import Iterator, Sequence

from rules.analysis.bindings_view import BINDINGS_DIFF, BREAKAGES, location
from rules.analysis.view import SeriesView
from rules.bindings.breakage import Breakage, Effect
from rules.bindings.index import Bindings
from rules.checks.breakage_text import evidence, facts, message
from rules.finding import Confidence, Diagnostic, Severity
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status

# One changed line can break several names: an enum's tag, an `#ifdef` around a block, a header that goes.
_TOGETHER = (Effect.VALUE, Effect.REMOVED, Effect.GATED, Effect.UNREACHED)


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One finding for each C name, or field, that is changed and still used as before."""
    change = view.result(BINDINGS_DIFF)
    if change is None:
        return
    lines: dict[tuple[Effect, int, str, int], list[Breakage]] = {}
    for breakage in view.result(BREAKAGES):
        if breakage.effect in _TOGETHER:
            place = breakage.location
            lines.setdefault((breakage.effect, place.step.patch.index, place.path, place.line), []).append(breakage)
        else:
            yield _report(view, breakage, change.before)
    for together in lines.values():
        yield _report(view, together[0], change.before, together[1:])


def _report(view: SeriesView, breakage: Breakage, bindings: Bindings, alike: Sequence[Breakage] = ()) -> Diagnostic:
    return view.report(
        location(breakage.location),
        message(breakage, bindings, alike),
        severity=Severity.WARNING if breakage.effect is Effect.VALUE else None,
        confidence=Confidence.HIGH if breakage.is_certain else Confidence.MEDIUM,
        evidence=evidence(breakage, bindings),
        facts=facts(breakage),
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
    summary="C code changes under Rust code that uses it",
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
            "a parameter more",
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
            "no symbol any more",
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
            "a field renamed, a constant gone",
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
            "a helper gone",
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
            "nobody uses it, or nobody sees it",
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
