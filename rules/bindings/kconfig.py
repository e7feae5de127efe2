# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether code that is built under some Kconfig options is built only with another option: proven, refuted or unknown.

A condition is refuted if on some architecture a configuration exists in which the code is built without the option, as
far as all files were read:

- No option that the code may need on needs the gate in turn, whichever of several alternatives is chosen.
- The gate can be off: a user may turn it off, or nothing turns it on, and this holds for all options that select it.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

from rules.bindings.fact_source import FactSource
from rules.bindings.kconfig_closure import Closure, Verdict
from rules.bindings.kconfig_options import Definition, KconfigOptions
from rules.source.kbuild.condition import NEVER, Clause, Condition, both, option_of

RUST: Condition = (("RUST",),)
_MAX_CLOSURES = 400  # that are kept
_MAX_VERDICTS = 10_000  # that are kept


class Kconfig:
    """The options of a tree. Files are read when the first option is needed."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self._closures: dict[tuple[str, Condition], Closure] = {}
        self._verdicts: dict[tuple[Condition, Condition], tuple[Verdict, str]] = {}

    def definitions(self, name: str) -> list[Definition]:
        """Return all definitions of an option."""
        return self._options.definitions(name)

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

    def can_be_on(self, user: Condition, name: str) -> bool:
        """Tell whether a user can set an option to `y` in a configuration in which code under a condition is built."""
        with_option = both(user, ((f"={name}",),))
        for architecture in self._options.architectures:
            options = [definition.option for definition in self._options.definitions(name, architecture)]
            if any(option.is_choice for option in options) or all(option.prompt == NEVER for option in options):
                continue
            closure = self._closure(architecture, with_option)
            if not (closure.is_impossible or closure.is_unknown):
                return True
        return False

    def missing(self, user: Condition, gate: Condition) -> Condition:
        """Return the clauses of a gate that are refuted."""
        return tuple(clause for clause in gate if self.implies(user, (clause,))[0] is Verdict.REFUTED)

    def innermost_option(self, user: Condition) -> str:
        """Return the innermost option under which code is built, "" if it is built whenever Rust is."""
        names = [option_of(clause[0]) for clause in user if len(clause) == 1 and clause[0][0] not in "!?$"]
        return next((name for name in reversed(names) if (name,) not in RUST and self.definitions(name)), "")

    def needs(self, user: Condition) -> Iterator[str]:
        """Yield the options that are on in any configuration in which code under a condition is built."""
        for architecture in self._options.architectures:
            yield from self._closure(architecture, user).must

    def _implies(self, user: Condition, gate: Condition) -> tuple[Verdict, str]:
        if set(gate) <= set(user):
            return Verdict.PROVEN, ""
        verdicts: list[Verdict] = []
        for architecture in self._options.architectures:
            closure = self._closure(architecture, user)
            if closure.is_impossible:
                continue
            verdict = closure.implies(gate)
            if verdict is Verdict.REFUTED:
                return verdict, architecture
            verdicts.append(verdict)
        is_proven = bool(verdicts) and set(verdicts) == {Verdict.PROVEN}
        return (Verdict.PROVEN if is_proven else Verdict.UNKNOWN), ""

    def _closure(self, architecture: str, user: Condition) -> Closure:
        key = architecture, user
        if key not in self._closures:
            if len(self._closures) >= _MAX_CLOSURES:
                self._closures.clear()
            self._closures[key] = Closure(self._options, architecture, both(RUST, user))
        return self._closures[key]

    @cached_property
    def _options(self) -> KconfigOptions:
        return KconfigOptions(self._facts)


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
