# SPDX-License-Identifier: GPL-2.0-or-later
"""Uses of gated paths of the `kernel` crate that a series begins, or that it no longer builds under their gate."""

from collections.abc import Iterable, Iterator

from rules.bindings.bindings_diff import BindingsDiff, is_kbuild
from rules.bindings.crate_paths import is_in_crate
from rules.bindings.fact_source import FactSource
from rules.bindings.kconfig_closure import Verdict
from rules.bindings.kconfig_options import Definition
from rules.bindings.module_gates import GatedUse
from rules.lazy import dataclass
from rules.source.kbuild.condition import Condition
from rules.source.kbuild.kconfig import Option, is_kconfig
from rules.source.kbuild.makefile import is_makefile

_MAX_GROUPS = 200  # conditions of the uses that a series breaks


@dataclass(frozen=True, slots=True)
class GateBreach:
    """Uses that are built under one condition and lack one gate. `definition` is that of the option that builds them.

    `definition` is None if they are built whenever Rust is.
    """

    uses: tuple[GatedUse, ...]
    gate: Condition
    option: str
    definition: Definition | None


def find_gate_breaches(diff: BindingsDiff) -> Iterator[GateBreach]:
    """Yield the uses that are refuted after a series and were not before it, grouped by their conditions.

    Nothing is known if a change of a Kconfig file or Makefile does not fit the tree.
    """
    if any(map(is_kbuild, diff.changed_lines)):
        return
    groups: dict[tuple[Condition, Condition], list[GatedUse]] = {}
    for path in _affected(diff):
        broken = [use for use in diff.after.gated_crate.uses(path) if use.verdict is Verdict.REFUTED]
        known = {
            (use.use.path, use.use.is_macro)
            for use in (diff.before.gated_crate.uses(path) if broken else ())
            if use.verdict is Verdict.REFUTED
        }
        for use in broken:
            if (use.use.path, use.use.is_macro) not in known:
                if len(groups) >= _MAX_GROUPS:
                    break
                missing = diff.after.kconfig.missing(use.user, use.gate) or use.gate
                groups.setdefault((use.user, missing), []).append(use)
    for (user, gate), uses in groups.items():
        option = diff.after.kconfig.innermost_option(user)
        definitions = diff.after.kconfig.definitions(option) if option else []
        yield GateBreach(tuple(uses), gate, option, definitions[0] if definitions else None)


def _affected(diff: BindingsDiff) -> Iterable[str]:
    """Return the Rust files whose uses may have become wrong, in the order of their paths."""
    known = sorted(diff.known_paths)
    changed = [path for path in known if path.endswith(".rs") and path not in diff.changed_lines]
    before, after = diff.before.facts, diff.after.facts
    if any(_changes_gates(before, after, path) for path in changed if is_in_crate(path)) or any(
        _changes_options(diff, path) for path in known if is_kconfig(path)
    ):
        return [path for path in after.rust_paths() if path.endswith(".rs") and path not in diff.changed_lines]
    folders = [path.rpartition("/")[0] + "/" for path in known if is_makefile(path) and "/" in path]
    built = [path for path in after.rust_paths() if path.endswith(".rs") and path.startswith(tuple(folders))]
    return sorted({*changed, *built} - {*diff.changed_lines})


def _changes_gates(before: FactSource, after: FactSource, path: str) -> bool:
    old, new = before.modules(path), after.modules(path)
    return old.modules != new.modules or old.offers != new.offers


def _changes_options(diff: BindingsDiff, path: str) -> bool:
    """Tell whether a change of a Kconfig file changes an option that Rust code needs, or the files that it reads."""
    old, new = diff.before.facts.kconfig(path), diff.after.facts.kconfig(path)
    if old is None or new is None:
        return old is not None
    changed = {name for name, _ in _by_name(old.options) ^ _by_name(new.options)}
    sources = set(old.sources) - set(new.sources)
    return bool(sources) or not changed.isdisjoint(diff.before.gated_crate.options)


def _by_name(options: Iterable[Option]) -> set[tuple[str, tuple[object, ...]]]:
    return {
        (option.name, (option.kind, option.depends, option.prompt, option.default, option.selects))
        for option in options
    }
