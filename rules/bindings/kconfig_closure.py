# SPDX-License-Identifier: GPL-2.0-or-later
"""What code that is built under some Kconfig options needs on an architecture, and which options it implies."""

from enum import StrEnum

from rules.bindings.kconfig_options import Definition, KconfigOptions
from rules.source.kbuild.condition import ALWAYS, NEVER, Clause, Condition, both, option_of

_MODULES = "MODULES"
_MAX_NEEDED = 20_000  # options that an option may need
_MAX_OFF = 20_000  # options that have to be off with a gate


class Verdict(StrEnum):
    """Whether some options imply another."""

    PROVEN = "proven"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Closure:
    """What code that is built under a condition needs on an architecture.

    `must` are the options that are on, `may` those that could be needed. The value is 2 if the option is `y`, else 1.
    """

    def __init__(self, options: KconfigOptions, architecture: str, user: Condition) -> None:
        self._options = options
        self._architecture = architecture
        self.must: dict[str, int] = {}
        self.off: set[str] = set()
        self.may: dict[str, int] = {}
        self.is_unknown = not options.is_complete
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
        must_be_built_in = atom.startswith("=") and self._options.is_tristate(name, self._architecture)
        if self.must.get(name, 0) > must_be_built_in:
            return Verdict.PROVEN
        if self.is_unknown or not self._options.definitions(name):
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
            value = 2 if atom.startswith("=") or not self._options.is_tristate(name, self._architecture) else level
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
        definitions = self._options.definitions(name, self._architecture)
        if not definitions:
            if is_certain:
                # An option of another architecture, or one that the tree does not know.
                self.is_impossible = bool(self._options.definitions(name))
                self.is_unknown = True
            return
        value = (self.must if is_certain else self.may)[name]
        is_tristate = self._options.is_tristate(name, self._architecture)
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
        definitions = self._options.definitions(name, self._architecture)
        if any(definition.option.prompt != NEVER for definition in definitions):
            return
        for definition in definitions:
            self._add_all(definition.option.default, is_certain=False, level=1)
        if any(definition.option.default != NEVER for definition in definitions):
            return
        selectors = list(dict.fromkeys(self._options.selectors(name, self._architecture)))
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
            for definition in self._options.definitions(name, self._architecture):
                causes = self._turn_off(definition)
                if causes is None:
                    return False
                pending += causes
            for selector, condition in self._options.selectors(name, self._architecture):
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
            for definition in self._options.definitions(name, self._architecture)
        ):
            return False
        off: set[str] = set()
        for selector, condition in self._options.selectors(name, self._architecture):
            is_module = self._options.is_tristate(selector, self._architecture)
            if is_module and max(self.must.get(selector, 0), self.may.get(selector, 0)) < 2:
                continue
            causes = self._falsify(condition) if self._is_needed(selector) else [selector]
            if causes is None or not all(self._can_be_off(cause, off) for cause in causes):
                return False
        return True
