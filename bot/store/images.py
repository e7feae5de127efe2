# SPDX-License-Identifier: GPL-2.0-or-later
"""Verified images of files, by their blob ids. Processes without the database unpack and pack them.

This module is light: workers load it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from bot.store.blocks import Extent, PackedBytes, bytes_in, pack_bytes, read_block, store_packed
from bot.store.dialect import LISTED, Plain
from bot.store.times import text_of

_MIN_ID_LENGTH: Final = 7
_HEX: Final = frozenset("0123456789abcdef")
# Unlike LIKE, a range uses the index of the primary key.
_MATCHING: Final = """
SELECT wanted.value, blob_id, block, start, length FROM json_each(?) AS wanted CROSS JOIN blob
WHERE blob_id >= wanted.value AND blob_id < wanted.value || 'g'"""
_KNOWN: Final = f"SELECT blob_id FROM blob WHERE blob_id IN {LISTED}"  # noqa: S608 constants
_USED: Final = f"UPDATE blob SET used = ? WHERE blob_id IN {LISTED}"  # noqa: S608 constants
_INSERT: Final = "INSERT INTO blob (blob_id, block, start, length, used) VALUES (?, ?, ?, ?, ?)"


class PackedImages(NamedTuple):
    """Images that a process verified: the ids of those that were stored, and the others, packed, with their ids."""

    stored: Sequence[str]
    new: Sequence[str]
    packed: PackedBytes

    def __bool__(self) -> bool:
        return bool(self.stored or self.new)


class StoredImages(Mapping[str, bytes]):
    """bot.ports.postings.StoredBlobs: images in the blocks that contain them, and the full ids of all that exist."""

    def __init__(self, extents: Mapping[str, Extent], blocks: Mapping[int, bytes], found: frozenset[str]) -> None:
        self._extents = extents
        self._blocks = blocks
        self._found = found

    def __getitem__(self, blob_id: str) -> bytes:
        extent = self._extents[blob_id]
        return bytes_in(self._blocks.get(extent.block), extent)

    def __iter__(self) -> Iterator[str]:
        return iter(self._extents)

    def __len__(self) -> int:
        return len(self._extents)

    def pack(self, blobs: Mapping[str, bytes]) -> PackedImages:
        new = [blob_id for blob_id in blobs if blob_id not in self._found]
        # The images of a series resemble each other, so they have a block of their own.
        packed = pack_bytes([blobs[blob_id] for blob_id in new])
        return PackedImages([blob_id for blob_id in blobs if blob_id in self._found], new, packed)


def find_images(connection: Plain, ids: Iterable[str], max_bytes: int, also: Iterable[str]) -> StoredImages:
    """Return the images with these ids, as bot.ports.Postings.blobs does."""
    wanted = [blob_id for blob_id in ids if _is_id(blob_id)]
    named = list(dict.fromkeys([*wanted, *filter(_is_id, also)]))
    matches: dict[str, list[tuple[str, Extent]]] = defaultdict(list)
    for blob_id, full_id, *extent in connection.execute(_MATCHING, (json.dumps(named),)) if named else ():
        matches[blob_id].append((full_id, Extent(*extent)))
    extents: dict[str, Extent] = {}
    blocks: dict[int, bytes | None] = {}
    content_size = block_size = 0
    for blob_id in wanted:
        if len(matches[blob_id]) != 1:
            continue
        extent = matches[blob_id][0][1]
        if extent.block not in blocks:
            blocks[extent.block] = block = read_block(connection, extent.block)
            block_size += len(block or b"")
        content_size += extent.length
        if max(content_size, block_size) > max_bytes:
            break
        extents[blob_id] = extent
    sent = {number: block for number in {extent.block for extent in extents.values()} if (block := blocks[number])}
    return StoredImages(extents, sent, frozenset(full_id for images in matches.values() for full_id, _ in images))


def save_images(connection: Plain, images: Mapping[str, bytes] | PackedImages, now: datetime) -> None:
    """Store verified images by their full ids. Those that are stored already only get the time of use."""
    if not images:
        return
    ids = [*images.stored, *images.new] if isinstance(images, PackedImages) else list(images)
    used = text_of(now)
    known = {blob_id for (blob_id,) in connection.execute(_KNOWN, (json.dumps(ids),))}
    if known:
        connection.execute(_USED, (used, json.dumps(sorted(known))))
    new, packed = _without(known, images)
    rows = [(blob_id, *extent, used) for blob_id, extent in zip(new, store_packed(connection, packed), strict=True)]
    connection.executemany(_INSERT, rows)


def _without(known: set[str], images: Mapping[str, bytes] | PackedImages) -> tuple[Sequence[str], PackedBytes]:
    """Return the ids of the images that are not known, and these images packed."""
    if isinstance(images, PackedImages):
        if known.isdisjoint(images.new):
            return images.new, images.packed
        # Another series stored some of them meanwhile, or no patch announced their ids.
        is_any_new = not known.issuperset(images.new)
        images = dict(zip(images.new, images.packed.unpacked(), strict=True)) if is_any_new else {}
    new = [blob_id for blob_id in images if blob_id not in known]
    return new, pack_bytes([images[blob_id] for blob_id in new])


def _is_id(blob_id: str) -> bool:
    return len(blob_id) >= _MIN_ID_LENGTH and set(blob_id) <= _HEX
