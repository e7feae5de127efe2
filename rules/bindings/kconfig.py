# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether code that is built under some Kconfig options is built only with another option: proven, refuted or unknown.

Kconfig is followed from its root, once for all architectures and once for each. A condition is refuted if on some
architecture a configuration exists in which the code is built without the option, as far as all files were read:

- No option that the code may need on needs the gate in turn, whichever of several alternatives is chosen.
- The gate can be off: a user may turn it off, or nothing turns it on, and this holds for all options that select it.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cached_property

from rules.bindings.fact_source import FactSource
from rules.lazy import dataclass, field
from rules.source.kbuild.condition import ALWAYS, NEVER, Clause, Condition, both, option_of
from rules.source.kbuild.kconfig import Option

ROOT = "Kconfig"
RUST: Condition = (("RUST",),)
_HAVE_RUST = "HAVE_RUST"
_MODULES = "MODULES"
_ARCHITECTURES = (
    *("alpha", "arc", "arm", "arm64", "csky", "hexagon", "loongarch", "m68k", "microblaze", "mips", "nios2"),
    *("openrisc", "parisc", "powerpc", "riscv", "s390", "sh", "sparc", "um", "x86", "xtensa"),
)
_MAX_FILES = 12_000  # that all architectures together read
_MAX_DEFINITIONS = 100_000  # of all options; 7.3 has 28,000
_MAX_DEPTH = 40  # files that read each other
_MAX_CLOSURES = 400  # that are kept
_MAX_VERDICTS = 10_000  # that are kept
_MAX_NEEDED = 20_000  # options that an option may need
_MAX_OFF = 20_000  # options that have to be off with a gate


class Verdict(StrEnum):
    """Whether some options imply another."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of an option in a file. `outer` is the condition of the blocks around the lines that read the file.

    `architecture` is "" if every architecture reads the file.
    """

    path: str
    architecture: str
    outer: Condition
    option: Option

    @property
    def depends(self) -> Condition:
        """The condition under which the option can be on."""
        return both(self.outer, self.option.depends)


class Kconfig:
    """The options of a tree. Files are read when the first option is needed."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self._definitions: dict[tuple[str, str], list[Definition]] = {}
        self._is_tristate: dict[tuple[str, str], bool] = {}
        self._closures: dict[tuple[str, Condition], _Closure] = {}
        self._verdicts: dict[tuple[Condition, Condition], tuple[Verdict, str]] = {}

    def definitions(self, name: str, architecture: str | None = None) -> list[Definition]:
        """Return the definitions of an option, all of them or those that an architecture reads."""
        known = self._options.definitions.get(name, [])
        if architecture is None or not known:
            return known
        key = name, architecture
        if key not in self._definitions:
            self._definitions[key] = [
                definition for definition in known if definition.architecture in ("", architecture)
            ]
        return self._definitions[key]

    def selectors(self, name: str, architecture: str) -> Iterator[tuple[str, Condition]]:
        """Yield the options that select an option, with the conditions after `if`."""
        for definition, condition in self._options.selectors.get(name, ()):
            if definition.architecture in ("", architecture):
                yield definition.option.name, condition

    def is_tristate(self, name: str, architecture: str) -> bool:
        """Tell whether an option can be a module, as far as is known."""
        key = name, architecture
        if key not in self._is_tristate:
            definitions = self.definitions(name, architecture)
            kinds = {definition.option.kind for definition in definitions}
            is_tristate = "tristate" in kinds or "bool" not in kinds
            if not definitions:
                return is_tristate
            self._is_tristate[key] = is_tristate
        return self._is_tristate[key]

    def implies(self, user: Condition, gate: Condition) -> tuple[Verdict, str]:
        """Tell whether code that is built under `user` is built only under `gate`.

        A refuted gate comes with the first architecture on which it can be off.
        """
        key = user, gate
        if key not in self._verdicts:
            if len(self._verdicts) >= _MAX_VERDICTS:
                self._verdicts.clear()
            self._verdicts[key] = self._implies(user, gate)
        return self._verdicts[key]

    def missing(self, user: Condition, gate: Condition) -> Condition:
        """Return the clauses of a gate that are refuted."""
        return tuple(clause for clause in gate if self.implies(user, (clause,))[0] is Verdict.REFUTED)

    def innermost_option(self, user: Condition) -> str:
        """Return the innermost option under which code is built, "" if it is built whenever Rust is."""
        names = [option_of(clause[0]) for clause in user if len(clause) == 1 and clause[0][0] not in "!?$"]
        return next((name for name in reversed(names) if (name,) not in RUST and self.definitions(name)), "")

    def needs(self, user: Condition) -> Iterator[str]:
        """Yield the options that are on in any configuration in which code under a condition is built."""
        for architecture in self._architectures:
            yield from self._closure(architecture, user).must

    def _implies(self, user: Condition, gate: Condition) -> tuple[Verdict, str]:
        if set(gate) <= set(user):
            return Verdict.PROVEN, ""
        verdicts: list[Verdict] = []
        for architecture in self._architectures:
            closure = self._closure(architecture, user)
            if closure.is_impossible:
                continue
            verdict = closure.implies(gate)
            if verdict is Verdict.REFUTED:
                return verdict, architecture
            verdicts.append(verdict)
        is_proven = bool(verdicts) and set(verdicts) == {Verdict.PROVEN}
        return (Verdict.PROVEN if is_proven else Verdict.UNKNOWN), ""

    def _closure(self, architecture: str, user: Condition) -> "_Closure":
        key = architecture, user
        if key not in self._closures:
            if len(self._closures) >= _MAX_CLOSURES:
                self._closures.clear()
            self._closures[key] = _Closure(self, architecture, both(RUST, user))
        return self._closures[key]

    @cached_property
    def is_complete(self) -> bool:
        """Whether every file was read that the root reads."""
        return self._options.is_complete

    @cached_property
    def _options(self) -> "_Options":
        options = _Options(self._facts)
        options.read_file(ROOT, "", ALWAYS, ())
        for architecture in _ARCHITECTURES:
            options.read_architecture(architecture)
        return options

    @cached_property
    def _architectures(self) -> tuple[str, ...]:
        """The architectures that support Rust; "" alone if the tree says nothing of them."""
        selecting = {definition.architecture for definition, _ in self._options.selectors.get(_HAVE_RUST, ())}
        return tuple(sorted(selecting, key=lambda name: (name != "x86", name != "arm64", name))) or ("",)


@dataclass(slots=True)
class _Options:
    """All definitions by name, and all that select an option."""

    facts: FactSource
    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    selectors: dict[str, list[tuple[Definition, Condition]]] = field(default_factory=dict)
    is_complete: bool = True
    files: int = 0
    count: int = 0
    by_architecture: list[tuple[str, Condition, tuple[str, ...]]] = field(default_factory=list)

    def read_architecture(self, name: str) -> None:
        if self.facts.kconfig(f"arch/{name}/Kconfig") is None:
            return
        for path, outer, above in self.by_architecture:
            self.read_file(path.replace("$(SRCARCH)", name), name, outer, above)

    def read_file(self, path: str, architecture: str, outer: Condition, above: tuple[str, ...]) -> None:
        self.files += 1
        file = self.facts.kconfig(path)
        if file is None or path in above or len(above) >= _MAX_DEPTH or self.files > _MAX_FILES:
            self.is_complete = self.is_complete and file is None  # a missing file declares nothing
            return
        self.count += len(file.options)
        if self.count > _MAX_DEFINITIONS:
            self.is_complete = False
            return
        self.is_complete = self.is_complete and file.is_complete
        for option in file.options:
            definition = Definition(path, architecture, outer, option)
            self.definitions.setdefault(option.name, []).append(definition)
            for target, condition in option.selects:
                self.selectors.setdefault(target, []).append((definition, condition))
        for source, condition in file.sources:
            target = source
            if source.startswith("./"):
                target = f"{path.rpartition('/')[0]}/{source.removeprefix('./')}".removeprefix("/")
            if architecture == "um":
                target = target.replace("$(HEADER_ARCH)", "x86")
            inner = both(outer, condition)
            if "$(SRCARCH)" in target and not architecture:
                self.by_architecture.append((target, inner, (*above, path)))
                continue
            target = target.replace("$(SRCARCH)", architecture)
            if "$" in target or "*" in target:
                self.is_complete = False
            else:
                self.read_file(target, architecture, inner, (*above, path))


class _Closure:
    """What code that is built under a condition needs on an architecture.

    `must` are the options that are on, `may` those that could be needed. The value is 2 if the option is `y`, else 1.
    """

    def __init__(self, kconfig: Kconfig, architecture: str, user: Condition) -> None:
        self._kconfig = kconfig
        self._architecture = architecture
        self.must: dict[str, int] = {}
        self.off: set[str] = set()
        self.may: dict[str, int] = {}
        self.is_unknown = not kconfig.is_complete
        self.is_impossible = False
        self._pending: list[tuple[str, bool]] = []
        self._names: list[str] = []
        self._add_all(user, is_certain=True, level=1)
        self._follow()
        self.is_impossible = self.is_impossible or not self.off.isdisjoint(self.must)

    def implies(self, gate: Condition) -> Verdict:
        """Tell whether the gate holds."""
        verdicts = [self._implies_clause(clause) for clause in gate]
        if Verdict.REFUTED in verdicts:
            return Verdict.REFUTED
        return Verdict.PROVEN if set(verdicts) <= {Verdict.PROVEN} else Verdict.UNKNOWN

    def _implies_clause(self, clause: Clause) -> Verdict:
        verdicts = {self._implies_atom(atom) for atom in clause}
        if Verdict.PROVEN in verdicts:
            return Verdict.PROVEN
        return Verdict.REFUTED if verdicts == {Verdict.REFUTED} else Verdict.UNKNOWN

    def _implies_atom(self, atom: str) -> Verdict:
        name = option_of(atom)
        if atom.startswith("!"):
            return Verdict.PROVEN if name in self.off else Verdict.UNKNOWN
        if atom.startswith(("?", "$")):
            return Verdict.UNKNOWN
        must_be_built_in = atom.startswith("=") and self._kconfig.is_tristate(name, self._architecture)
        if self.must.get(name, 0) > must_be_built_in:
            return Verdict.PROVEN
        if self.is_unknown or not self._kconfig.definitions(name):
            return Verdict.UNKNOWN
        if self._can_be_off(name, set()) or (must_be_built_in and self._can_be_module(name)):
            return Verdict.REFUTED
        return Verdict.UNKNOWN

    def _add_all(self, condition: Condition, *, is_certain: bool, level: int) -> None:
        """Note the options that a condition needs. `level` is 2 if the option of the condition is `y`."""
        for clause in condition:
            if len(clause) == 1:
                self._add(clause[0], is_certain=is_certain, level=level)
            elif not clause:
                self.is_impossible = self.is_impossible or is_certain
            else:
                for atom in clause:
                    self._add(atom, is_certain=False, level=level)

    def _add(self, atom: str, *, is_certain: bool, level: int) -> None:
        name = option_of(atom)
        if atom.startswith("!"):
            if is_certain:
                self.off.add(name)
        elif atom.startswith("?"):
            self.is_unknown = self.is_unknown or not name
            self._raise(self.may, name, 2)
        elif atom != "$":
            value = 2 if atom.startswith("=") or not self._kconfig.is_tristate(name, self._architecture) else level
            self._raise(self.must if is_certain else self.may, name, value)

    def _raise(self, values: dict[str, int], name: str, value: int) -> None:
        if name and values.get(name, 0) < value:
            if name not in self.must and name not in self.may:
                self._names.append(name)
            values[name] = value
            self._pending.append((name, values is self.must))

    def _follow(self) -> None:
        """Follow what the needed options need, until nothing is added."""
        followed = 0
        while self._pending or followed < len(self._names):
            if not self._pending:
                self._follow_selectors(self._names[followed])
                followed += 1
                continue
            name, is_certain = self._pending.pop()
            if len(self._names) > _MAX_NEEDED:
                self.is_unknown = True
                return
            if is_certain or name not in self.must or self.may[name] > self.must[name]:
                self._follow_option(name, is_certain=is_certain)

    def _follow_option(self, name: str, *, is_certain: bool) -> None:
        definitions = self._kconfig.definitions(name, self._architecture)
        if not definitions:
            if is_certain:
                # An option of another architecture, or one that the tree does not know.
                self.is_impossible = bool(self._kconfig.definitions(name))
                self.is_unknown = True
            return
        value = (self.must if is_certain else self.may)[name]
        is_tristate = self._kconfig.is_tristate(name, self._architecture)
        level = value if is_tristate else 1
        is_only = is_certain and len(definitions) == 1
        for definition in definitions:
            self._add_all(definition.depends, is_certain=is_only, level=level)
            if is_only:
                for target, condition in definition.option.selects:
                    if condition == ALWAYS or self._holds(condition):
                        self._add(target, is_certain=True, level=value)

    def _holds(self, condition: Condition) -> bool:
        return all(len(clause) == 1 and self.must.get(clause[0], 0) > 0 for clause in condition)

    def _follow_selectors(self, name: str) -> None:
        """An option that no user can set and that is not on by itself needs an option that selects it."""
        definitions = self._kconfig.definitions(name, self._architecture)
        if any(definition.option.prompt != NEVER for definition in definitions):
            return
        for definition in definitions:
            self._add_all(definition.option.default, is_certain=False, level=1)
        if any(definition.option.default != NEVER for definition in definitions):
            return
        selectors = list(dict.fromkeys(self._kconfig.selectors(name, self._architecture)))
        if definitions and not selectors and name in self.must:
            self.is_impossible = True
        if not any(selector in self.must or selector in self.may for selector, _ in selectors):
            for selector, _ in selectors:
                self._raise(self.may, selector, 2)

    def _is_needed(self, name: str) -> bool:
        return name in self.must or name in self.may

    def _can_be_off(self, gate: str, off: set[str]) -> bool:
        """Tell whether a configuration exists in which an option is off, and all that would turn it on."""
        pending = [gate]
        while pending:
            name = pending.pop()
            if name in off:
                continue
            off.add(name)
            if self._is_needed(name) or len(off) > _MAX_OFF:
                return False
            for definition in self._kconfig.definitions(name, self._architecture):
                causes = self._turn_off(definition)
                if causes is None:
                    return False
                pending += causes
            for selector, condition in self._kconfig.selectors(name, self._architecture):
                causes = [selector]
                if self._is_needed(selector):
                    causes = self._falsify(condition)
                if causes is None:
                    return False
                pending += causes
        return True

    def _turn_off(self, definition: Definition) -> list[str] | None:
        """Return the options that have to be off so that a definition does not turn its option on; None if unknown."""
        option = definition.option
        if option.is_choice:
            return None
        if option.default == NEVER:
            return []
        if option.prompt != NEVER and self._can_hold(option.prompt):
            return []
        return self._falsify(both(definition.depends, option.default))

    def _falsify(self, condition: Condition) -> list[str] | None:
        """Return options that make a condition false if they are off; None if none are known."""
        if condition == NEVER:
            return []
        for clause in condition:
            if clause and all(atom[0] not in "!?$" and not self._is_needed(option_of(atom)) for atom in clause):
                return [option_of(atom) for atom in clause]
        return None

    def _can_hold(self, condition: Condition) -> bool:
        """Tell whether a user can make the condition of a prompt true."""
        return all(any(self._can_hold_atom(atom) for atom in clause) for clause in condition)

    def _can_hold_atom(self, atom: str) -> bool:
        name = option_of(atom)
        if atom.startswith("!"):
            return not self._is_needed(name)
        return not atom.startswith(("?", "$")) and name not in self.off

    def _can_be_module(self, name: str) -> bool:
        """Tell whether a configuration exists in which a tristate option is `m`."""
        if self.must.get(name) == 2 or self.may.get(name) == 2 or _MODULES in self.off:
            return False
        if any(
            definition.option.default != NEVER and definition.option.prompt == NEVER
            for definition in self._kconfig.definitions(name, self._architecture)
        ):
            return False
        off: set[str] = set()
        for selector, condition in self._kconfig.selectors(name, self._architecture):
            is_module = self._kconfig.is_tristate(selector, self._architecture)
            if is_module and max(self.must.get(selector, 0), self.may.get(selector, 0)) < 2:
                continue
            causes = self._falsify(condition) if self._is_needed(selector) else [selector]
            if causes is None or not all(self._can_be_off(cause, off) for cause in causes):
                return False
        return True


def describe(condition: Condition) -> str:
    """Return a condition as Kconfig writes it."""
    return " && ".join(_describe_clause(clause, is_alone=len(condition) == 1) for clause in condition)


def _describe_clause(clause: Clause, *, is_alone: bool) -> str:
    atoms = [f"{atom[1:]}=y" if atom.startswith("=") else atom for atom in clause]
    text = " || ".join(atoms)
    return f"({text})" if len(atoms) > 1 and not is_alone else text


def names_of(condition: Condition) -> Iterable[str]:
    """Return the options that a condition names."""
    return dict.fromkeys(name for clause in condition for atom in clause if (name := option_of(atom)))
