# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the most frequent shapes of declarations without their tokens: functions and fields without inner brackets.

The result is that of `declarator`, which reads all other shapes. Types and parameters are cached by their text, because
many files of a kernel have the same ones.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from rules.lazy import re
from rules.source.c.declarator import ANNOTATIONS, SPECIFIERS, canonical_type, read_parameters, tokenize

_FUNCTION = re.compile(r"([A-Za-z_][\w\s*]*[\s*])([A-Za-z_]\w*)\s*\((?!\s*\*)([\w\s*,.]*)\)\s*(?=[;{])")
_FIELD = re.compile(r"([A-Za-z_][\w\s*]*[\s*])([A-Za-z_]\w*)(\[\w+\])?(?:\s*:\s*(\d+))?\Z")
_INLINE = frozenset({"inline", "__inline", "__inline__", "__always_inline", "nokprobe_inline"})
_MAX_CACHED = 80  # characters of a text that is cached


class SimpleFunction(NamedTuple):
    """The head of a function, which ends before the `;` or `{` at `end`. `linkage` is that of `find_linkage`."""

    end: int
    linkage: str
    name: str
    type: str
    parameters: tuple[str, ...]


def read_simple_function(text: str, start: int) -> SimpleFunction | None:
    """Return the function whose head begins at a position; None for another declaration."""
    match = _FUNCTION.match(text, start)
    if match is None:
        return None
    words, name, inside = match.groups()
    if name in ANNOTATIONS or name.endswith("_struct") or name.startswith("struct_"):
        return None  # `context_lock_struct(x) {` defines a struct
    linkage, c_type = _read_words(words)
    if not c_type:
        return None
    return SimpleFunction(match.end(), find_linkage((name,)) or linkage, name, c_type, _read_parameters(inside))


def read_simple_field(text: str) -> tuple[str, str] | None:
    """Return the name and type of a field; None for another declaration."""
    match = _FIELD.match(text)
    if match is None:
        return None
    words, name, bounds, width = match.groups()
    if name in ANNOTATIONS or name in SPECIFIERS or name.startswith("__") or name.isupper():
        return None  # the last word can be an annotation after the name
    c_type = _read_words(words)[1]
    if not c_type or (bounds and bounds[1:-1] in ANNOTATIONS):
        return None
    return name, c_type + (bounds or "") + (f" : {width}" if width else "")


def find_linkage(words: Collection[str]) -> str:
    """Return "inline" or "static" if one of the words says so, else ""."""
    if not _INLINE.isdisjoint(words) or any(word.endswith(("_INLINE", "_inline")) for word in words):
        return "inline"
    return "static" if "static" in words else ""


def _read_words(text: str) -> tuple[str, str]:
    """Return the linkage and the canonical type that the words before a name state; "" for a typedef."""
    return _words_cached(text) if len(text) <= _MAX_CACHED else _words_of(text)


def _words_of(text: str) -> tuple[str, str]:
    words = text.replace("*", " * ").split()
    tokens = tokenize(text)
    return find_linkage(words), canonical_type(tokens) if tokens and words[0] != "typedef" else ""


def _read_parameters(text: str) -> tuple[str, ...]:
    return _parameters_cached(text) if len(text) <= _MAX_CACHED else read_parameters(tokenize(text))


_words_cached = lru_cache(maxsize=1024)(_words_of)
_parameters_cached = lru_cache(maxsize=256)(lambda text: read_parameters(tokenize(text)))
