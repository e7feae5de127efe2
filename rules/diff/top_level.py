# SPDX-License-Identifier: GPL-2.0-or-later
"""The paths of the kernel's tree: its top level, its crates, and the kinds of files that rules read."""

from typing import Final

KERNEL_CRATE: Final = "rust/kernel/"
KERNEL_CRATE_ROOT: Final = f"{KERNEL_CRATE}lib.rs"
PIN_INIT_CRATE: Final = "rust/pin-init/"
"""A crate that other projects use too, with older versions of Rust."""
C_ENDS: Final = (".c", ".h", ".S")
_SOURCE_ENDS: Final = (".rs", *C_ENDS, "Makefile", "Kbuild", "MAINTAINERS")
_SOURCES: Final = ("rust/bindgen_parameters", "scripts/generate_rust_analyzer.py")

_TOP_LEVEL: Final = frozenset(
    {
        ".clang-format",
        ".clippy.toml",
        ".cocciconfig",
        ".editorconfig",
        ".get_maintainer.ignore",
        ".gitattributes",
        ".gitignore",
        ".kunitconfig",
        ".mailmap",
        ".pylintrc",
        ".rustfmt.toml",
        "COPYING",
        "CREDITS",
        "Documentation",
        "Kbuild",
        "Kconfig",
        "LICENSES",
        "MAINTAINERS",
        "Makefile",
        "README",
        "arch",
        "block",
        "certs",
        "crypto",
        "drivers",
        "fs",
        "include",
        "init",
        "io_uring",
        "ipc",
        "kernel",
        "lib",
        "mm",
        "net",
        "rust",
        "samples",
        "scripts",
        "security",
        "sound",
        "tools",
        "usr",
        "virt",
    }
)
"""What the top of the kernel's tree holds, since it has Rust code."""


def is_source(path: str) -> bool:
    """Return whether rules read files of that path."""
    return path.endswith(_SOURCE_ENDS) or path.rpartition("/")[2].startswith("Kconfig") or path in _SOURCES


def is_kernel_path(path: str) -> bool:
    """Return whether a file of that path can be the kernel's."""
    return path.partition("/")[0] in _TOP_LEVEL


def kernel_path(path: str) -> str | None:
    """Return what follows the first directories of a path, from the first one that the kernel's tree has at its top.

    None if it has none of them.
    """
    parts = path.split("/")
    start = next((at for at, part in enumerate(parts) if part in _TOP_LEVEL), None)
    return None if start is None else "/".join(parts[start:])
