# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode frozen values as compressed JSON, and decode them by their types."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from bot.mail.packed import pack, unpack
from bot.mail.posting import Posting
from bot.mail.posting_codec import decode_posting, encode_posting, is_encoded_posting

T = TypeVar("T")
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}  # building an adapter takes longer than most encodings

MAX_BATCH_BYTES = 64 * 1024 * 1024
STREAMED = {"yield_per": 8}
"""Execution options of queries for raw mails: the maximum number of rows in memory."""

_MAX_ITEMS = 500  # of a statement: SQLite limits its parameters


def encode(value: object, *, exclude: frozenset[str] = frozenset()) -> bytes:
    """Return the fields of the value, except the excluded ones, as compressed JSON. Lone surrogates are preserved."""
    plain = _adapter(type(value)).dump_python(value, mode="json", exclude=set(exclude))
    return pack(json.dumps(plain, separators=(",", ":")).encode("ascii"))


def decode(kind: type[T], stored: bytes, **excluded: object) -> T:
    """Return the value that was encoded. The caller passes the excluded fields."""
    return cast("T", _adapter(kind).validate_python({**json.loads(unpack(stored)), **excluded}))


def posting_of(value: bytes, *, with_texts: bool = True, patches: Collection[int] | None = None) -> Posting:
    """Return the posting of a row. Without its texts it is decoded ten times as fast (bot.mail.posting_codec).

    With indices of patches, only these have texts. A posting that an earlier version stored always has its texts.
    """
    if is_encoded_posting(value):
        return decode_posting(value, with_texts=with_texts, patches=patches)
    return decode(Posting, value)


def in_current_format(value: bytes) -> bytes:
    """Return the stored posting as this version encodes it."""
    return value if is_encoded_posting(value) else encode_posting(decode(Posting, value))


def is_same_posting(stored: bytes, value: bytes) -> bool:
    """Return whether a stored posting is the encoded one, in whatever format it is stored."""
    return stored == value or (not is_encoded_posting(stored) and in_current_format(stored) == value)


def up_to(items: Iterable[T], size: Callable[[T], int], max_bytes: int = MAX_BATCH_BYTES) -> Iterator[T]:
    """Yield items as long as their total size is at most `max_bytes`; the first item may have any size.

    So the sender of mails cannot choose how much memory a batch takes.
    """
    total = 0
    for item in items:
        total += size(item)
        if total > max_bytes and total > size(item):
            return
        yield item


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists that fit into one statement."""
    rest = iter(items)
    while chunk := list(islice(rest, _MAX_ITEMS)):
        yield chunk


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
