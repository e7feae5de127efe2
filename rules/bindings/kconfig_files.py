# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow Kconfig from its root: the files that a tree reads, once for all architectures and once for each."""

from sys import intern

from rules.bindings.fact_source import FactSource
from rules.lazy import dataclass
from rules.source.kbuild.condition import ALWAYS, Condition, both, condition_of_text, condition_text

_ROOT = "Kconfig"
_ARCHITECTURES = (
    *("alpha", "arc", "arm", "arm64", "csky", "hexagon", "loongarch", "m68k", "microblaze", "mips", "nios2"),
    *("openrisc", "parisc", "powerpc", "riscv", "s390", "sh", "sparc", "um", "x86", "xtensa"),
)
_MAX_FILES = 12_000  # that all architectures together read
_MAX_DEFINITIONS = 100_000  # of all options; 7.3 has 28,000
_MAX_DEPTH = 40  # files that read each other
_COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that is read. `outer` is the condition of the blocks around the lines that read it.

    `architecture` is "" if every architecture reads the file.
    """

    path: str
    architecture: str
    outer: Condition


@dataclass(frozen=True, slots=True)
class KconfigFiles:
    """The files in the order in which they are read. `is_complete` says that every file was read that the root reads.

    A file that several others read is there for each of them.
    """

    readings: tuple[Reading, ...]
    is_complete: bool


def read_kconfig_files(facts: FactSource) -> KconfigFiles:
    """Return the files that Kconfig reads in a tree."""

    def compute() -> list[str]:
        follower = _Follower(facts)
        lines = [f"{item.path}\n{item.architecture}\n{condition_text(item.outer)}" for item in follower.readings]
        return [_COMPLETE if follower.is_complete else "", *lines]

    state, *lines = facts.cached("kconfig files", compute)
    parts = (line.split("\n") for line in lines)
    readings = (
        Reading(intern(path), intern(architecture), condition_of_text(outer)) for path, architecture, outer in parts
    )
    return KconfigFiles(tuple(readings), state == _COMPLETE)


class _Follower:
    def __init__(self, facts: FactSource) -> None:
        self._facts = facts
        self._by_architecture: list[tuple[str, Condition, tuple[str, ...]]] = []
        self._files = 0
        self._count = 0
        self.readings: list[Reading] = []
        self.is_complete = True
        self._read_file(_ROOT, "", ALWAYS, ())
        for architecture in _ARCHITECTURES:
            self._read_architecture(architecture)

    def _read_architecture(self, name: str) -> None:
        if self._facts.kconfig_outline(f"arch/{name}/Kconfig") is None:
            return
        for path, outer, above in self._by_architecture:
            self._read_file(path.replace("$(SRCARCH)", name), name, outer, above)

    def _read_file(self, path: str, architecture: str, outer: Condition, above: tuple[str, ...]) -> None:
        self._files += 1
        file = self._facts.kconfig_outline(path)
        if file is None or path in above or len(above) >= _MAX_DEPTH or self._files > _MAX_FILES:
            self.is_complete = self.is_complete and file is None  # a missing file declares nothing
            return
        self._count += file.options
        if self._count > _MAX_DEFINITIONS:
            self.is_complete = False
            return
        self.is_complete = self.is_complete and file.is_complete
        self.readings.append(Reading(path, architecture, outer))
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
