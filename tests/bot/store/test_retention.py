# SPDX-License-Identifier: GPL-2.0-or-later
"""A database from before retention keeps its data; a new file gives space back, an old one after it was compacted."""

import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.store.repository import Repository
from tests.fakes.mails import FakeArchive, mail
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def _fill(store: Repository) -> None:
    for batch in FakeArchive([mail(f"{number}@x", body=f"{number:x}" * 9999) for number in range(20)]).batches({}):
        store.ingest(batch)


@pytest.mark.sqlite
def test_a_database_from_before_retention_keeps_its_mails_and_images(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    with Repository(path) as store:
        _fill(store)
        store.save_blobs({"a" * 40: b"image"}, NOW)
    downgrade(path, "0007")
    with opened(path) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(mail)")]
        before = [zlib.decompress(raw) for (raw,) in connection.execute("SELECT raw FROM mail ORDER BY id")]
    assert "pruned" not in columns

    with Repository(path) as store:
        assert [mail.mail.raw for mail in store.unparsed(99)] == before
        assert store.blobs(["a" * 40], 99) == {"a" * 40: b"image"}
        assert store.prune_images(NOW + timedelta(days=1), None, dry=False).pruned.images == 0  # used when upgraded


@pytest.mark.sqlite
def test_an_old_file_gives_no_space_back_until_it_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    with opened(path) as connection:  # as an older version made it
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("CREATE TABLE waste (content BLOB)")
        connection.execute("INSERT INTO waste VALUES (randomblob(3000000))")
        connection.commit()
    with Repository(path) as store:
        with store._database.writing() as session:
            session.connection().exec_driver_sql("DROP TABLE waste")
        assert store.reclaim() == 0
        assert store.compact() > 2_900_000
        assert path.stat().st_size < 1_000_000
        with store._database.writing() as session:
            session.connection().exec_driver_sql("CREATE TABLE waste AS SELECT randomblob(3000000) AS content")
        with store._database.writing() as session:
            session.connection().exec_driver_sql("DROP TABLE waste")
        assert store.reclaim() > 2_900_000
        assert store.reclaim() == 0
        assert path.stat().st_size < 1_000_000


@pytest.mark.sqlite
def test_space_is_given_back_while_another_connection_reads(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    with Repository(path) as store, Repository(path) as other:
        with store._database.writing() as session:
            session.connection().exec_driver_sql("CREATE TABLE waste AS SELECT randomblob(3000000) AS content")
        with other._database.reading() as reader:
            assert reader.connection().exec_driver_sql("SELECT count(*) FROM waste").scalar() == 1
            with store._database.writing() as session:
                session.connection().exec_driver_sql("DROP TABLE waste")
            assert store.reclaim() > 2_900_000
            assert reader.connection().exec_driver_sql("SELECT count(*) FROM waste").scalar() == 1
        store.reclaim()
        assert path.stat().st_size < 1_000_000
