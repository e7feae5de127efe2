# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a file of the kernel tree comes from, as far as its path says: whose rules it has to follow."""

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
    """`kernel` code runs in the kernel; `vendored` is copied from elsewhere, `generated` by a tool, `host` runs in
    builds.
    """

    KERNEL = "kernel"
    VENDORED = "vendored"
    GENERATED = "generated"
    HOST = "host"


@lru_cache(4096)  # every rule asks for every file
def origin(path: str) -> Origin:
    """Where the file at `path`, relative to the top of the tree, comes from."""
    if _VENDORED.match(path):
        return Origin.VENDORED
    if _GENERATED.match(path):
        return Origin.GENERATED
    if _HOST.match(path):
        return Origin.HOST
    return Origin.KERNEL


def needs_std(text: bytes) -> bool:
    """Rust that names the standard library outside comments: a program for the build, not kernel code."""
    return b"std::" in text and _STD.search(text) is not None
