# SPDX-License-Identifier: GPL-2.0-or-later
"""Which C headers the bindings and the helpers see: the includes followed from their roots."""

import posixpath
from collections.abc import Callable, Iterable
from functools import lru_cache

# Architectures for which the kernel builds Rust; their headers stand in for `<asm/…>` side by side.
ARCHITECTURES = ("x86", "arm64", "arm", "riscv", "loongarch", "s390", "powerpc", "um")
_SEARCH = ("include/", "include/uapi/")


@lru_cache(maxsize=2**15)
def candidates(include: str, of: str) -> tuple[str, ...]:
    """The paths an `#include` may mean, in order of search; `include` keeps its `<>` or quotes, `of` includes it.

    `<asm/x.h>` means one file an architecture, and the generic one.
    """
    name = include[1:-1]
    found = []
    if include[0] == '"' or name.startswith("../"):
        found.append(posixpath.normpath(posixpath.join(posixpath.dirname(of), name)))
    if name.startswith("../"):
        # <../../drivers/base/base.h>: relative to a directory of the search path, two levels deep.
        found.append(posixpath.normpath(posixpath.join("include/linux", name)))
        found.append(posixpath.normpath(posixpath.join("include", name)))
        return tuple(found)
    found += [base + name for base in _SEARCH]
    if name.startswith("asm/"):
        for architecture in ARCHITECTURES:
            found.append(f"arch/{architecture}/include/{name}")
            found.append(f"arch/{architecture}/include/uapi/{name}")
        found.append(f"include/asm-generic/{name[4:]}")
        found.append(f"include/uapi/asm-generic/{name[4:]}")
    return tuple(dict.fromkeys(found))


def foreign(path: str) -> bool:
    """Whether the file belongs to an architecture without Rust."""
    parts = path.split("/", 2)
    return parts[0] == "arch" and len(parts) > 1 and parts[1] not in ARCHITECTURES


def reach(roots: Iterable[str], includes: Callable[[str], Iterable[str] | None]) -> dict[str, str]:
    """Every file that the roots include, themselves too, each with the file that included it first ("" for a root).

    `includes` gives a file's includes as written, None where the tree has no such file.
    """
    found: dict[str, str] = {}
    waiting = [(root, "") for root in roots]
    absent: set[str] = set()
    while waiting:
        following: list[tuple[str, str]] = []
        for path, by in waiting:
            if path in found or path in absent:
                continue
            written = includes(path)
            if written is None:
                absent.add(path)
                continue
            found[path] = by
            for include in written:
                following += [(one, path) for one in candidates(include, path)]
        waiting = following
    return found
