# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of mails and images, compressed together in blocks, because mails of the same lists resemble each other.

A mail has the number of its block and the range of its bytes in it. Mails are added to the newest block until it is
full, so a mail that arrives alone takes as little space as one of many. Bytes that are removed become zeros, so that
the ranges of the other mails stay valid; a block of zeros alone is deleted.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from bot.store.dialect import Plain, plain

if TYPE_CHECKING:
    import sqlalchemy

_MAX_BYTES: Final = 1024 * 1024  # of an uncompressed block; a larger mail has a block of its own
_LEVEL: Final = 6  # level 3 takes half of the time and 8 % more space, level 9 twice the time and 2 % less space
_MAX_CACHED: Final = 8  # blocks of one reader
_READ: Final = "SELECT content FROM block WHERE id = ?"


class Extent(NamedTuple):
    """Where bytes are stored: the number of a block, and the range in it. Empty bytes have no block."""

    block: int
    start: int
    length: int


NOWHERE: Final = Extent(0, 0, 0)


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
        # Bytes that are all zero have no block any more.
        return content[start : start + length].ljust(length, b"\0")


def store_bytes(connection: Plain, contents: Iterable[bytes], newest: int = 0) -> list[Extent]:
    """Store the bytes, and return where. `newest` is the block that is filled up first, 0 for a new block."""
    block, filled = newest, bytearray(_unpacked(connection, newest) if newest else b"")
    extents: list[Extent] = []
    added: list[int] = []  # which of the extents are in the block that is being filled
    for content in contents:
        if filled and len(filled) + len(content) > _MAX_BYTES and content:
            _put(connection, block, filled, extents, added)
            block, filled, added = 0, bytearray(), []
        if content:
            added.append(len(extents))
        extents.append(Extent(block, len(filled), len(content)) if content else NOWHERE)
        filled += content
    _put(connection, block, filled, extents, added)
    return extents


def _put(connection: Plain, block: int, content: bytearray, extents: list[Extent], added: Sequence[int]) -> None:
    """Write a block to which these extents were added. Block 0 is a new one, whose number they get."""
    if not added:
        return
    if block:
        _write(connection, block, content)
        return
    row = connection.execute("INSERT INTO block (content) VALUES (?) RETURNING id", (pack_block(bytes(content)),))
    number = int(row.fetchone()[0])
    for index in added:
        extents[index] = extents[index]._replace(block=number)


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
    """Return a block as it is stored."""
    import zstandard

    return zstandard.ZstdCompressor(level=_LEVEL).compress(content)


def unpack_block(stored: bytes) -> bytes:
    """Return the bytes of a stored block."""
    import zstandard

    return zstandard.ZstdDecompressor().decompress(stored)


def driver(connection: "sqlalchemy.Connection") -> Plain:
    """Return a connection for plain statements, which has the same transaction."""
    return plain(connection.connection.driver_connection)


def _unpacked(connection: Plain, block: int) -> bytes:
    row = connection.execute(_READ, (block,)).fetchone()
    return b"" if row is None else unpack_block(row[0])


def _write(connection: Plain, block: int, content: bytearray) -> None:
    connection.execute("UPDATE block SET content = ? WHERE id = ?", (pack_block(bytes(content)), block))
