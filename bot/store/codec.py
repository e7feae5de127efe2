# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode frozen values as compressed JSON, and decode them by their types.

pydantic takes as long to load and to prepare as this module takes to decode 100,000 values.
"""

import json
import types
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin

from bot.mail.packed import pack, unpack
from bot.mail.posting import Posting
from bot.mail.posting_codec import (
    ReadMails,
    decode_head,
    decode_posting,
    encode_posting,
    is_encoded_posting,
    mail_rows,
    posting_head,
    without_texts,
)
from bot.review.model import Review, ReviewFinding
from rules.bindings.pending_facts import PendingFacts
from rules.diff.patch import Hunk
from rules.finding import Finding

T = TypeVar("T")
_Decoder = Callable[[Any], Any]

IN_ITS_ROW: Final = b""
"""The posting of a review that is stored only in the row of the posting, until that row changes."""
MAX_BATCH_BYTES = 64 * 1024 * 1024

_MAX_REMEMBERED = 32 * 1024  # bytes of a head, which can be a thousand times longer than its compressed form
_EARLIER_NAMES: dict[Any, dict[str, str]] = {
    Finding: {"mended_by": "fixed_by_patch"},
    PendingFacts: {"cut": "truncated"},
    Review: {"comments": "findings"},
    ReviewFinding: {"said_before": "mailed_before", "unsaid_before": "unmailed_before", "standing": "state"},
}
"""The fields that earlier versions stored under other names, by those names."""


def encode(value: object, *, exclude: frozenset[str] = frozenset()) -> bytes:
    """Return the fields of the value, except the excluded ones, as compressed JSON. Lone surrogates are preserved."""
    fields = {name: field for name, field in _plain(value).items() if name not in exclude}
    return pack(json.dumps(fields, separators=(",", ":"), default=_plain).encode("ascii"))


def decode(kind: type[T], stored: bytes, **excluded: object) -> T:
    """Return the value that was encoded. The caller passes the excluded fields."""
    return cast("T", _class_decoder(cast("Any", kind))({**json.loads(unpack(stored)), **excluded}))


def fields_of(kind: Any, stored: bytes) -> dict[str, Any]:
    """Return the fields of a stored value as JSON values, by the names that the class has now."""
    names = _EARLIER_NAMES.get(kind, {})
    return {names.get(name, name): field for name, field in json.loads(unpack(stored)).items()}


def posting_of(value: bytes, mails: ReadMails | None = None, *, patches: Collection[int] | None = None) -> Posting:
    """Return the posting of a row; only if `mails` reads raw mails, with its texts (bot.mail.posting_codec).

    Without them it is decoded ten times as fast. With indices of patches, only these have texts.
    """
    if not is_encoded_posting(value):
        posting = decode(Posting, value)
        return without_texts(posting) if mails is None else posting
    if mails is None:
        head = posting_head(value)
        return _remembered(head) if len(head) <= _MAX_REMEMBERED else decode_head(head)
    return decode_posting(value, mails, patches=patches)


@lru_cache(maxsize=32)
def _remembered(head: bytes) -> Posting:
    """Return the posting without its texts. The review of a later revision decodes it again."""
    return decode_head(head)


def in_current_format(value: bytes) -> bytes:
    """Return the stored posting as this version encodes it."""
    return value if is_encoded_posting(value) else encode_posting(decode(Posting, value))


def is_same_posting(stored: bytes, value: bytes, mails: ReadMails) -> bool:
    """Return whether a stored posting is the encoded one, in whatever format they are."""
    if stored == value:
        return True
    return posting_of(stored) == posting_of(value) and posting_of(stored, mails) == posting_of(value, mails)


def with_all_texts(value: bytes, mails: ReadMails) -> bytes:
    """Return the stored posting so that its bytes contain all its texts: it needs no mail any more."""
    return encode_posting(posting_of(value, mails)) if mail_rows(value) else value


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


def _plain(value: Any) -> Any:
    """Return what JSON has for a value: a text for a time, a list for a set, and an object for a data class."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, frozenset):
        return sorted(value)
    names = value.__match_args__
    return {name: getattr(value, name) for name in ((*names[:-1], "lines") if isinstance(value, Hunk) else names)}


@cache
def _decoder(kind: Any) -> _Decoder | None:
    """Return the function that makes values of this type from those of JSON; None if they are the same."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in (str, int, bool) or origin is Literal:
        return None
    if origin is tuple:
        return _tuple_decoder(arguments)
    if kind is Hunk:
        return lambda value: Hunk.of(**value)  # it is stored with its lines
    if kind == frozenset[str]:
        return frozenset
    if origin in (Union, types.UnionType):
        return _union_decoder([argument for argument in arguments if argument is not types.NoneType])
    if kind is datetime:
        return datetime.fromisoformat
    if issubclass(kind, Enum):
        return {member.value: member for member in kind}.__getitem__
    if issubclass(kind, tuple):
        return cast("_Decoder", kind._make)  # a NamedTuple
    return _class_decoder(kind)


def _tuple_decoder(kinds: tuple[Any, ...]) -> _Decoder:
    if kinds[1:] == (...,):
        item_decoder = _decoder(kinds[0])
        return tuple if item_decoder is None else lambda values: tuple(map(item_decoder, values))
    decoders = [_decoder(kind) or (lambda value: value) for kind in kinds]
    return lambda values: tuple(decoder(value) for decoder, value in zip(decoders, values, strict=True))


def _union_decoder(kinds: list[Any]) -> _Decoder | None:
    """Return the decoder of a type or None, or of data classes: an object is of the one with the same fields."""
    if len(kinds) == 1:
        decoder = _decoder(kinds[0])
        return None if decoder is None else lambda value: None if value is None else decoder(value)
    decoders = [(frozenset(kind.__match_args__), _class_decoder(kind)) for kind in kinds]
    return lambda value: min(decoders, key=lambda entry: len(entry[0] ^ value.keys()))[1](value)


@cache
def _class_decoder(kind: Any) -> _Decoder:
    """Return the decoder of a data class. It ignores fields that the class no longer has."""
    current = {name: name for name in kind.__match_args__} | _EARLIER_NAMES.get(kind, {})
    decoders = [(name, decoder) for name in kind.__match_args__ if (decoder := _decoder(kind.__annotations__[name]))]

    def decode_fields(value: Any) -> Any:
        if isinstance(value, kind):  # a field that was excluded
            return value
        fields = {current[name]: field for name, field in value.items() if name in current}
        for name, decoder in decoders:
            if name in fields:
                fields[name] = decoder(fields[name])
        return kind(**fields)

    return decode_fields
