# SPDX-License-Identifier: GPL-2.0-or-later
"""A change of C code takes away what Rust code stands on.

## What it flags

A patch, with or without Rust in it, that removes or renames a C name which Rust uses through the bindings or through a
helper; that makes such a function inline, static or a macro, so that no symbol is left to bind; that changes its
parameters or its type; that puts it under an `#if`; that removes, renames, retypes or hides a field which Rust reads;
that turns a constant into something bindgen cannot evaluate; that moves it or its header out of what the bindings
include. A constant that changes its value is a warning: Rust gets the new value when it is built, but code may rely on
the old one, and user space, firmware or a device may know it.

## Why

Build robots skip patches without `.rs` files and configurations without `CONFIG_RUST`. Such a change is noticed in
linux-next, after it was applied, and has to be repaired in haste by somebody else.

## How to fix

Update the users named in the remark in the same patch, so that every commit builds, and add the Rust maintainers to
Cc. A function that loses its symbol needs a helper in `rust/helpers/`, a macro that bindgen cannot evaluate a
`RUST_CONST_HELPER_*` in `rust/bindings/bindings_helper.h`.

## When it stays silent

Without a kernel tree nobody knows what Rust uses. Users whose text the series changes count as updated. A change that
Rust cannot see is none: another spelling of the same type, a `const` on a parameter's pointer, a static inline that is
called through a helper, a stub for the other branch of an `#if`, a user under the `cfg` of the same option, the last
enumerator, which counts the others, where its enum grows. Where the
base tree does not say what the patch removes, the tree is another one, and nothing is said.
"""

import re
from collections.abc import Iterator, Sequence

from rules.border.breakage import Breakage, Effect
from rules.border.compare import breakages
from rules.border.helper_facts import BINDINGS_HEADER
from rules.border.index import LocatedHelper
from rules.finding import Anchor, Confidence, Evidence, Finding, LogAnchor, Severity
from rules.rule import Example, Rule, Status
from rules.view import SeriesView

_SHOWN = 6

_MEND = {
    Effect.REMOVED: "they have to be updated in this series",
    Effect.UNREACHED: "include the header that declares it now in `rust/bindings/bindings_helper.h`",
    Effect.NO_SYMBOL: "bindgen makes no binding for it: it needs a helper in `rust/helpers/`",
    Effect.STATIC: "nothing outside its file can link to it",
    Effect.SIGNATURE: "the calls have to follow",
    Effect.GATED: "the users need the same condition as `cfg`, or a helper that is always there",
    Effect.MEMBER_REMOVED: "they have to be updated in this series",
    Effect.MEMBER_TYPE: "what Rust reads and writes there has another type now",
    Effect.MEMBER_GATED: "the users need the same condition as `cfg`",
    Effect.MEMBER_ADDED: "a literal that names every field no longer compiles",
    Effect.OPAQUE: "bindgen sees an empty struct",
    Effect.TYPE: "what Rust passes and stores has another type now",
    Effect.NOT_CONSTANT: "it needs a `RUST_CONST_HELPER_*` in `rust/bindings/bindings_helper.h`",
    Effect.VALUE: "Rust gets the new value when it is built; check that nothing relies on the old one",
}


def check(view: SeriesView) -> Iterator[Finding]:
    """One finding for each C name, or field, that is changed and still used as before."""
    change = view.border
    if change is None:
        return
    values: dict[tuple[int, str, int], list[Breakage]] = {}
    for one in breakages(change):
        if one.effect is Effect.VALUE:
            place = one.place
            values.setdefault((place.step.patch.index, _path(one), place.line), []).append(one)
        else:
            yield _finding(one)
    for together in values.values():  # one changed enumerator renumbers those after it
        yield _finding(together[0], together[1:])


def _finding(one: Breakage, alike: Sequence[Breakage] = ()) -> Finding:
    place = one.place
    patch = place.step.patch
    if place.line:
        anchor: Anchor | LogAnchor = Anchor(
            patch.index, _path(one), place.side, place.line, 1 + _indent(place.text), place.text
        )
    else:
        anchor = LogAnchor(patch.index, 0, patch.subject)
    return Finding(
        RULE.id,
        Severity.WARNING if one.effect is Effect.VALUE else RULE.severity,
        Confidence.HIGH if one.sure else Confidence.MEDIUM,
        anchor,
        _message(one) + (f" The same goes for {', '.join(f'`{other.name}`' for other in alike)}." if alike else ""),
        _evidence(one),
        facts=_facts(one),
    )


def _path(one: Breakage) -> str:
    change = one.place.step.change
    return change.before if one.place.side == "pre" and change.before is not None else change.path


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _message(one: Breakage) -> str:
    if one.effect is Effect.HEADER_GONE:
        moved = f"moves to `{one.shown[1]}`" if one.shown[1] else "is removed"
        return f"`{one.shown[0]}` {moved}, but `{one.member}` still includes `{one.name}`: Rust no longer builds."
    subject = f"`{one.name}`" if not one.member else f"`{one.member}` of `struct {one.name}`"
    head = {
        Effect.MEMBER_REMOVED: f"{subject} is removed",
        Effect.MEMBER_TYPE: f"{subject} becomes `{one.shown[1]}` (was `{one.shown[0]}`)",
        Effect.MEMBER_GATED: f"{subject} is only there under `{_condition(one)}`",
        Effect.MEMBER_ADDED: f"`struct {one.name}` gets the field `{one.member}`",
        Effect.NO_SYMBOL: f"{subject} has no symbol any more, it becomes `{one.shown[1]}`",
        Effect.SIGNATURE: f"{subject} becomes `{one.shown[1]}` (was `{one.shown[0]}`)",
        Effect.TYPE: f"{subject} becomes `{one.shown[1]}` (was `{one.shown[0]}`)",
        Effect.VALUE: f"{subject} changes its value: `{one.shown[1]}` (was `{one.shown[0]}`)",
        Effect.NOT_CONSTANT: f"{subject} becomes `{one.shown[1]}`, which bindgen cannot evaluate",
        Effect.GATED: f"{subject} is only declared under `{_condition(one)}` now",
    }.get(one.effect, f"{subject} {one.effect}")
    renamed = f" (renamed to `{one.renamed}`?)" if one.renamed else ""
    link = "and" if one.effect is Effect.VALUE else "but"
    return f"{head}{renamed}, {link} Rust uses it {_who(one)}: {_MEND[one.effect]}."


def _condition(one: Breakage) -> str:
    return re.sub(r"defined\((\w+)\)", r"\1", " && ".join(one.conditions))


def _who(one: Breakage) -> str:
    direct = [f"{user.path}:{user.use.line}" for user in one.users]
    direct += [f"{user.path}:{user.access.line}" for user in one.members]
    parts = []
    if direct:
        shown = ", ".join(direct[:_SHOWN])
        more = f" and {len(direct) - _SHOWN} more" if len(direct) > _SHOWN else ""
        parts.append(f"in {shown}{more}")
    if one.helpers:
        parts.append(f"through {', '.join(_helper(helper) for helper in one.helpers[:_SHOWN])}")
    return " and ".join(parts)


def _helper(one: LocatedHelper) -> str:
    return f"the helper `rust_helper_{one.helper.name}` ({one.path}:{one.helper.line})"


def _evidence(one: Breakage) -> tuple[Evidence, ...]:
    found = [Evidence(f"{user.path}:{user.use.line}", (user.use.text,)) for user in one.users]
    found += [Evidence(f"{user.path}:{user.access.line}", (user.access.text,)) for user in one.members]
    found += [Evidence(f"{helper.path}:{helper.helper.line}", (helper.helper.signature,)) for helper in one.helpers]
    return tuple(found[:_SHOWN])


def _facts(one: Breakage) -> tuple[tuple[str, str], ...]:
    facts = [("name", one.name), ("effect", one.effect.name.lower().replace("_", "-"))]
    if one.member and one.effect is not Effect.HEADER_GONE:
        facts.append(("member", one.member))
    if one.effect is Effect.HEADER_GONE:
        facts.append(("included-by", one.member or BINDINGS_HEADER))
    return tuple(facts)


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
        "20241220131054.7f6e7959@canb.auug.org.au",
        "20250528152832.3ce43330@canb.auug.org.au",
        "20251117102310.58ecfdb4@canb.auug.org.au",
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
)
