# SPDX-License-Identifier: GPL-2.0-or-later
"""Encode postings as bytes: a head with the values that jobs need for decisions, then the texts of mails and diffs.

An encoded posting is the number of the format, the length of the compressed head, the head, and the compressed texts.
The head is a JSON array with the fields of the values in order, so a field with a default can be added at the end of a
class. The first line of the texts says where each text is, the second has the hunks. A text is a range of the bytes of
its raw mail, which the store has anyway and which may be encoded, or of the bytes after these lines if the mail does
not have it. A hunk is a range of the text of its mail, or its lines. Lone surrogates are preserved.
"""

import json
from binascii import a2b_base64, a2b_qp
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import accumulate
from operator import attrgetter
from typing import Any, Final, NamedTuple, Self

from bot.mail.address import Address
from bot.mail.packed import decompress
from bot.mail.posting import Complete, Defective, FollowUp, Part, Posting, State, Waiting
from rules.diff.patch import FileChange, Hunk, Patch, Series, Unreadable
from rules.lazy import dataclass, replace

_FORMAT: Final = b"\x02"
_EARLIER_FORMAT: Final = b"\x01"  # both arrays are compressed by zlib, and the texts are strings in the second one
_LENGTH_BYTES: Final = 4
_START: Final = len(_FORMAT) + _LENGTH_BYTES
_LEVEL: Final = 6
_MAX_MISSES: Final = (
    3  # hunks of a patch that its mail does not contain; so a hostile mail is searched a few times only
)
_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "quoted-printable": lambda encoded: a2b_qp(encoded).replace(b"\r\n", b"\n"),
    "base64": lambda encoded: _base64(encoded).replace(b"\r\n", b"\n"),
}
_IsShown = Callable[[int], bool]  # whether the patch with this index gets its hunks
_STATES: Final[dict[str, type[State]]] = {"complete": Complete, "waiting": Waiting, "defective": Defective}


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


_POSTING, _SERIES, _PATCH, _CHANGE, _PART, _FOLLOW_UP = (
    (_names(kind), attrgetter(*_names(kind))) for kind in (Posting, Series, Patch, FileChange, Part, FollowUp)
)


ReadMails = Callable[[Collection[int]], Mapping[int, bytes]]
"""A function that returns the raw mails of these rows of the store. A mail whose bytes were removed may be missing."""


def no_mails(rows: Collection[int]) -> Mapping[int, bytes]:
    """Read the mails of a posting whose bytes contain all its texts: there are none."""
    raise LookupError(f"the texts of the posting are in {len(rows)} mails, which are not given")


class PostingBytes(NamedTuple):
    """A posting with its texts as bytes, for another process: the encoded posting, and the mails that it refers to."""

    value: bytes
    mails: ReadMails = no_mails

    def decode(self) -> Posting:
        """Return the posting with its texts."""
        return decode_posting(self.value, self.mails)


@dataclass(frozen=True, slots=True)
class EncodedPosting:
    """A posting as bytes, and without its texts for decisions, so that no process decodes what it only passes on."""

    posting: Posting
    value: bytes

    @classmethod
    def of(cls, posting: Posting, mails: Mapping[str, tuple[int, bytes]] | None = None) -> Self:
        return cls(without_texts(posting), encode_posting(posting, mails))


def without_texts(posting: Posting) -> Posting:
    """Return the posting as `decode_posting` returns it without its texts."""
    patches = tuple(map(without_hunks, posting.series.patches))
    parts = tuple(replace(part, body="") for part in posting.parts)
    return replace(posting, parts=parts, series=replace(posting.series, patches=patches))


def without_hunks(patch: Patch) -> Patch:
    """Return the patch with the names of its files, without their diffs."""
    return replace(patch, changes=tuple(replace(change, hunks=()) for change in patch.changes))


def encode_posting(posting: Posting, mails: Mapping[str, tuple[int, bytes]] | None = None) -> bytes:
    """Return the posting as bytes: equal for equal postings from the same mails.

    `mails` are the rows of the store and the bytes of raw mails, by message-id. The posting refers to them for its
    texts. Without them its bytes contain all texts.
    """
    from zstandard import ZstdCompressor

    compress = ZstdCompressor(level=_LEVEL).compress
    head = compress(_dump(_head(posting)))
    return b"".join((_FORMAT, len(head).to_bytes(_LENGTH_BYTES, "big"), head, compress(_texts(posting, mails or {}))))


def is_encoded_posting(value: bytes) -> bool:
    """Return whether the bytes have a format of this module. An earlier version stored compressed JSON objects."""
    return value.startswith((_FORMAT, _EARLIER_FORMAT))


def decode_posting(
    value: bytes, mails: ReadMails = no_mails, *, with_texts: bool = True, patches: Collection[int] | None = None
) -> Posting:
    """Return the posting. Without its texts, the bodies of its parts are "", and its file changes have no hunks.

    With indices of patches, only these have hunks and bodies: reading them takes most of the time and memory. A part
    whose mail was removed has none.
    """
    if not with_texts:
        return decode_head(posting_head(value))
    head = json.loads(posting_head(value))
    ranges, hunks, rest = _ranges(value)
    lost: set[int] = set()

    def is_shown(index: int) -> bool:
        return index not in lost and (patches is None or index in patches)

    indices = [part[_PART[0].index("index")] for part in head[1 + _POSTING[0].index("parts")]]
    rows = {row for index, (row, *_) in zip(indices, ranges, strict=True) if row and is_shown(index)}
    raw = {0: rest, **(mails(rows) if rows else {})}
    bodies = []
    for index, (row, start, end, *encoding) in zip(indices, ranges, strict=True):
        text = raw.get(row, b"")[start:end] if is_shown(index) else b""
        if len(text) < end - start:
            lost.add(index)
        elif text and encoding:
            text = _DECODERS[encoding[0]](text)
        bodies.append("" if index in lost else text.decode("utf-8", "surrogatepass"))
    return _posting(head, [bodies, json.loads(hunks)], is_shown)


def decode_head(head: bytes) -> Posting:
    """Return the posting without its texts. `head` is what `posting_head` returns."""
    return _posting(json.loads(head), None, lambda _: True)


def posting_head(value: bytes) -> bytes:
    """Return the head as JSON in ASCII. It contains all addresses of the posting."""
    return _decompressed(value, slice(_START, _head_end(value)))


def mail_rows(value: bytes) -> frozenset[int]:
    """Return the rows of the mails that contain texts of a stored posting, in whatever format it is."""
    return frozenset(row for row, *_ in _ranges(value)[0] if row) if value.startswith(_FORMAT) else frozenset()


def _ranges(value: bytes) -> tuple[list[Any], bytes, bytes]:
    """Return the row of its mail and the range of each text, the hunks, and the texts that are in no mail, row 0.

    A range in an encoded mail has the name of the encoding.
    """
    texts = _decompressed(value, slice(_head_end(value), None))
    if value.startswith(_FORMAT):
        line, hunks, rest = texts.split(b"\n", 2)
        return json.loads(line), hunks, rest
    bodies, changes = json.loads(texts)
    pieces = [body.encode("utf-8", "surrogatepass") for body in bodies]
    ends = accumulate(map(len, pieces))
    ranges = [(0, end - len(piece), end) for piece, end in zip(pieces, ends, strict=True)]
    return ranges, _dump(changes), b"".join(pieces)


def _head_end(value: bytes) -> int:
    return _START + int.from_bytes(value[len(_FORMAT) : _START], "big")


def _decompressed(value: bytes, where: slice) -> bytes:
    if value.startswith(_FORMAT):
        return decompress(value[where])
    import zlib

    return zlib.decompress(value[where])


def _base64(encoded: bytes) -> bytes:
    try:
        return a2b_base64(encoded)
    except ValueError:
        return b""


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


def _texts(posting: Posting, mails: Mapping[str, tuple[int, bytes]]) -> bytes:
    """Return a line that says where the texts of the parts are, a line with the hunks, and the texts in no mail."""
    ranges: list[tuple[Any, ...]] = []
    rest = bytearray()
    for part in posting.parts:
        text = part.body.encode("utf-8", "surrogatepass")
        row, raw = mails.get(part.message_id, (0, b""))
        if found := _range_of(text, raw):
            ranges.append((row, *found))
        else:
            ranges.append((0, len(rest), len(rest) + len(text)))
            rest += text
    bodies = {part.index: part.body for part in posting.parts}
    changes = [_plain_hunks(patch, bodies.get(patch.index, "")) for patch in posting.series.patches]
    return b"\n".join((_dump(ranges), _dump(changes), rest))


def _range_of(text: bytes, raw: bytes) -> tuple[Any, ...] | None:
    """Return the range of the mail's bytes that is the text, and its encoding if it is encoded; None if none is."""
    start = raw.find(text) if text else -1
    if start >= 0:
        return start, start + len(text)
    header, blank, body = raw.partition(b"\n\n")
    for encoding, decode in _DECODERS.items():
        if text and encoding.encode("ascii") in header and decode(body) == text:
            return len(header) + len(blank), len(raw), encoding
    return None


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


def _posting(head: list[Any], texts: list[Any] | None, is_shown: _IsShown) -> Posting:
    addresses = [Address(name, address) for name, address in head[0]]
    plain = dict(zip(_POSTING[0], head[1:], strict=False))
    bodies, changes = ([], []) if texts is None else texts
    people: dict[tuple[int, ...], tuple[Address, ...]] = {}
    parts = tuple(_part(part, addresses, people, body) for part, body in _with(plain["parts"], bodies, ""))
    by_index = {part.index: part.body for part in parts}
    plain["series"] = _series(plain["series"], changes, by_index, is_shown)
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


def _series(values: list[Any], changes: Sequence[Any], bodies: dict[int, str], is_shown: _IsShown) -> Series:
    plain = dict(zip(_SERIES[0], values, strict=False))
    plain["patches"] = tuple(
        _patch(patch, hunks, bodies, is_shown) for patch, hunks in _with(plain["patches"], changes, None)
    )
    for name in ("prefixes", "prerequisites", "recipients"):
        plain[name] = tuple(plain[name])
    return Series(**plain)


def _patch(values: list[Any], hunks: Sequence[Any] | None, bodies: dict[int, str], is_shown: _IsShown) -> Patch:
    plain = dict(zip(_PATCH[0], values, strict=False))
    body = bodies.get(plain["index"], "")
    if not is_shown(plain["index"]):
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


def _part(
    values: list[Any], addresses: Sequence[Address], people: dict[tuple[int, ...], tuple[Address, ...]], body: str
) -> Part:
    plain = dict(zip(_PART[0], values, strict=False))
    plain["author"] = addresses[plain["author"]]
    for name in ("to", "cc"):  # most parts have the same recipients
        numbers = tuple(plain[name])
        if numbers not in people:
            people[numbers] = tuple(addresses[number] for number in numbers)
        plain[name] = people[numbers]
    plain["date"] = _time(plain["date"])
    plain["references"] = tuple(plain["references"])
    plain["carriers"] = tuple(plain["carriers"])
    plain["body"] = body
    return Part(**plain)


def _time(time: str | None) -> datetime | None:
    return None if time is None else datetime.fromisoformat(time)
