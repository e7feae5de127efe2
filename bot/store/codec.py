# SPDX-License-Identifier: GPL-2.0-or-later
"""Frozen values to compressed JSON and back, by their types alone."""

import json
import zlib
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}  # building one costs more than most encodings

_LEVEL = 3  # a fifth of the time of the highest for nine tenths of what it saves


def encode(value: object, *, exclude: frozenset[str] = frozenset()) -> bytes:
    """The value's fields, without the excluded ones, as compressed JSON; lone surrogates are kept."""
    plain = _adapter(type(value)).dump_python(value, mode="json", exclude=set(exclude))
    return pack(json.dumps(plain, separators=(",", ":")).encode("ascii"))


def decode(kind: type[T], stored: bytes, **excluded: object) -> T:
    """The value that was encoded; the excluded fields are given anew."""
    return cast("T", _adapter(kind).validate_python({**json.loads(unpack(stored)), **excluded}))


def pack(content: bytes) -> bytes:
    return zlib.compress(content, _LEVEL)


def unpack(stored: bytes) -> bytes:
    return zlib.decompress(stored)


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
