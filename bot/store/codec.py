# SPDX-License-Identifier: GPL-2.0-or-later
"""Frozen values to compressed JSON and back, by their types alone."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

T = TypeVar("T")
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}  # building one costs more than most encodings

MAX_BATCH_BYTES = 64 * 1024 * 1024
STREAMED = {"yield_per": 8}
"""Execution options of queries for raw mails: no more rows are in memory than these."""

_LEVEL = 3  # a fifth of the time of the highest for nine tenths of what it saves


def encode(value: object, *, exclude: frozenset[str] = frozenset()) -> bytes:
    """The value's fields, without the excluded ones, as compressed JSON; lone surrogates are kept."""
    plain = _adapter(type(value)).dump_python(value, mode="json", exclude=set(exclude))
    return pack(json.dumps(plain, separators=(",", ":")).encode("ascii"))


def decode(kind: type[T], stored: bytes, **excluded: object) -> T:
    """The value that was encoded; the excluded fields are given anew."""
    return cast("T", _adapter(kind).validate_python({**json.loads(unpack(stored)), **excluded}))


def up_to(items: Iterable[T], size: Callable[[T], int], most: int = MAX_BATCH_BYTES) -> Iterator[T]:
    """Yield the first items that have no more bytes than `most` together, and the first one of any size.

    What a sender chooses does not choose how much memory a batch takes.
    """
    total = 0
    for item in items:
        total += size(item)
        if total > most and total > size(item):
            return
        yield item


def pack(content: bytes) -> bytes:
    return zlib.compress(content, _LEVEL)


def unpack(stored: bytes) -> bytes:
    return zlib.decompress(stored)


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
