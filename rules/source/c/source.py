# SPDX-License-Identifier: GPL-2.0-or-later
"""C declarations as names of this field, read from whole files and from what hunks show."""

import re
from collections.abc import Iterator

from rules.source.c.declaration import CSource, Declaration, Kind
from rules.source.c.members import Member
from rules.source.c.scanner import Scanner
from rules.source.c.value import evaluate, ioctl_number, plain_expression

__all__ = [
    "CSource",
    "Declaration",
    "Kind",
    "Member",
    "evaluate",
    "identifiers",
    "ioctl_number",
    "plain_expression",
    "scan",
]

WORD = re.compile(r"[A-Za-z_]\w*")


def scan(text: str, line: int = 1, whole: bool = True) -> CSource:
    """The declarations of a C text whose first line has the number `line`; `whole`: the text is a whole file."""
    return Scanner(text, line, whole).run()


def identifiers(text: str) -> Iterator[str]:
    """Every word of a text that could be a C name, comments and strings included."""
    return (match.group() for match in WORD.finditer(text))
