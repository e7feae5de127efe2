# SPDX-License-Identifier: GPL-2.0-or-later
"""Tell from its path where a file of the kernel tree comes from. The origin decides which rules apply to the file."""

import re
from enum import StrEnum
from functools import lru_cache

_VENDORED = re.compile(
    r"(?:rust/(?:syn|quote|proc-macro2|zerocopy|zerocopy-derive|alloc)|tools/.*/vendor|.*/third[-_]party)/"
)
_GENERATED = re.compile(r".*_generated\.rs$|(?:.*/)?(?:bindings|generated)\.rs$|.*/generated/")
_HOST = re.compile(
    r"(?:scripts|tools|usr|rust/(?:macros|pin-init/(?:internal|examples)))/|rust/.*/build\.rs$|(?:.*/)?build\.rs$"
)
_STD = re.compile(rb"^(?![ \t]*(?://|\*))[^\n\"]*?(?<![\w:])(?:::)?std::\w", re.MULTILINE)


class Origin(StrEnum):
    """The origin of a file. Host code runs during the build, vendored code is a copy from another project."""

    KERNEL = "kernel"
    VENDORED = "vendored"
    GENERATED = "generated"
    HOST = "host"


@lru_cache(4096)  # every rule asks for the origin of every file
def origin(path: str) -> Origin:
    """Return the origin of the file at `path`, which is relative to the top of the tree."""
    if _VENDORED.match(path):
        return Origin.VENDORED
    if _GENERATED.match(path):
        return Origin.GENERATED
    if _HOST.match(path):
        return Origin.HOST
    return Origin.KERNEL


def needs_std(text: bytes) -> bool:
    """Tell whether Rust code names the standard library outside comments: such a program is not kernel code."""
    return b"std::" in text and _STD.search(text) is not None
