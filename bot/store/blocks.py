# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of mails and images, compressed together in blocks, because mails of the same lists resemble each other.

A mail has the number of its block and the range of its bytes in it. Mails are added to the newest block until it is
full, so a mail that arrives alone takes as little space as a mail of a batch. Bytes that are removed become zeros, so
that the ranges of the other mails stay valid; a block of zeros alone is deleted.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from bot.mail.packed import decompress
from bot.store.dialect import Plain, plain
from bot.store.error import StoreError
from rules.lazy import dataclass

if TYPE_CHECKING:
    import sqlalchemy

_MAX_BYTES: Final = 1024 * 1024  # of an uncompressed block; a larger mail has a block of its own
_LEVEL: Final = 6  # level 3 takes half of the time and 8 % more space, level 9 twice the time and 2 % less space
_MAX_CACHED: Final = 8  # blocks of one reader
_MAX_KEPT: Final = 2  # blocks that a process keeps: two of its postings in a row often share one
_READ: Final = "SELECT content FROM block WHERE id = ?"
_MAILS: Final = (
    "SELECT id, block, start, length FROM mail WHERE id IN (SELECT CAST(value AS INTEGER) FROM json_each(?)) "
    "ORDER BY block"
)


class Extent(NamedTuple):
    """Where bytes are stored: the number of a block, and the range in it. Empty bytes have no block."""

    block: int
    start: int
    length: int


NOWHERE: Final = Extent(0, 0, 0)

EMPTY: Final = hashlib.sha256().hexdigest()
"""The hash of an empty mail. It has no extent, like a mail whose bytes are not stored."""


class BlockReader:
    """Reads bytes from blocks in a transaction that changes none. It keeps the last blocks, as mails are neighbours."""

    def __init__(self, connection: Plain) -> None:
        self._connection = connection
        self._blocks: dict[int, bytes] = {}

    def bytes_at(self, block: int, start: int, length: int) -> bytes:
        """Return the bytes of an extent."""
        if not length:
            return b""
        content = self._blocks.pop(block, None)
        if content is None:
            content = _unpacked(self._connection, block)
            if len(self._blocks) >= _MAX_CACHED:
                del self._blocks[next(iter(self._blocks))]
        self._blocks[block] = content
        return _cut(content, start, length)

    def mails(self, rows: Collection[int]) -> Mapping[int, bytes]:
        """Return the raw mails of these rows."""
        found = self._connection.execute(_MAILS, (json.dumps(sorted(rows)),)).fetchall()
        return {row: self.bytes_at(*extent) for row, *extent in found}


@dataclass(frozen=True, slots=True)
class PackedMails:
    """Mails in the blocks that contain them, for a process without the database. Returns those of the given rows."""

    blocks: Mapping[int, bytes]
    extents: Mapping[int, Extent]

    @classmethod
    def of(cls, connection: Plain, rows: Collection[int]) -> Self:
        found = connection.execute(_MAILS, (json.dumps(sorted(rows)),)).fetchall() if rows else ()
        extents = {row: Extent(*extent) for row, *extent in found}
        numbers = dict.fromkeys(extent.block for extent in extents.values())
        stored = ((number, read_block(connection, number)) for number in numbers)
        return cls({number: block for number, block in stored if block is not None}, extents)

    def only(self, rows: Collection[int]) -> "PackedMails":
        """Return those of these rows."""
        extents = {row: self.extents[row] for row in rows if row in self.extents}
        numbers = {extent.block for extent in extents.values()}
        return PackedMails({number: self.blocks[number] for number in numbers & self.blocks.keys()}, extents)

    def __call__(self, rows: Collection[int]) -> Mapping[int, bytes]:
        found = sorted((self.extents[row], row) for row in rows if row in self.extents)
        return {
            row: bytes_in(self.blocks[extent.block], extent) for extent, row in found if extent.block in self.blocks
        }


class PackedBytes(NamedTuple):
    """Several bytes, packed before it is known which numbers their blocks get: how many, and blocks with their parts.

    Empty bytes are in no block. This module is light: processes without a database load it.
    """

    number: int
    blocks: Sequence[tuple[bytes, "_Parts"]]

    def unpacked(self) -> list[bytes]:
        """Return the bytes. Raises StoreError if a block is damaged."""
        contents = [b""] * self.number
        for block, parts in self.blocks:
            content = unpack_block(block)
            for index, start, length in parts:
                contents[index] = content[start : start + length]
        return contents


class PackedBatch(NamedTuple):
    """The mails of a batch, packed, and the hashes by which they are known, in their order."""

    hashes: Sequence[str]
    packed: PackedBytes


_Parts = Sequence[tuple[int, int, int]]
"""Which bytes are in a block: the index of each, and its range."""


def pack_bytes(contents: Sequence[bytes]) -> PackedBytes:
    """Pack bytes as `store_bytes` does, in a process that has no database. They get blocks of their own."""
    blocks = [(pack_block(bytes(content)), parts) for content, parts in _filled(contents) if parts]
    return PackedBytes(len(contents), blocks)


def pack_batch(mails: Sequence[bytes]) -> PackedBatch:
    """Pack raw mails."""
    return PackedBatch([hash_bytes(mail) for mail in mails], pack_bytes(mails))


def hash_bytes(content: bytes) -> str:
    """Return the hash by which a mail is known."""
    return hashlib.sha256(content).hexdigest()


def store_packed(connection: Plain, packed: PackedBytes) -> list[Extent]:
    """Store packed bytes, and return where."""
    extents = [NOWHERE] * packed.number
    for content, parts in packed.blocks:
        number = _insert(connection, content)
        for index, start, length in parts:
            extents[index] = Extent(number, start, length)
    return extents


def store_bytes(connection: Plain, contents: Iterable[bytes], newest: int = 0) -> list[Extent]:
    """Store the bytes, and return where. `newest` is the block that is filled up first, if there is one."""
    contents = list(contents)
    extents = [NOWHERE] * len(contents)
    first = _unpacked(connection, newest)  # none if all of it was removed
    number = newest if first else 0
    for content, parts in _filled(contents, first):
        if parts and number:
            _write(connection, number, content)
        elif parts:
            number = _insert(connection, pack_block(bytes(content)))
        for index, start, length in parts:
            extents[index] = Extent(number, start, length)
        number = 0
    return extents


def _filled(contents: Sequence[bytes], first: bytes = b"") -> Iterator[tuple[bytearray, _Parts]]:
    """Yield the blocks of these bytes. The first one begins with `first`. Empty bytes are in no block."""
    filled, parts = bytearray(first), list[tuple[int, int, int]]()
    for index, content in enumerate(contents):
        if not content:
            continue
        if filled and len(filled) + len(content) > _MAX_BYTES:
            yield filled, parts
            filled, parts = bytearray(), []
        parts.append((index, len(filled), len(content)))
        filled += content
    yield filled, parts


def _insert(connection: Plain, packed: bytes) -> int:
    row = connection.execute("INSERT INTO block (content) VALUES (?) RETURNING id", (packed,))
    return int(row.fetchone()[0])


def erase_bytes(connection: Plain, extents: Sequence[Extent]) -> None:
    """Overwrite the bytes of these extents."""
    by_block: dict[int, list[Extent]] = {}
    for extent in extents:
        if extent.length:
            by_block.setdefault(extent.block, []).append(extent)
    for block, erased in by_block.items():
        content = bytearray(_unpacked(connection, block))
        for _, start, length in erased:
            content[start : start + length] = bytes(length)
        if any(content):
            _write(connection, block, content)
        else:
            connection.execute("DELETE FROM block WHERE id = ?", (block,))


def pack_block(content: bytes) -> bytes:
    """Return a block as it is stored. Raises MemoryError."""
    import zstandard

    try:
        return zstandard.ZstdCompressor(level=_LEVEL).compress(content)
    except zstandard.ZstdError as error:  # compressing fails for no other reason
        raise MemoryError(str(error)) from error


def unpack_block(stored: bytes) -> bytes:
    """Return the bytes of a stored block. Raises StoreError if it is damaged."""
    import zstandard

    try:
        return decompress(stored)
    except zstandard.ZstdError as error:
        raise StoreError(f"a block of the database is damaged: {error}; restore a backup") from error


def read_block(connection: Plain, block: int) -> bytes | None:
    """Return a block as it is stored, None if there is none with that number."""
    row = connection.execute(_READ, (block,)).fetchone()
    return None if row is None else row[0]


def bytes_in(stored: bytes | None, extent: Extent) -> bytes:
    """Return the bytes of an extent of a stored block. Raises StoreError if it is damaged."""
    return _cut(b"" if stored is None else _unpacked_once(stored), extent.start, extent.length)


@lru_cache(maxsize=_MAX_KEPT)  # Mails and images of a block are read one after the other, also by neighbours.
def _unpacked_once(stored: bytes) -> bytes:
    return unpack_block(stored)


def driver(connection: "sqlalchemy.Connection") -> Plain:
    """Return a connection for plain statements, which has the same transaction."""
    return plain(connection.connection.driver_connection)


def _cut(content: bytes, start: int, length: int) -> bytes:
    """Return bytes of an unpacked block, zeros after its end: bytes that are all zero have no block any more."""
    return content[start : start + length].ljust(length, b"\0")


def _unpacked(connection: Plain, block: int) -> bytes:
    stored = read_block(connection, block)
    return b"" if stored is None else unpack_block(stored)


def _write(connection: Plain, block: int, content: bytearray) -> None:
    connection.execute("UPDATE block SET content = ? WHERE id = ?", (pack_block(bytes(content)), block))
