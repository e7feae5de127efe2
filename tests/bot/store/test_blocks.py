# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails are compressed together, and each can be read and removed alone."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from bot.ports.raw_mail import Batch, DeletedMail
from bot.store.blocks import (
    NOWHERE,
    BlockReader,
    Extent,
    bytes_in,
    driver,
    erase_bytes,
    pack_block,
    pack_bytes,
    store_bytes,
    store_packed,
    unpack_block,
)
from bot.store.database import Database
from bot.store.dialect import Plain
from bot.store.repository import Repository
from tests.fakes.mails import mail, raw
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened, stored_mails

MEGABYTE = 1024 * 1024
NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Plain]:
    with Database(tmp_path / "d.db") as database, database.writing() as session:
        yield driver(session.connection())


def blocks(connection: Plain) -> dict[int, bytes]:
    rows = connection.execute("SELECT id, content FROM block")
    return {number: unpack_block(content) for number, content in rows}


def test_bytes_fill_the_newest_block_and_are_read_again(connection: Plain) -> None:
    first = store_bytes(connection, [b"one", b"", b"two"])
    second = store_bytes(connection, [b"three"], first[-1].block)

    assert [*first, *second] == [Extent(1, 0, 3), NOWHERE, Extent(1, 3, 3), Extent(1, 6, 5)]
    assert blocks(connection) == {1: b"onetwothree"}
    reader = BlockReader(connection)
    assert [reader.bytes_at(*extent) for extent in (*first, *second)] == [b"one", b"", b"two", b"three"]


def test_a_full_block_is_followed_by_a_new_one_and_large_bytes_have_their_own(connection: Plain) -> None:
    sizes = [MEGABYTE - 1, 1, 1, 3 * MEGABYTE, 1]
    extents = store_bytes(connection, [bytes([65 + at]) * size for at, size in enumerate(sizes)])

    assert [extent.block for extent in extents] == [1, 1, 2, 3, 4]
    reader = BlockReader(connection)
    assert [len(reader.bytes_at(*extent)) for extent in extents] == sizes


def test_bytes_that_another_process_packed_are_stored_like_others(connection: Plain) -> None:
    contents = [b"", b"a" * (MEGABYTE - 1), b"b", b"c", b"", b"d" * MEGABYTE, b"e", b""]
    packed = pack_bytes(contents)
    (first,) = store_bytes(connection, [b"first"])
    extents = store_packed(connection, packed)

    assert [extent.block for extent in extents] == [0, 2, 2, 3, 0, 4, 5, 0]
    reader = BlockReader(connection)
    assert [reader.bytes_at(*extent) for extent in (first, *extents)] == [b"first", *contents]
    assert packed.unpacked() == contents


def test_a_reader_of_many_blocks_reads_each_again_when_it_is_needed(connection: Plain) -> None:
    extents = [extent for at in range(20) for extent in store_bytes(connection, [b"%d" % at])]
    reader = BlockReader(connection)

    for _ in range(2):
        assert [reader.bytes_at(*extent) for extent in extents] == [b"%d" % at for at in range(20)]
    assert len(reader._blocks) == 8


def test_a_process_keeps_the_last_two_blocks_that_it_read() -> None:
    stored = [pack_block(b"%d" % at * MEGABYTE) for at in range(6)]
    tracemalloc.start()
    texts = [bytes_in(block, Extent(1, MEGABYTE - 3, 3)) for block in stored]
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert texts == [b"%d" % at * 3 for at in range(6)]
    assert 2 * MEGABYTE < kept < 3 * MEGABYTE


def test_erased_bytes_are_gone_and_the_others_stay_where_they_are(connection: Plain) -> None:
    extents = store_bytes(connection, [b"one", b"two", b"three"])
    erase_bytes(connection, [extents[1], NOWHERE])

    assert blocks(connection) == {1: b"one\0\0\0three"}
    assert BlockReader(connection).bytes_at(*extents[2]) == b"three"
    erase_bytes(connection, [extents[0], extents[2]])
    assert blocks(connection) == {}
    assert store_bytes(connection, [b"new"]) == [Extent(2, 0, 3)]  # no number is used twice


def test_a_new_block_follows_one_of_which_all_was_removed(connection: Plain) -> None:
    zeros, text = store_bytes(connection, [bytes(5), b"text"])
    erase_bytes(connection, [text])
    (later,) = store_bytes(connection, [b"later"], zeros.block)

    assert later == Extent(2, 0, 5)
    assert BlockReader(connection).bytes_at(*later) == b"later"


def test_too_little_memory_to_pack_is_an_error_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Poor:
        def compress(self, _: bytes) -> bytes:
            raise zstandard.ZstdError("cannot compress: Allocation error : not enough memory")

    monkeypatch.setattr(zstandard, "ZstdCompressor", lambda **_: Poor())
    with pytest.raises(MemoryError, match="not enough memory"):
        pack_bytes([b"text"])


def test_bytes_that_are_all_zero_survive_the_deletion_of_their_block(connection: Plain) -> None:
    zeros, text = store_bytes(connection, [bytes(5), b"text"])
    erase_bytes(connection, [text])

    assert blocks(connection) == {}
    assert BlockReader(connection).bytes_at(*zeros) == bytes(5)


def test_mails_that_arrive_alone_share_a_block_and_a_repeated_one_takes_no_space(tmp_path: Path) -> None:
    mails = [mail(f"{number}@x", body=f"text {number}\n" * 50) for number in range(30)]
    with Repository(tmp_path / "d.db") as store:
        for at, content in enumerate(mails):
            store.ingest(Batch("list", "0", str(at), (raw(content, at),)))
        store.ingest(Batch("list", "0", "again", tuple(raw(content, at) for at, content in enumerate(mails))))
        assert [stored.mail.raw for stored in store.unparsed(99)] == mails
    with opened(tmp_path / "d.db") as database:
        assert stored_mails(database) == [(content, "new") for content in mails]
        assert database.execute("SELECT count(*) FROM block").fetchone() == (1,)
        assert database.execute("SELECT sum(length) FROM mail").fetchone() == (sum(map(len, mails)),)


def test_nothing_is_left_of_a_mail_that_its_archive_removed(tmp_path: Path) -> None:
    first, second = mail("1@x", body="secret\n"), mail("2@x", body="public\n")
    with Repository(tmp_path / "d.db") as store:
        store.ingest(Batch("list", "0", "1", (raw(first, 1), raw(second, 2))))
        store.ingest(Batch("list", "0", "2", (), (DeletedMail("0@2", first),)))
    with opened(tmp_path / "d.db") as database:
        assert stored_mails(database) == [(b"", "deleted"), (second, "new")]
        ((content,),) = database.execute("SELECT content FROM block")
    assert unpack_block(content) == bytes(len(first)) + second


@pytest.mark.sqlite
def test_mails_and_images_of_an_earlier_version_move_into_blocks_and_back(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    mails = [mail(f"{number}@x", body=f"text {number}\n" * 50) for number in range(450)]
    images = {f"{number:040x}": b"image %d" % number for number in range(300)}
    with Repository(path) as store:
        store.ingest(Batch("list", "0", "1", tuple(raw(content, at) for at, content in enumerate(mails))))
        store.save_blobs(images, NOW)
    downgrade(path, "0023")
    with opened(path) as database:
        columns = {
            table: {row[1] for row in database.execute(f"PRAGMA table_info({table})")} for table in ("mail", "blob")
        }
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "raw" in columns["mail"]
    assert "content" in columns["blob"]
    assert "block" not in tables | columns["mail"] | columns["blob"]

    with Repository(path) as store:
        assert [stored.mail.raw for stored in store.unparsed(999)] == mails
        assert store.blobs(images, MEGABYTE) == images
        pruned = store.prune_images(NOW + timedelta(days=1), None, dry=False).pruned
        assert pruned.images == 200
        assert pruned.bytes > 0
