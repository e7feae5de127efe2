# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that another process unpacks and packs."""

import pickle
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from bot.store.blocks import pack_bytes
from bot.store.error import StoreError
from bot.store.images import PackedImages
from bot.store.repository import Repository
from rules.diff.tree import blob_id
from tests.fakes.stored import opened

NOW = datetime(2026, 3, 3, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
CONTENTS = (b"fn a() {}\n" * 9, b"", bytes(9), b"\xff" * 9)
MEGABYTE = 1 << 20


def named(*contents: bytes) -> dict[str, bytes]:
    return {blob_id(content): content for content in contents}


def packed(store: Repository, blobs: Mapping[str, bytes], also: Iterable[str] = ()) -> PackedImages:
    """Pack the blobs as a worker does, which gets what is stored and returns the result by pickles."""
    stored = pickle.loads(pickle.dumps(store.blobs([], MEGABYTE, also)))
    returned = pickle.loads(pickle.dumps(stored.pack(blobs)))
    assert isinstance(returned, PackedImages)
    return returned


def test_packed_images_are_stored_and_found_again(store: Repository) -> None:
    blobs = named(*CONTENTS)
    store.save_blobs(packed(store, blobs), NOW)

    found = pickle.loads(pickle.dumps(store.blobs(blobs, MEGABYTE)))

    assert found == blobs
    assert found.get("0" * 40) is None


def test_images_that_are_stored_are_named_and_stay(store: Repository) -> None:
    first, second = named(*CONTENTS[:2]), named(*CONTENTS[1:])
    store.save_blobs(first, NOW)
    images = packed(store, second, [name[:12] for name in second])
    store.save_blobs(images, LATER)

    assert images.stored == [blob_id(b"")]
    assert images.new == list(named(*CONTENTS[2:]))
    assert store.prune_images(LATER, None, dry=False).pruned.images == 1
    assert store.blobs([*first, *second], MEGABYTE) == second


def test_images_that_another_series_stored_meanwhile_are_not_stored_twice(store: Repository, tmp_path: Path) -> None:
    blobs = named(*CONTENTS)
    images = packed(store, blobs, blobs)
    store.save_blobs(named(CONTENTS[0]), NOW)
    store.save_blobs(images, NOW)
    store.save_blobs(images, NOW)

    assert store.blobs(blobs, MEGABYTE) == blobs
    with opened(tmp_path / "patchwarden.db") as database:
        assert database.execute("SELECT count(*), sum(length) FROM blob").fetchone() == (4, sum(map(len, CONTENTS)))
        assert database.execute("SELECT count(*) FROM block").fetchone() == (2,)


def test_the_blocks_of_the_images_count_as_what_is_given(store: Repository) -> None:
    noise = Random(1).randbytes(100_000)
    large, small = named(noise, b"small"), named(b"other")
    store.save_blobs(large, NOW)
    store.save_blobs(small, NOW)
    ids = [blob_id(b"small"), blob_id(b"other")]

    assert list(store.blobs(ids, 99_000)) == []
    assert list(store.blobs(ids, 101_000)) == ids


@pytest.mark.sqlite
@pytest.mark.parametrize("images", [{}, PackedImages((), (), pack_bytes([]))])
def test_no_images_are_saved_without_the_write_lock(
    store: Repository, images: Mapping[str, bytes] | PackedImages
) -> None:
    with store._database.changing():
        saving = Thread(target=store.save_blobs, args=(images, NOW))
        saving.start()
        saving.join(10)
        assert not saving.is_alive()


def test_a_damaged_block_of_images_is_named_as_the_cause(store: Repository) -> None:
    blobs = named(*CONTENTS)
    store.save_blobs(blobs, NOW)
    with store._database.changing() as connection:
        connection.execute("UPDATE block SET content = ?", (b"no block",))

    with pytest.raises(StoreError, match="a block of the database is damaged"):
        store.blobs(blobs, MEGABYTE).get(blob_id(CONTENTS[0]))
