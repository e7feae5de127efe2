# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of the `kernel` crate and the paths of its modules."""

from rules.source.rust.api import Path

CRATE = "rust/kernel/"


def is_in_crate(path: str) -> bool:
    """Tell whether a file belongs to the `kernel` crate."""
    return path.startswith(CRATE) and path.endswith(".rs")


def module_of(path: str) -> Path:
    """Return the module of a file of the crate."""
    parts = path.removeprefix(CRATE).removesuffix(".rs").split("/")
    return tuple(parts[:-1] if parts[-1] in ("mod", "lib") else parts)


def absolute_path(path: Path, module: Path) -> Path | None:
    """Return a path of the crate that begins at its root; None if it may lead elsewhere."""
    if path[:1] in (("kernel",), ("crate",)):
        return path[1:]
    while path[:1] in (("self",), ("super",)):
        module = module[:-1] if path[0] == "super" else module
        if path[1:2] not in (("self",), ("super",)):
            return (*module, *path[1:])
        path = path[1:]
    return None
