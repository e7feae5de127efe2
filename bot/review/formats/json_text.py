# SPDX-License-Identifier: GPL-2.0-or-later
"""Write JSON that is safe to print: characters that control a terminal, or reorder or hide text, are escaped."""

import json
from typing import Final

from rules.lazy import re

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
# To Unicode, fillers and joiners are letters or marks, but they are invisible.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")


def dumps(value: object, indent: int | None = None) -> str:
    r"""Return the value as JSON: letters as they are, control, format and invisible characters as \uXXXX."""
    return _NOT_ASCII.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent))


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if "\ud800" <= char <= "\udfff":  # A byte that could not be decoded. A lone surrogate is not valid JSON.
        return _REPLACEMENT
    return char if char.isprintable() and char not in _INVISIBLE else json.dumps(char)[1:-1]
