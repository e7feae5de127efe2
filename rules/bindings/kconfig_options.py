# SPDX-License-Identifier: GPL-2.0-or-later
"""The Kconfig options of a tree. Only those that are asked for are read."""

from collections.abc import Iterator
from functools import cached_property

from rules.bindings.fact_source import FactSource
from rules.bindings.kconfig_files import Reading, read_kconfig_files
from rules.lazy import dataclass
from rules.source.kbuild.condition import Condition, both
from rules.source.kbuild.kconfig import Option

_HAVE_RUST = "HAVE_RUST"


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of an option in a file that is read."""

    reading: Reading
    option: Option

    @property
    def depends(self) -> Condition:
        """The condition under which the option can be on."""
        return both(self.reading.outer, self.option.depends)

    def is_read_by(self, architecture: str) -> bool:
        """Tell whether an architecture reads the file."""
        return self.reading.architecture in ("", architecture)


class KconfigOptions:
    """The definitions of all options. `is_complete` says that every file was read that the root reads."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        files = read_kconfig_files(facts)
        self.is_complete = files.is_complete
        self._readings: dict[str, list[tuple[int, Reading]]] = {}
        for number, reading in enumerate(files.readings):
            self._readings.setdefault(reading.path, []).append((number, reading))
        self._known: dict[tuple[str, bool], list[Definition]] = {}  # by option, and whether they select it
        self._of_architecture: dict[tuple[str, str], list[Definition]] = {}
        self._is_tristate: dict[tuple[str, str], bool] = {}

    def definitions(self, name: str, architecture: str | None = None) -> list[Definition]:
        """Return the definitions of an option, all of them or those that an architecture reads."""
        known = self._read(name, selecting=False)
        if architecture is None or not known:
            return known
        key = name, architecture
        if key not in self._of_architecture:
            self._of_architecture[key] = [definition for definition in known if definition.is_read_by(architecture)]
        return self._of_architecture[key]

    def selectors(self, name: str, architecture: str) -> Iterator[tuple[str, Condition]]:
        """Yield the options that select an option, with the conditions after `if`."""
        for definition in self._read(name, selecting=True):
            if definition.is_read_by(architecture):
                for target, condition in definition.option.selects:
                    if target == name:
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

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that support Rust; "" alone if the tree says nothing of them."""
        selecting = {definition.reading.architecture for definition in self._read(_HAVE_RUST, selecting=True)}
        return tuple(sorted(selecting, key=lambda name: (name != "x86", name != "arm64", name))) or ("",)

    def _read(self, name: str, *, selecting: bool) -> list[Definition]:
        """Return the definitions of an option, or of those that select it, in the order in which files are read."""
        key = name, selecting
        if key in self._known:
            return self._known[key]
        found = [
            (number, Definition(reading, option))
            for path, option in self._facts.options(name, selecting=selecting)
            for number, reading in self._readings.get(path, ())
        ]
        definitions = [definition for _, definition in sorted(found, key=lambda item: item[0])]
        if definitions:  # a patch can ask for any number of names
            self._known[key] = definitions
        return definitions
