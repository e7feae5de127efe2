# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode postings as bytes: first what jobs decide by, and apart from it the texts of the mails and the diffs.

An encoded posting is the number of the format, the length of the compressed head, the head, and the compressed texts.
Both are JSON arrays with the fields of the values in order, so a field with a default can be added at the end of a
class. A hunk is a range of the text of its mail, or its lines if the mail does not contain them as they are. Lone
surrogates are preserved.
"""

import json
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Self

from bot.mail.address import Address
from bot.mail.posting import Complete, Defective, FollowUp, Part, Posting, State, Waiting
from rules.diff.patch import FileChange, Hunk, Patch, Series, Unreadable
from rules.lazy import dataclass, re, replace

_FORMAT: Final = b"\x01"
_LENGTH_BYTES: Final = 4
_START: Final = len(_FORMAT) + _LENGTH_BYTES
_LEVEL: Final = 6
_PIECE_BYTES: Final = 256 * 1024  # of texts that are decompressed at a time
_JSON_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_MAX_MISSES: Final = (
    3  # hunks of a patch that its mail does not contain; so a hostile mail is searched a few times only
)
_STATES: Final[dict[str, type[State]]] = {"complete": Complete, "waiting": Waiting, "defective": Defective}


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_POSTING, _SERIES, _PATCH, _CHANGE, _PART, _FOLLOW_UP = (
    (_names(kind), attrgetter(*_names(kind))) for kind in (Posting, Series, Patch, FileChange, Part, FollowUp)
)


@dataclass(frozen=True, slots=True)
class EncodedPosting:
    """A posting as bytes, and without its texts for decisions, so that no process decodes what it only passes on."""

    posting: Posting
    value: bytes

    @classmethod
    def of(cls, posting: Posting) -> Self:
        return cls(without_texts(posting), encode_posting(posting))


def without_texts(posting: Posting) -> Posting:
    """Return the posting as `decode_posting` returns it without its texts."""
    patches = tuple(
        replace(patch, changes=tuple(replace(change, hunks=()) for change in patch.changes))
        for patch in posting.series.patches
    )
    parts = tuple(replace(part, body="") for part in posting.parts)
    return replace(posting, parts=parts, series=replace(posting.series, patches=patches))


def encode_posting(posting: Posting) -> bytes:
    """Return the posting as bytes: equal for equal postings."""
    head = zlib.compress(_dump(_head(posting)), _LEVEL)
    texts = zlib.compress(_dump(_texts(posting)), _LEVEL)
    return b"".join((_FORMAT, len(head).to_bytes(_LENGTH_BYTES, "big"), head, texts))


def is_encoded_posting(value: bytes) -> bool:
    """Return whether the bytes have the format of this module. An earlier version stored compressed JSON objects."""
    return value.startswith(_FORMAT)


def decode_posting(value: bytes, *, with_texts: bool = True, patches: Collection[int] | None = None) -> Posting:
    """Return the posting. Without its texts, the bodies of its parts are "", and its file changes have no hunks.

    With indices of patches, only these have hunks and bodies: reading them takes most of the time and memory.
    """
    end = _START + int.from_bytes(value[len(_FORMAT) : _START], "big")
    head = json.loads(zlib.decompress(value[_START:end]))
    texts = None
    if with_texts and patches is None:
        texts = json.loads(zlib.decompress(value[end:]))
    elif with_texts and patches is not None:
        parts = head[1 + _POSTING[0].index("parts")]
        texts = _some_texts(value[end:], [part[_PART[0].index("index")] in patches for part in parts])
    return _posting(head, texts, patches)


def _some_texts(compressed: bytes, wanted: Sequence[bool]) -> list[Any]:
    """Return the texts with the wanted bodies; the others are "" and are not decoded: one can have megabytes."""
    inflater, text = zlib.decompressobj(), bytearray()
    while compressed:  # decompressing at once takes four times the memory
        text += inflater.decompress(compressed, _PIECE_BYTES)
        compressed = inflater.unconsumed_tail
    text += inflater.flush()
    bodies, position = [], len("[[")
    for is_wanted in wanted:
        match = _JSON_STRING.match(text, position)
        assert match is not None
        bodies.append(json.loads(match[0]) if is_wanted else "")
        position = match.end() + len(",")  # after the last body it is the bracket
    start = (position if bodies else len("[[]")) + len(",")
    return [bodies, json.loads(text[start : -len("]")])]


def posting_head(value: bytes) -> bytes:
    """Return the head as JSON in ASCII. It contains all addresses of the posting."""
    end = _START + int.from_bytes(value[len(_FORMAT) : _START], "big")
    return zlib.decompress(value[_START:end])


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


class _Addresses:
    """The addresses of a posting, each stored once: its parts have the same recipients."""

    def __init__(self) -> None:
        self._numbers: dict[Address, int] = {}

    def number(self, address: Address) -> int:
        return self._numbers.setdefault(address, len(self._numbers))

    def plain(self) -> list[tuple[str, str]]:
        return [(address.name, address.address) for address in self._numbers]


def _head(posting: Posting) -> list[Any]:
    addresses = _Addresses()
    plain = _plain(posting, _POSTING)
    plain["series"] = _plain_series(posting.series)
    plain["parts"] = [_plain_part(part, addresses) for part in posting.parts]
    plain["author"] = addresses.number(posting.author)
    plain["date"] = _plain_time(posting.date)
    plain["state"] = _plain_state(posting.state)
    plain["follow_ups"] = [_FOLLOW_UP[1](follow_up) for follow_up in posting.follow_ups]
    return [addresses.plain(), *plain.values()]


def _plain(value: object, kind: tuple[tuple[str, ...], Any]) -> dict[str, Any]:
    names, values = kind
    return dict(zip(names, values(value), strict=True))


def _plain_series(series: Series) -> list[Any]:
    plain = _plain(series, _SERIES)
    plain["patches"] = [_plain_patch(patch) for patch in series.patches]
    return list(plain.values())


def _plain_patch(patch: Patch) -> list[Any]:
    plain = _plain(patch, _PATCH)
    plain["changes"] = [_plain_change(change) for change in patch.changes]
    plain["damage"] = None if patch.damage is None else (patch.damage.reason, patch.damage.line)
    return list(plain.values())


def _plain_change(change: FileChange) -> list[Any]:
    plain = _plain(change, _CHANGE)
    plain["hunks"] = None
    return list(plain.values())


def _plain_part(part: Part, addresses: _Addresses) -> list[Any]:
    plain = _plain(part, _PART)
    plain["author"] = addresses.number(part.author)
    plain["to"] = [addresses.number(address) for address in part.to]
    plain["cc"] = [addresses.number(address) for address in part.cc]
    plain["date"] = _plain_time(part.date)
    plain["body"] = None
    return list(plain.values())


def _plain_time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _plain_state(state: State) -> list[Any]:
    kind = next(name for name, kind in _STATES.items() if isinstance(state, kind))
    return [kind, *(getattr(state, name) for name in _names(type(state)))]


def _texts(posting: Posting) -> list[Any]:
    bodies = {part.index: part.body for part in posting.parts}
    changes = [_plain_hunks(patch, bodies.get(patch.index, "")) for patch in posting.series.patches]
    return [[part.body for part in posting.parts], changes]


def _plain_hunks(patch: Patch, body: str) -> list[list[Any]]:
    """Return for each change its hunks: four numbers, the heading, and where or what its lines are."""
    position = misses = 0
    changes = []
    for change in patch.changes:
        hunks = []
        for hunk in change.hunks:
            lines: Any = hunk.text
            start = body.find(hunk.text, position) if misses < _MAX_MISSES else -1
            if start >= 0:
                position = start + len(hunk.text)
                lines = start, position
            else:
                misses += 1
            hunks.append(
                [hunk.before_start, hunk.before_count, hunk.after_start, hunk.after_count, hunk.heading, lines]
            )
        changes.append(hunks)
    return changes


def _posting(head: list[Any], texts: list[Any] | None, shown: Collection[int] | None) -> Posting:
    addresses = [Address(name, address) for name, address in head[0]]
    plain = dict(zip(_POSTING[0], head[1:], strict=False))
    bodies, changes = ([], []) if texts is None else texts
    parts = tuple(_part(part, addresses, body) for part, body in _with(plain["parts"], bodies, ""))
    by_index = {part.index: part.body for part in parts}
    plain["series"] = _series(plain["series"], changes, by_index, shown)
    plain["parts"] = parts
    plain["lists"] = tuple(plain["lists"])
    plain["author"] = addresses[plain["author"]]
    plain["date"] = _time(plain["date"])
    plain["state"] = _state(*plain["state"])
    plain["follow_ups"] = tuple(FollowUp(*follow_up) for follow_up in plain["follow_ups"])
    return Posting(**plain)


def _state(kind: str, *values: Any) -> State:
    fields_of_state: Any = (tuple(value) if isinstance(value, list) else value for value in values)
    return _STATES[kind](*fields_of_state)


def _with(items: Sequence[Any], others: Sequence[Any], default: Any) -> Iterable[tuple[Any, Any]]:
    return zip(items, others or [default] * len(items), strict=True)


def _series(values: list[Any], changes: Sequence[Any], bodies: dict[int, str], shown: Collection[int] | None) -> Series:
    plain = dict(zip(_SERIES[0], values, strict=False))
    plain["patches"] = tuple(
        _patch(patch, hunks, bodies, shown) for patch, hunks in _with(plain["patches"], changes, None)
    )
    for name in ("prefixes", "prerequisites", "recipients"):
        plain[name] = tuple(plain[name])
    return Series(**plain)


def _patch(
    values: list[Any], hunks: Sequence[Any] | None, bodies: dict[int, str], shown: Collection[int] | None
) -> Patch:
    plain = dict(zip(_PATCH[0], values, strict=False))
    body = bodies.get(plain["index"], "")
    if shown is not None and plain["index"] not in shown:
        hunks = None
    plain["changes"] = tuple(_change(change, kept, body) for change, kept in _with(plain["changes"], hunks or (), ()))
    plain["trailers"] = tuple(plain["trailers"])
    plain["damage"] = None if plain["damage"] is None else Unreadable(*plain["damage"])
    return Patch(**plain)


def _change(values: list[Any], hunks: Sequence[Any], body: str) -> FileChange:
    plain = dict(zip(_CHANGE[0], values, strict=False))
    plain["hunks"] = tuple(_hunk(hunk, body) for hunk in hunks)
    return FileChange(**plain)


def _hunk(values: list[Any], body: str) -> Hunk:
    before, before_count, after, after_count, heading, lines = values
    text = lines if isinstance(lines, str) else body[lines[0] : lines[1]]
    return Hunk(before, before_count, after, after_count, heading, text)


def _part(values: list[Any], addresses: Sequence[Address], body: str) -> Part:
    plain = dict(zip(_PART[0], values, strict=False))
    plain["author"] = addresses[plain["author"]]
    plain["to"] = tuple(addresses[number] for number in plain["to"])
    plain["cc"] = tuple(addresses[number] for number in plain["cc"])
    plain["date"] = _time(plain["date"])
    plain["references"] = tuple(plain["references"])
    plain["carriers"] = tuple(plain["carriers"])
    plain["body"] = body
    return Part(**plain)


def _time(time: str | None) -> datetime | None:
    return None if time is None else datetime.fromisoformat(time)
