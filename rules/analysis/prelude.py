# SPDX-License-Identifier: GPL-2.0-or-later
"""The names that the prelude of the `kernel` crate exports in the base kernel, or in all kernels since 6.12."""

from typing import TYPE_CHECKING, Final

from rules.analysis.analysis import Analysis, Results
from rules.lazy import dataclass
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import Path

if TYPE_CHECKING:
    from rules.analysis.view import SeriesView

PRELUDE_FILE: Final = "rust/kernel/prelude.rs"
_REEXPORTED: Final = frozenset({"ffi", "macros"})  # crates that are modules of `kernel` too


# What the preludes of 6.12 and 7.3 both have.
_MODULES_SINCE_6_12: Final = ("alloc::flags", "error::code")
_TYPES_SINCE_6_12: Final = (
    "ThisModule",
    "alloc::Box",
    "alloc::KBox",
    "alloc::KVBox",
    "alloc::KVVec",
    "alloc::KVec",
    "alloc::VBox",
    "alloc::VVec",
    "alloc::Vec",
    "error::Error",
    "error::Result",
)
_MACROS_SINCE_6_12: Final = (
    "current",
    "dbg",
    "macros::module",
    "macros::vtable",
    "pr_alert",
    "pr_crit",
    "pr_debug",
    "pr_emerg",
    "pr_err",
    "pr_info",
    "pr_notice",
    "pr_warn",
    "try_init",
    "try_pin_init",
)
_TRAITS_SINCE_6_12: Final = ("init::InPlaceInit",)


@dataclass(frozen=True, slots=True)
class Prelude:
    """The paths of the names in the prelude, and the modules whose names are all in it.

    `traits` can be used without their names. A prelude that is not known has what those of all kernels since 6.12 have.
    """

    paths: frozenset[Path] = frozenset()
    traits: frozenset[Path] = frozenset()
    modules: frozenset[Path] = frozenset()
    is_known: bool = True

    def has(self, path: Path, name: str) -> bool:
        """Return whether the prelude exports what the path stands for under that name."""
        if name == "_":
            return path in self.traits
        return path[-1:] == (name,) and (path in self.paths or (path[:-1] in self.modules and name.isupper()))


def full_path(path: Path, *, in_kernel_crate: bool) -> Path:
    """Return a path with the name of its crate. A crate that `kernel` exports again has the path in `kernel`."""
    if path[0] == "crate" and in_kernel_crate:
        return ("kernel", *path[1:])
    return ("kernel", *path) if path[0] in _REEXPORTED else path


def _read(view: "SeriesView", _results: Results) -> Prelude:
    content = view.tree.read(PRELUDE_FILE)
    if content is None:
        return _since_6_12()
    paths: set[Path] = set()
    traits: set[Path] = set()
    modules: set[Path] = set()
    for item in RustSource(content).uses:
        path = ("kernel", *item.path[1:]) if item.path[0] == "super" else item.path
        path = full_path(path, in_kernel_crate=True)
        if item.name == "*":
            modules.add(path[:-1])
        elif item.name == "_":
            traits.add(path)
        elif item.name == path[-1]:
            paths.add(path)
    return Prelude(
        frozenset(paths), frozenset(traits | {path for path in paths if path[-1][0].isupper()}), frozenset(modules)
    )


def _since_6_12() -> Prelude:
    traits = _kernel_paths(_TRAITS_SINCE_6_12)
    names = _kernel_paths((*_TYPES_SINCE_6_12, *_MACROS_SINCE_6_12))
    modules = _kernel_paths(_MODULES_SINCE_6_12)
    return Prelude(names | traits | {("core", "pin", "Pin")}, traits, modules, is_known=False)


def _kernel_paths(paths: tuple[str, ...]) -> frozenset[Path]:
    return frozenset(("kernel", *path.split("::")) for path in paths)


PRELUDE: Final = Analysis("prelude", _read)
