# SPDX-License-Identifier: GPL-2.0-or-later
"""Uses of the `kernel` crate that need a Kconfig option which their own options do not imply."""

from collections.abc import Iterator
from functools import cached_property

from rules.bindings.build import Build
from rules.bindings.crate_paths import MAX_ALIASES, absolute_path, file_of, files_by_module, is_in_crate
from rules.bindings.fact_source import FactSource
from rules.bindings.kconfig import RUST, Kconfig, names_of
from rules.bindings.kconfig_closure import Verdict
from rules.bindings.module_facts import CrateUse, ModuleFacts, Offer, Places
from rules.diff.top_level import KERNEL_CRATE_ROOT
from rules.lazy import dataclass
from rules.source.kbuild.condition import ALWAYS, Condition, both, either
from rules.source.rust.tokens import Path

_MAX_OFFERS = 32  # of a name in a module, with `pub use a::*`


_ORDER = (Verdict.REFUTED, Verdict.UNKNOWN, Verdict.PROVEN)


@dataclass(frozen=True, slots=True)
class _Contents:
    """The modules and offers of a file by the inline modules around them and their name."""

    modules: dict[tuple[Path, str], list[Condition]]
    offers: dict[tuple[Path, str], list[Offer]]
    inline: frozenset[Path]

    @classmethod
    def of(cls, facts: ModuleFacts) -> "_Contents":
        modules: dict[tuple[Path, str], list[Condition]] = {}
        for line in facts.modules:
            modules.setdefault((line.inside, line.name), []).append(line.condition)
        offers: dict[tuple[Path, str], list[Offer]] = {}
        for offer in facts.offers:
            if not offer.is_macro:
                offers.setdefault((offer.inside, offer.name), []).append(offer)
        return cls(modules, offers, frozenset(offer.inside for offer in facts.offers))


@dataclass(frozen=True, slots=True)
class GatedUse:
    """A use of the `kernel` crate that needs options. `user` is the condition under which the use is built.

    `name` is the part of the path that needs `gate`. `architecture` is one on which a refuted gate can be off.
    """

    path: str
    use: CrateUse
    name: Path
    user: Condition
    gate: Condition
    verdict: Verdict
    architecture: str = ""


class GatedCrate:
    """The conditions of the paths of the `kernel` crate, and of the code that uses them."""

    def __init__(self, facts: FactSource, kconfig: Kconfig) -> None:
        self._facts = facts
        self.kconfig = kconfig
        self.build = Build(facts)
        self._contents: dict[str, _Contents] = {}
        self._places: tuple[str, Places] | None = None
        self._known: dict[tuple[Path, int], list[Condition]] = {}
        self._gates: dict[tuple[Path, bool], tuple[Path, Condition]] = {}

    def uses(self, path: str) -> Iterator[GatedUse]:
        """Yield the uses in a file whose paths need options, each with the least certain of its ways to be built."""
        ways = self.build.ways(path)
        for use in self._facts.modules(path).uses:
            name, gate = self.gate(use.path, is_macro=use.is_macro)
            if gate == ALWAYS:
                continue
            gated = [
                GatedUse(path, use, name, user, gate, *self.kconfig.implies(user, gate))
                for user in (both(way, use.condition) for way in ways)
            ] or [GatedUse(path, use, name, ALWAYS, gate, Verdict.UNKNOWN)]
            yield min(gated, key=lambda item: _ORDER.index(item.verdict))

    def ways_of(self, path: str, line: int, column: int) -> tuple[Condition, ...]:
        """Return the conditions under which a place of a Rust file is built; none if that is unknown.

        If the root of the `kernel` crate is unknown, a file of the crate counts as built with Rust.
        """
        is_root_known = self._facts.read(KERNEL_CRATE_ROOT) is not None
        ways = self.build.ways(path) or ((RUST,) if is_in_crate(path) and not is_root_known else ())
        if not ways:
            return ()
        if self._places is None or self._places[0] != path:
            self._places = path, Places(self._facts.read(path) or b"")
        own = self._places[1].condition(line, column)
        return tuple(both(way, own) for way in ways)

    @cached_property
    def options(self) -> frozenset[str]:
        """Every option that decides whether a use of the tree is built with what it needs."""
        options: set[str] = set()
        for path in self._facts.rust_paths():
            for use in self.uses(path) if path.endswith(".rs") else ():
                options.update(names_of(use.gate))
                options.update(self.kconfig.needs(use.user))
        return frozenset(options)

    def gate(self, path: Path, *, is_macro: bool = False) -> tuple[Path, Condition]:
        """Return the shortest part of a path that has the condition of the path, and the condition."""
        key = path, is_macro
        if key not in self._gates:
            items = [] if is_macro else self._conditions(path, 0)
            conditions = items or self._macro_conditions(path)
            last = conditions[-1] if conditions else ALWAYS
            length = next((at for at, condition in enumerate(conditions, 1) if condition == last), len(path))
            self._gates[key] = path[:length], last
        return self._gates[key]

    def _conditions(self, path: Path, depth: int) -> list[Condition]:
        """Return the condition of each part of a path, those before it included, as far as the parts are known."""
        key = path, depth
        if key not in self._known:
            self._known[key] = list(self._find_conditions(path, depth))
        return self._known[key]

    def _find_conditions(self, path: Path, depth: int) -> Iterator[Condition]:
        condition = ALWAYS
        for index, name in enumerate(path):
            module = path[:index]
            file, inside = self._file(module)
            contents = self._contents_of(file)
            lines = contents.modules.get((inside, name), [])
            alternatives = dict.fromkeys((*lines, *self._offers(module, name, depth)))
            if not alternatives:
                return
            condition = both(condition, either(*alternatives))
            yield condition
            is_module = bool(lines) or (*inside, name) in contents.inline
            if not is_module or len(alternatives) > 1:
                return

    def _macro_conditions(self, path: Path) -> list[Condition]:
        """Return the condition of a macro that the crate exports; all of them are in its root."""
        alternatives = self._macros.get(path[0], []) if len(path) == 1 else []
        return [either(*alternatives)] if alternatives else []

    def _offers(self, module: Path, name: str, depth: int) -> Iterator[Condition]:
        """Yield the conditions under which a module has an item of that name, by itself or by another path."""
        file, inside = self._file(module)
        contents = self._contents_of(file)
        offers = (*contents.offers.get((inside, name), ()), *contents.offers.get((inside, "*"), ()))
        if depth >= MAX_ALIASES or len(offers) > _MAX_OFFERS:
            yield ALWAYS
            return
        for offer in offers:
            if not offer.target:
                yield offer.condition
                continue
            target = (*offer.target[:-1], name) if offer.name == "*" else offer.target
            full = absolute_path(target, module) or (*module, *target)
            conditions = self._conditions(full, depth + 1)
            if len(conditions) == len(full):
                yield both(offer.condition, conditions[-1])
            elif offer.name != "*":
                yield offer.condition

    def _contents_of(self, file: str) -> "_Contents":
        if file not in self._contents:
            self._contents[file] = _Contents.of(self._facts.modules(file))
        return self._contents[file]

    def _file(self, module: Path) -> tuple[str, Path]:
        """Return the file that has a module, and the inline modules in it that lead to the module."""
        return file_of(module, self._files) or (KERNEL_CRATE_ROOT, module)

    @cached_property
    def _files(self) -> dict[Path, str]:
        return files_by_module(self._facts.rust_paths())

    @cached_property
    def _macros(self) -> dict[str, list[Condition]]:
        """The conditions of each exported macro and of the module that defines it."""
        macros: dict[str, list[Condition]] = {}
        for module, path in self._files.items():
            for offer in self._facts.modules(path).offers:
                if offer.is_macro:
                    outer = list(self._find_conditions(module, 0))
                    macros.setdefault(offer.name, []).append(both(offer.condition, *outer[-1:]))
        return macros
