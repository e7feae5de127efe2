# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of the `kernel` crate, the paths of its modules, and the names of its items."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from rules.diff.top_level import KERNEL_CRATE

if TYPE_CHECKING:
    from rules.source.rust.api import ApiItem
    from rules.source.rust.tokens import Path

CRATE: Final = "kernel"
SEPARATOR: Final = "::"
MAX_ALIASES: Final = 4  # `pub use` of a `pub use`


class ItemKey(NamedTuple):
    """What identifies an item of the crate. `owner` is the type or trait of an associated item, else ""."""

    module: tuple[str, ...]
    owner: str
    kind: str
    name: str

    @classmethod
    def of(cls, item: "ApiItem", file: str) -> "ItemKey":
        """Return the key of an item in a file. All macros that the crate exports are in its root."""
        module = () if item.kind == "macro" else (*module_of(file), *item.module)
        return cls(module, item.owner, item.kind, item.name)

    @property
    def path(self) -> "Path":
        """The path below the crate."""
        return (*self.module, *((self.owner,) if self.owner else ()), self.name)


def is_in_crate(path: str) -> bool:
    """Tell whether a file belongs to the `kernel` crate."""
    return path.startswith(KERNEL_CRATE) and path.endswith(".rs")


def module_of(path: str) -> "Path":
    """Return the module of a file of the crate."""
    parts = path.removeprefix(KERNEL_CRATE).removesuffix(".rs").split("/")
    return tuple(parts[:-1] if parts[-1] in ("mod", "lib") else parts)


def files_by_module(paths: Iterable[str]) -> "dict[Path, str]":
    """Return the files of the crate among these, by their modules."""
    return {module_of(path): path for path in paths if is_in_crate(path)}


def file_of(module: "Path", files: "Mapping[Path, str]") -> "tuple[str, Path] | None":
    """Return the file that has a module, and the inline modules in it that lead to the module; None without a file."""
    for length in range(len(module), -1, -1):
        file = files.get(module[:length])
        if file is not None:
            return file, module[length:]
    return None


def full_name(path: "Path") -> str:
    """Return a path below the crate as code of another crate writes it."""
    return SEPARATOR.join((CRATE, *path))


def below_crate(path: "Path", file: str) -> "Path | None":
    """Return the rest of a path in a file that begins with the name of the crate; None for another path."""
    return path[1:] if path[:1] == (CRATE,) or (path[:1] == ("crate",) and is_in_crate(file)) else None


def absolute_path(path: "Path", module: "Path") -> "Path | None":
    """Return a path of the crate that begins at its root; None if it may lead elsewhere."""
    if path[:1] in ((CRATE,), ("crate",)):
        return path[1:]
    while path[:1] in (("self",), ("super",)):
        module = module[:-1] if path[0] == "super" else module
        if path[1:2] not in (("self",), ("super",)):
            return (*module, *path[1:])
        path = path[1:]
    return None
