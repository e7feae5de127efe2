# SPDX-License-Identifier: GPL-2.0-or-later
"""The shapes of the types in a signature, as far as their words alone show them.

Two shapes that differ belong to different types. A path has no shape, because it may be an alias or a parameter, unless
it ends with the name of a well-known type.
"""

from collections.abc import Sequence
from typing import Final

from rules.source.rust.functions import split_at_commas

_INTEGER_SIZES: Final = ("8", "16", "32", "64", "128", "size")
PRIMITIVE_TYPES: Final = frozenset(
    ("bool", "char", "f32", "f64", "str", *(sign + size for sign in "iu" for size in _INTEGER_SIZES))
)
_WELL_KNOWN: Final = frozenset(("Result", "Option", "Pin", "Arc", "ArcBorrow", "ARef", "KBox", "KVec", "CString"))
_UNKNOWN: Final = "?"
_OWN: Final = "Self"
_UNCLEAR: Final = frozenset((_UNKNOWN, _OWN))
_TRIED: Final = frozenset(("Result", "Option"))
_SELF: Final = "self"
_MAX_DEPTH: Final = 8  # references to references

Shape = tuple[str, ...]
"""The reference, pointer or array around a type, what is in it, and so on; "?" is unknown, "Self" the own type."""


def shapes_of(parameters: Sequence[str], result: Sequence[str]) -> tuple[Shape, ...]:
    """Return the shapes of the parameters between the parentheses of a function, and of what is after its `->`."""
    return (*map(_parameter_shape, split_at_commas(parameters)), _shape(result or ("(", ")")))


def is_receiver(shape: Shape) -> bool:
    """Tell whether a parameter is `self`."""
    return shape[0] == _SELF


def differ(shape: Shape, other: Shape) -> bool:
    """Tell whether two shapes certainly belong to different types."""
    for part, other_part in zip(shape, other, strict=False):
        if not _UNCLEAR.isdisjoint((part, other_part)):
            return False
        if part != other_part:
            return True
    return False


def may_be_tried(shape: Shape) -> bool | None:
    """Tell whether `?` applies to what a function returns; None if that is unclear."""
    return True if shape[0] in _TRIED else None if shape[0] == _UNKNOWN else False


def _parameter_shape(words: Sequence[str]) -> Shape:
    colon = depth = 0
    while colon < len(words) and (depth or words[colon] != ":"):
        depth += (words[colon] in "([{") - (words[colon] in ")]}")
        colon += 1
    shape = _shape(words[colon + 1 :] or [word for word in words if word != "mut" or words[0] == "&"])
    return (_SELF, *shape) if words[colon - 1] == _SELF else shape


def _shape(words: Sequence[str]) -> Shape:
    shape: list[str] = []
    at = 0
    while at < len(words) and words[at] in ("&", "*", "[") and len(shape) < _MAX_DEPTH:
        following = words[at + 1] if at + 1 < len(words) else ""
        has_more = words[at] != "[" and following in ("mut", "const")
        shape.append(("[;]" if ";" in words else "[]") if words[at] == "[" else words[at] + following * has_more)
        at += 1 + has_more
    return (*shape, _inner_shape(words[at:]))


def _inner_shape(words: Sequence[str]) -> str:
    if tuple(words) == ("(", ")"):
        return "()"
    name = next((at for at, word in enumerate(words) if word in ("<", "]", ";")), len(words))
    if name == 1 and (words[0] in (_SELF, _OWN) or words[0] in PRIMITIVE_TYPES):
        return words[0]
    is_path = name % 2 == 1 and all(word == "::" for word in words[1:name:2])
    return words[name - 1] if is_path and words[name - 1] in _WELL_KNOWN else _UNKNOWN
