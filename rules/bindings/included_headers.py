# SPDX-License-Identifier: GPL-2.0-or-later
"""Follow `#include`s to find the C headers that the bindings and the helpers see."""

import posixpath
from collections.abc import Callable, Iterable
from sys import intern

from rules.bindings.fact_source import FactSource
from rules.bindings.helper_facts import BINDINGS_HEADER, UAPI_HEADER

# The architectures for which the kernel builds Rust. `<asm/…>` can mean a header of each.
ARCHITECTURES = ("x86", "arm64", "arm", "riscv", "loongarch", "s390", "powerpc", "um")
_SEARCH = ("include/", "include/uapi/")


def candidate_paths(include: str, includer: str) -> tuple[str, ...]:
    """Return the paths that an `#include` can mean, in search order. `include` has its `<>` or quotes.

    `<asm/x.h>` means the file of each architecture and the generic file.
    """
    name = include[1:-1]
    if not _is_relative(include):
        return _searched_paths(name)
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(includer), name))
    return tuple(dict.fromkeys((beside, *_searched_paths(name))))


def _is_relative(include: str) -> bool:
    """Tell whether the paths that an include can mean depend on the file that includes it."""
    return include.startswith(('"', "<../"))


def _searched_paths(name: str) -> tuple[str, ...]:
    """Return the paths that the name of an include can mean in the search path, whichever file includes it."""
    if name.startswith("../"):  # `<../../drivers/base/base.h>` is relative to a directory of the search path
        return tuple(posixpath.normpath(posixpath.join(base, name)) for base in ("include/linux", "include"))
    paths = [base + name for base in _SEARCH]
    if name.startswith("asm/"):
        for architecture in ARCHITECTURES:
            paths.append(f"arch/{architecture}/include/{name}")
            paths.append(f"arch/{architecture}/include/uapi/{name}")
        paths.append(f"include/asm-generic/{name[4:]}")
        paths.append(f"include/uapi/asm-generic/{name[4:]}")
    return tuple(paths)


def is_foreign(path: str) -> bool:
    """Tell whether the file belongs to an architecture without Rust."""
    parts = path.split("/", 2)
    return parts[0] == "arch" and len(parts) > 1 and parts[1] not in ARCHITECTURES


def read_included(facts: FactSource) -> dict[str, str]:
    """Return every C file of a tree that the bindings or helpers include, each with its first includer."""

    def compute() -> list[str]:
        roots = [BINDINGS_HEADER, UAPI_HEADER, *facts.helper_paths()]
        return [f"{path}\n{includer}" for path, includer in follow_includes(roots, facts.includes).items()]

    pairs = (pair.rpartition("\n") for pair in facts.cached("included", compute))
    return {intern(path): intern(includer) for path, _, includer in pairs}  # other trees have the same files


def follow_includes(roots: Iterable[str], includes: Callable[[str], Iterable[str] | None]) -> dict[str, str]:
    """Return every file that the roots include, and the roots, each with its first includer ("" for a root).

    `includes` returns the includes of a file with their `<>` or quotes, None if the tree does not have the file.
    """
    included_by: dict[str, str] = {}
    absent: set[str] = set()
    searched: set[str] = set()
    level = [(root, "") for root in roots]
    while level:
        next_level: list[tuple[str, str]] = []
        for path, includer in level:
            if path in included_by or path in absent:
                continue
            written = includes(path)
            if written is None:
                absent.add(path)
                continue
            included_by[path] = includer
            for include in written:
                if include not in searched:
                    next_level += [(candidate, path) for candidate in candidate_paths(include, path)]
                    searched.update(() if _is_relative(include) else (include,))
        level = next_level
    return included_by
