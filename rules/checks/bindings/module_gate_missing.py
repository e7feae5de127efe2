# SPDX-License-Identifier: GPL-2.0-or-later
"""Rust code uses a module of the `kernel` crate, and the Kconfig option of the code does not imply that of the module.

## What it flags

A module, item or macro of the `kernel` crate is under a `cfg`, and code that is built without this option uses it:

- The series adds the use, and the Kconfig entry does not depend on the option of the module.
- The series removes the `depends on` or `select` from the Kconfig entry, or builds the file under another option.
- The series puts a module under a `cfg`, and its users do not depend on the option.

The options of a file come from the Makefiles and the `mod` lines that lead to it. The entries are read as they are
after the series. `CONFIG_X = "y"` needs `depends on X=y` if X can be a module.

## Why

If the option is off, the kernel no longer builds. Build robots find this weeks later, one configuration at a time.

## How to fix

Add `depends on` or `select` to the Kconfig entry, or put the use under the same `cfg`.

## What it does not flag

The rule reports a use only if Kconfig has a configuration in which the code is built and the option is off. Nothing
is reported for:

- An option that is selected under a condition, that no user can turn off, or that one of several alternatives needs.
- A file whose Makefile is unclear.
- Names from a glob import or from an import under a `cfg`, methods, and code in macros.
- A series that names prerequisites, or has a change of a Kconfig file or Makefile that does not fit the tree.

Without a kernel tree nothing is reported.
"""

from collections.abc import Iterator, Sequence

from rules.analysis.bindings_view import added_line, all_diffs
from rules.analysis.view import FileView, SeriesView
from rules.bindings.bindings_diff import BindingsDiff, is_kbuild
from rules.bindings.crate_paths import full_name, is_in_crate
from rules.bindings.gate_breaches import GateBreach, find_gate_breaches
from rules.bindings.kconfig import describe
from rules.bindings.module_facts import CrateUse
from rules.finding import Anchor, Diagnostic, Evidence, Severity
from rules.lazy import re
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Example, Rule, Status
from rules.listing import listing
from rules.source.kbuild.condition import Condition, option_of

_MAX_SHOWN = 6
_MAX_CLAUSES = 6  # of a Kconfig entry that a message shows
_MAX_ENTRY_LINES = 40
_DEPENDENCY = re.compile(r"\s*+(?:depends\s++on|select)\b")
_WORD = re.compile(r"\w+")


def check(view: SeriesView) -> Iterator[Diagnostic]:
    """One finding for all uses that need the same option and have the same cause."""
    if view.series.prerequisites:
        return
    reported: set[tuple[Condition, Condition]] = set()
    for tree, diff in all_diffs(view):
        groups: dict[tuple[Anchor | int, Condition], list[GateBreach]] = {}
        for breach in find_gate_breaches(diff):
            key = breach.uses[0].user, breach.gate
            place = _place(view, breach) if key not in reported else None
            if place is not None:
                reported.add(key)
                groups.setdefault((place, breach.gate), []).append(breach)
        for (place, gate), breaches in groups.items():
            yield view.report(
                view.of_patch(place)[0].patch if isinstance(place, int) else place,
                _message(breaches),
                evidence=tuple(_evidence(breaches, diff, tree)),
                facts=(
                    ("name", full_name(breaches[0].uses[0].name)),
                    ("option", breaches[0].option),
                    ("gate", describe(gate)),
                    ("architecture", breaches[0].uses[0].architecture),
                ),
                tree=tree,
            )


def _place(view: SeriesView, breach: GateBreach) -> Anchor | int | None:
    """Return the added use, else the line that changes the options, else the index of the first patch that may."""
    for gated in breach.uses:
        use = gated.use
        anchor = added_line(view, gated.path, use.line, use.column, use.text)
        if anchor is not None:
            return anchor
    names = {option_of(atom) for clause in breach.gate for atom in clause}
    patch: int | None = None
    for file in view.files:
        is_crate = file.is_rust and is_in_crate(file.path)
        if not (is_kbuild(file.path) or is_crate) or file.pre is None or file.post is None:
            continue
        patch = patch or file.patch.index
        anchor = _cause(file, names, is_crate=is_crate)
        if anchor is not None:
            return anchor
    return patch


def _cause(file: FileView, names: set[str], *, is_crate: bool) -> Anchor | None:
    """Return the removed line of a Kconfig entry, or the added `cfg`, that names the option of the gate."""
    words = {f"CONFIG_{name}" for name in names} if is_crate else names
    for line in file.added if is_crate else file.removed:
        if not words.isdisjoint(_WORD.findall(line.text)):
            return file.anchor(line)
    return None


def _message(breaches: Sequence[GateBreach]) -> str:
    breach = breaches[0]
    first = breach.uses[0]
    name = full_name(first.name) + ("!" if first.use.is_macro and len(first.name) == 1 else "")
    gate = describe(breach.gate)
    is_single = len(breach.gate) == 1 and len(breach.gate[0]) == 1
    needed = f"`{name}` exists only with `{f'CONFIG_{gate}' if is_single else gate}`"
    if breach.definition is None:
        return f"{needed}, but this code is built without it too."
    depends = breach.definition.depends
    reason = f"depends on `{describe(depends)}`, not on `{gate}`"
    is_clear = all(atom[0] not in "?$" for clause in depends for atom in clause)
    if not 0 < len(depends) <= _MAX_CLAUSES or not is_clear:
        reason = f"does not depend on `{gate}`"
    options = dict.fromkeys(other.option for other in breaches if other.option not in ("", breach.option))
    others = [f"`CONFIG_{option}`" for option in options]
    same = f" The same applies to {listing(others, _MAX_SHOWN)}." if others else ""
    return f"{needed}, but `CONFIG_{breach.option}`, which builds this code, {reason}.{same}"


def _evidence(breaches: Sequence[GateBreach], diff: BindingsDiff, tree: str) -> Iterator[Evidence]:
    """Yield the Kconfig entry, and the first use in each file."""
    prefix = f"{tree}:" if tree else ""
    definition = breaches[0].definition
    if definition is not None:
        content = diff.after.facts.read(definition.reading.path) or b""
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        entry = lines[definition.option.line - 1 : definition.option.line - 1 + _MAX_ENTRY_LINES]
        end = next((at for at, line in enumerate(entry) if at and line[:1] not in ("", " ", "\t", "#")), len(entry))
        shown = [line.strip() for line in entry[1:end] if _DEPENDENCY.match(line)][:_MAX_CLAUSES]
        yield Evidence(f"{prefix}{definition.reading.path}:{definition.option.line}", (entry[0].strip(), *shown))
    uses: dict[str, CrateUse] = {}
    for breach in breaches:
        for gated in breach.uses:
            uses.setdefault(gated.path, gated.use)
    for path, use in list(uses.items())[:_MAX_SHOWN]:
        yield Evidence(f"{prefix}{path}:{use.line}", (use.text,))


_TREE = """
    | tree Kconfig
    |  source "drivers/Kconfig"
    | tree drivers/Kconfig
    |  config RUST
    |      bool "Rust support"
    |  config LAMP
    |      tristate "Lamps"
    |  config LAMP_RED
    |      tristate "Red lamps"
    |      depends on RUST && LAMP
    |  config LAMP_BLUE
    |      tristate "Blue lamps"
    |      depends on RUST
    | tree Kbuild
    |  obj-y += drivers/
    | tree drivers/Makefile
    |  obj-$(CONFIG_LAMP_RED) += red.o
    |  obj-$(CONFIG_LAMP_BLUE) += blue.o
    | tree rust/bindings/bindings_helper.h
    |  #include <linux/lamp.h>
    | tree rust/kernel/lib.rs
    |  #[cfg(CONFIG_LAMP)]
    |  pub mod lamp;
    |  pub mod light;
    | tree rust/kernel/lamp.rs
    |  pub struct Lamp;
    | tree rust/kernel/light.rs
    |  pub struct Light;
    | tree drivers/red.rs
    |  use kernel::lamp::Lamp;
    | tree drivers/blue.rs
    |  use kernel::light::Light;
"""

RULE = Rule(
    id="module-gate-missing",
    summary="Rust code uses a module under a `cfg` option that its own Kconfig option does not imply",
    severity=Severity.BUG,
    status=Status.PREVIEW,
    doc=__doc__,
    evidence=(DocumentSection("Documentation/process/submit-checklist.rst", "Review Kconfig changes"),),
    examples=(
        Example(
            "a driver uses a module that its option does not imply",
            _TREE
            + """
    | diff drivers/blue.rs
    | @@
    | -use kernel::light::Light;
  ! | +use kernel::lamp::Lamp;
""",
        ),
        Example(
            "a later patch adds the dependency",
            _TREE
            + """
    | patch drivers: blue: use lamps
    | diff drivers/blue.rs
    | @@
    | -use kernel::light::Light;
    | +use kernel::lamp::Lamp;
    | patch drivers: blue: depend on lamps
    | diff drivers/Kconfig
    | @@
    |      tristate "Blue lamps"
    | -    depends on RUST
    | +    depends on RUST && LAMP
""",
        ),
        Example(
            "the dependency is removed",
            _TREE
            + """
    | diff drivers/Kconfig
    | @@
    |      tristate "Red lamps"
  ! | -    depends on RUST && LAMP
    | +    depends on RUST
""",
        ),
        Example(
            "a module is put under a cfg",
            _TREE
            + """
    | diff rust/kernel/lib.rs
    | @@
    |  pub mod lamp;
  ! | +#[cfg(CONFIG_LIGHT)]
    |  pub mod light;
    | diff drivers/Kconfig
    | @@
    |      bool "Rust support"
    | +config LIGHT
    | +    bool "Light"
    |  config LAMP
""",
        ),
        Example(
            "the use is under the same cfg, another option selects the gate, the gate is always on",
            _TREE
            + """
    | diff drivers/blue.rs
    | @@
    |  use kernel::light::Light;
    | +#[cfg(CONFIG_LAMP)]
    | +use kernel::lamp::Lamp;
    | diff drivers/green.rs (new)
    | +use kernel::lamp::Lamp;
    | diff drivers/Makefile
    | @@
    |  obj-$(CONFIG_LAMP_BLUE) += blue.o
    | +obj-$(CONFIG_LAMP_GREEN) += green.o
    | diff drivers/Kconfig
    | @@
    |      tristate "Blue lamps"
    |      depends on RUST
    | +config LAMP_GREEN
    | +    tristate "Green lamps"
    | +    depends on RUST
    | +    select LAMP
""",
        ),
    ),
    check_series=check,
    needs_tree=True,
    needs_series=True,
)
