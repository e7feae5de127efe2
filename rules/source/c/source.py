# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface of the C reader: scan a text for declarations, evaluate constants, find identifiers."""

from collections.abc import Iterator

from rules.lazy import re
from rules.source.c.declaration import (
    AGGREGATES,
    BODIES,
    FUNCTIONS,
    MACROS,
    SYMBOLS,
    VALUES,
    CSource,
    Declaration,
    Kind,
)
from rules.source.c.macros import TRACE_PREFIX
from rules.source.c.members import Member
from rules.source.c.scanner import Scanner
from rules.source.c.value import evaluate, is_plain_expression, read_ioctl_number

__all__ = [
    "AGGREGATES",
    "BODIES",
    "FUNCTIONS",
    "MACROS",
    "SYMBOLS",
    "TRACE_PREFIX",
    "VALUES",
    "CSource",
    "Declaration",
    "Kind",
    "Member",
    "evaluate",
    "identifiers",
    "is_plain_expression",
    "read_ioctl_number",
    "scan",
]

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def scan(text: str, line: int = 1, is_complete: bool = True) -> CSource:
    """Return the declarations of a C text. `line` is the number of its first line; a fragment is not complete."""
    return Scanner(text, line, is_complete).run()


def identifiers(text: str) -> Iterator[str]:
    """Yield every word of a text that could be a C name, also in comments and strings."""
    return (match.group() for match in _IDENTIFIER.finditer(text))
