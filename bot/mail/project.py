# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a patch is for the kernel: its lists also carry patches for the programs around it."""

from collections.abc import Collection
from typing import Final

# What stands at the top of the kernel's tree, since it has Rust code.
_TOP: Final = frozenset(
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
# What a subject prefix says instead of a subsystem of the kernel.
_OTHERS: Final = frozenset(
    {
        "b4",
        "blktests",
        "bluez",
        "btrfs-progs",
        "dwarves",
        "e2fsprogs",
        "ethtool",
        "fstests",
        "iproute2",
        "iproute2-next",
        "kmod",
        "kvm-unit-tests",
        "liburing",
        "linux-firmware",
        "ltp",
        "man",
        "man-pages",
        "mdadm",
        "ndctl",
        "nvme-cli",
        "pahole",
        "pciutils",
        "qemu",
        "rteval",
        "sparse",
        "u-boot",
        "util-linux",
        "v4l-utils",
        "xfsprogs",
        "xfstests",
    }
)


def is_kernel_path(path: str) -> bool:
    """Whether a file of that path can be the kernel's."""
    return path.partition("/")[0] in _TOP


def other_project(words: Collection[str]) -> str | None:
    """The other project that one of the words, in lower case, names; None where none does."""
    return min(_OTHERS.intersection(words), default=None)
