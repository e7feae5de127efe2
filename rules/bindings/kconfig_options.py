# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of a tree: Kconfig is followed from its root, once for all architectures and once for each."""

from collections.abc import Iterator
from functools import cached_property

from rules.bindings.fact_source import FactSource
from rules.lazy import dataclass
from rules.source.kbuild.condition import ALWAYS, Condition, both
from rules.source.kbuild.kconfig import Option

_ROOT = "Kconfig"
_HAVE_RUST = "HAVE_RUST"
_ARCHITECTURES = (
    *("alpha", "arc", "arm", "arm64", "csky", "hexagon", "loongarch", "m68k", "microblaze", "mips", "nios2"),
    *("openrisc", "parisc", "powerpc", "riscv", "s390", "sh", "sparc", "um", "x86", "xtensa"),
)
_MAX_FILES = 12_000  # that all architectures together read
_MAX_DEFINITIONS = 100_000  # of all options; 7.3 has 28,000
_MAX_DEPTH = 40  # files that read each other


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


class KconfigOptions:
    """The definitions of all options. `is_complete` says that every file was read that the root reads."""

    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self._definitions: dict[str, list[Definition]] = {}
        self._selectors: dict[str, list[tuple[Definition, Condition]]] = {}
        self._of_architecture: dict[tuple[str, str], list[Definition]] = {}
        self._is_tristate: dict[tuple[str, str], bool] = {}
        self._by_architecture: list[tuple[str, Condition, tuple[str, ...]]] = []
        self._files = 0
        self._count = 0
        self.is_complete = True
        self._read_file(_ROOT, "", ALWAYS, ())
        for architecture in _ARCHITECTURES:
            self._read_architecture(architecture)

    def definitions(self, name: str, architecture: str | None = None) -> list[Definition]:
        """Return the definitions of an option, all of them or those that an architecture reads."""
        known = self._definitions.get(name, [])
        if architecture is None or not known:
            return known
        key = name, architecture
        if key not in self._of_architecture:
            self._of_architecture[key] = [
                definition for definition in known if definition.architecture in ("", architecture)
            ]
        return self._of_architecture[key]

    def selectors(self, name: str, architecture: str) -> Iterator[tuple[str, Condition]]:
        """Yield the options that select an option, with the conditions after `if`."""
        for definition, condition in self._selectors.get(name, ()):
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

    @cached_property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that support Rust; "" alone if the tree says nothing of them."""
        selecting = {definition.architecture for definition, _ in self._selectors.get(_HAVE_RUST, ())}
        return tuple(sorted(selecting, key=lambda name: (name != "x86", name != "arm64", name))) or ("",)

    def _read_architecture(self, name: str) -> None:
        if self._facts.kconfig(f"arch/{name}/Kconfig") is None:
            return
        for path, outer, above in self._by_architecture:
            self._read_file(path.replace("$(SRCARCH)", name), name, outer, above)

    def _read_file(self, path: str, architecture: str, outer: Condition, above: tuple[str, ...]) -> None:
        self._files += 1
        file = self._facts.kconfig(path)
        if file is None or path in above or len(above) >= _MAX_DEPTH or self._files > _MAX_FILES:
            self.is_complete = self.is_complete and file is None  # a missing file declares nothing
            return
        self._count += len(file.options)
        if self._count > _MAX_DEFINITIONS:
            self.is_complete = False
            return
        self.is_complete = self.is_complete and file.is_complete
        for option in file.options:
            definition = Definition(path, architecture, outer, option)
            self._definitions.setdefault(option.name, []).append(definition)
            for target, condition in option.selects:
                self._selectors.setdefault(target, []).append((definition, condition))
        for source, condition in file.sources:
            target = source
            if source.startswith("./"):
                target = f"{path.rpartition('/')[0]}/{source.removeprefix('./')}".removeprefix("/")
            if architecture == "um":
                target = target.replace("$(HEADER_ARCH)", "x86")
            inner = both(outer, condition)
            if "$(SRCARCH)" in target and not architecture:
                self._by_architecture.append((target, inner, (*above, path)))
                continue
            target = target.replace("$(SRCARCH)", architecture)
            if "$" in target or "*" in target:
                self.is_complete = False
            else:
                self._read_file(target, architecture, inner, (*above, path))
