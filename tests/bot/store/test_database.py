# SPDX-License-Identifier: GPL-2.0-or-later
import fcntl
import json
import os
import re
import sqlite3
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import select

from bot.error import ReplacedError
from bot.mail.outgoing import Outgoing
from bot.mail.packed import pack, unpack
from bot.mail.state import MailState
from bot.ports.outbox import MailChange
from bot.ports.raw_mail import Batch
from bot.review.disposition import DispositionKind
from bot.store.database import Database
from bot.store.dialect import reason_of
from bot.store.error import StoreError
from bot.store.listing import StoreReader
from bot.store.repository import Repository
from bot.store.roles import Role, running, sole_worker
from bot.store.tables import CursorRow, MailRow, MessageRow, ThreadRow, metadata
from tests.fakes.mails import START, raw
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened


def _batch(size: int = 10, count: int = 1, cursor: str = "c") -> Batch:
    return Batch("l", "0", cursor, tuple(raw(os.urandom(size), number) for number in range(count)))


@pytest.mark.sqlite
def test_migrations_from_nothing_make_the_tables_as_they_are(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db") as database, database.engine.connect() as connection:
        migration = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(migration, metadata) == []


@pytest.mark.sqlite
def test_every_commit_is_durable_and_readers_do_not_wait(tmp_path: Path) -> None:
    names = ("journal_mode", "synchronous")
    with Database(tmp_path / "d.db") as database:
        with database.engine.connect() as connection:
            assert [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names] == ["wal", 2]
        with database.rows() as plain:
            assert [plain.execute(f"PRAGMA {name}").fetchone()[0] for name in names] == ["wal", 2]


def test_an_open_database_is_opened_again(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as first, Repository(tmp_path / "d.db") as other:
        first.ingest(_batch())

        assert len(other.unparsed(10)) == 1


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db") as database:
        with pytest.raises(RuntimeError), database.writing() as session:
            session.add(CursorRow(source="s", epoch="e", position="p"))
            session.flush()
            raise RuntimeError
        with database.reading() as session:
            assert session.exec(select(CursorRow)).all() == []


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        errors: list[StoreError] = []

        def work(number: int) -> None:
            try:
                for step in range(10):
                    store.ingest(_batch(cursor=f"{number}.{step}"))
            except StoreError as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        assert store.tally().raw == 40


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"not a database, but a text of some length\n" * 40, "not a SQLite database"),
        (b"SQLite format 3\0" + b"x" * 4096, ""),
    ],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "d.db"
    path.write_bytes(content)

    with pytest.raises(StoreError, match=f"{re.escape(str(path))}: .*{expected}"):
        Repository(path)

    assert path.read_bytes() == content


@pytest.mark.sqlite
def test_an_error_of_the_disk_says_what_to_check() -> None:
    assert reason_of(sqlite3.OperationalError("disk I/O error")) == (
        "it cannot be read or written; check whether the disk is full or damaged (disk I/O error)"
    )


@pytest.mark.sqlite
def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    content = path.read_bytes()

    with pytest.raises(StoreError, match=f"{re.escape(str(path))}: another program wrote it; name another file"):
        Repository(path)

    assert path.read_bytes() == content


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Repository(tmp_path / "d.db").close()
    with opened(tmp_path / "d.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(StoreError, match=r": it was written by a newer patchwarden \(schema 9999\)"):
        Repository(tmp_path / "d.db")


@pytest.mark.sqlite
def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=r"file/d\.db"):
        Repository(tmp_path / "file" / "d.db")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.sqlite
def test_a_full_disk_is_reported_and_nothing_is_half_written(small_disk: Path) -> None:
    path = small_disk / "d.db"
    with Repository(path) as store:
        store.ingest(_batch(1000, cursor="before"))
        with pytest.raises(StoreError, match=r"d\.db: the disk is full"):
            store.ingest(_batch(100_000, 20, cursor="after"))

        assert store.cursors("l") == {"0": "before"}
    with Repository(path) as store:
        assert (store.tally().raw, store.cursors("l")) == (1, {"0": "before"})


@pytest.mark.sqlite
def test_a_read_only_disk_is_reported_and_nothing_changes(small_disk: Path) -> None:
    path = small_disk / "d.db"
    with Repository(path) as store:
        store.ingest(_batch())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    with pytest.raises(StoreError, match=r"d\.db: it cannot be (written|opened)"), Repository(path) as store:
        store.ingest(_batch())

    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with Repository(path) as store:
        assert store.tally().raw == 1


@pytest.mark.sqlite
@pytest.mark.skipif(os.getuid() == 0, reason="to root no file is read-only")
def test_a_read_only_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    Repository(path).close()
    path.chmod(0o444)

    with pytest.raises(StoreError, match=r"d\.db: it cannot be written"), Repository(path) as store:
        store.ingest(_batch())


def test_one_process_works_on_a_database_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "var" / "d.db"
    with (
        sole_worker(path),
        pytest.raises(StoreError, match=rf"another patchwarden works on it \(process {os.getpid()}\)"),
        sole_worker(path),
    ):
        pass
    with sole_worker(path):
        assert path.with_name("d.db.lock").exists()


@pytest.mark.parametrize(
    ("held", "wanted", "free"),
    [
        (Role.REVIEWER, (Role.SENDER,), True),
        (Role.SENDER, (Role.REVIEWER,), True),
        (Role.SENDER, (Role.SENDER,), False),
        (Role.REVIEWER, (Role.REVIEWER,), False),
        (Role.SENDER, (), False),
        (Role.REVIEWER, (), False),
    ],
)
def test_each_role_on_a_database_is_for_one_process(
    tmp_path: Path, held: Role, wanted: tuple[Role, ...], free: bool
) -> None:
    path = tmp_path / "d.db"
    with sole_worker(path, held):
        if free:
            with sole_worker(path, *wanted):
                pass
        else:
            with pytest.raises(StoreError, match=f"as its {held.name.lower()}"), sole_worker(path, *wanted):
                pass
    with sole_worker(path):
        pass


@pytest.mark.sqlite
def test_mails_of_an_older_version_count_as_followed_and_waiting_ones_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    time, database = "'2026-03-02 09:00:00'", sqlite3.connect(path)
    downgrade(path, "0005")
    with database:
        database.executescript(
            f"""
            INSERT INTO mail (id, content_hash, source, origin, arrived, raw, state, reason)
                VALUES (1, 'h', 'list', 'o', {time}, x'', 'read', '');
            INSERT INTO thread VALUES (1, 3, 3), (2, 3, 3);
            INSERT INTO message VALUES ('1@x', 1, 1, 'd', 0);
            INSERT INTO posting VALUES ('1@x', 1, 't', 1, {time}, {time}, 'complete', '', x'', 'reviewed', ''),
                ('2@x', 2, 'u', 1, {time}, {time}, 'complete', '', x'', 'reviewed', '');
            INSERT INTO outgoing VALUES ('m', '1@x', 'review', 'a', 'b', x'', 'list', '', '', 'queued', '', '', 0,
                {time}, {time}, {time});
            """
        )
    with Database(path) as upgraded, upgraded.reading() as session:
        (mail,), (message,) = session.exec(select(MailRow)).all(), session.exec(select(MessageRow)).all()
        changed = [row.changed for row in session.exec(select(ThreadRow).order_by(text("id")))]

    assert (mail.provenance, message.followed, message.carriers) == ("followed", True, None)
    assert changed == [4, 3]


@pytest.mark.sqlite
def test_topics_of_an_older_version_get_their_authors_and_keep_what_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    time, database = "'2026-03-02 09:00:00'", sqlite3.connect(path)
    downgrade(path, "0010")
    value = pack(b'{"topic":"20260301-id","author":{"name":"","address":"Ada@example.org"}}')
    other = pack(b'{"topic":"eve@example.org rust a","author":{"name":"","address":"eve@example.org"}}')
    with database:
        database.execute("INSERT INTO thread VALUES (1, 3, 3)")
        database.executemany(
            f"INSERT INTO posting VALUES (?, 1, ?, 1, {time}, {time}, 'complete', '', ?, 'reviewed', '', 0)",
            [("1@x", "20260301-id", value), ("2@x", "eve@example.org rust a", other), ("3@x", "pruned", b"")],
        )
        database.execute(f"INSERT INTO review VALUES ('1@x', {time}, ?, x'', NULL)", (value,))
        database.execute(f"INSERT INTO mute VALUES ('series', '20260301-id', 'ada@example.org', 'm', {time})")
        database.execute(f"INSERT INTO mute VALUES ('author', '20260301-id', 'ada@example.org', 'm', {time})")
        database.execute(
            f"INSERT INTO disposition VALUES ('20260301-id', 'f', 'ada@example.org', 'r', 'fixed', '', 'm', {time})"
        )
    with Database(path):
        pass

    def column(query: str) -> list[Any]:
        return [row[0] for row in database.execute(query)]

    wanted = "ada@example.org 20260301-id"
    topics = column("SELECT topic FROM posting ORDER BY message_id")
    assert topics == [wanted, "eve@example.org rust a", "pruned"]
    assert [json.loads(unpack(stored))["topic"] for stored in column("SELECT value FROM posting LIMIT 2")] == topics[:2]
    assert json.loads(unpack(column("SELECT posting FROM review")[0]))["topic"] == wanted
    assert column("SELECT topic FROM disposition") == [wanted]
    assert column("SELECT subject FROM mute ORDER BY scope") == ["20260301-id", wanted]


TIME = "2026-03-02 09:00:00.000000"
OLD_ROWS: dict[str, list[tuple[Any, ...]]] = {
    "answered": [("part@x", "review", "m")],
    "claim": [("c@x", "part@x", TIME, 1, "foreign"), ("d@x", "part@x", TIME, 2, "")],
    "completion": [("1@x", 2, TIME, "nothing found")],
    "heard": [("h@x", "ada@example.org", "recheck, mute", 1, TIME)],
    "returned": [("m", "bounce", "", "550", TIME), ("m", "copy", "list", "", TIME)],
    "disposition": [("t", "f", "ada@example.org", "r", "fixed", "", "h@x", TIME)],
    "verdict": [("1@x", "v", TIME)],
    "cursor": [("answers", "mails", "17"), ("list", "0", "c"), ("returns", "mails", "18")],
}
NEW_ROWS = {
    "outgoing_part": OLD_ROWS["answered"],
    "unknown_mail": OLD_ROWS["claim"],
    "backfill": OLD_ROWS["completion"],
    "command_mail": OLD_ROWS["heard"],
    "delivery_event": OLD_ROWS["returned"],
    "disposition": OLD_ROWS["disposition"],
    "verdict": OLD_ROWS["verdict"],
    "cursor": [("bounces", "mails", "18"), ("commands", "mails", "17"), ("list", "0", "c")],
}


def _rows(path: Path, tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    with opened(path) as database:
        return {table: database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


@pytest.mark.sqlite
def test_tables_of_an_older_version_keep_their_rows_under_new_names(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    downgrade(path, "0013")
    with opened(path) as database:
        database.execute(
            "INSERT INTO outgoing VALUES ('m', '1@x', 'review', 'a', 'b', x'', 'list', '', '', 'sent', '', '', 1,"
            " ?1, ?1, ?1)",
            (TIME,),
        )
        for table, rows in OLD_ROWS.items():
            database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    with Repository(path) as store:
        assert [claim.message_id for claim in store.claims("foreign", 9)] == ["c@x"]
        assert store.is_command_processed("h@x")
        assert (list(store.unchecked_for_commands(9)), list(store.unchecked_for_bounces(9))) == ([], [])
        assert [disposition.answer for disposition in store.dispositions()] == [DispositionKind.FIXED]
    assert _rows(path, NEW_ROWS) == NEW_ROWS

    downgrade(path, "0013")
    assert _rows(path, OLD_ROWS) == OLD_ROWS


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["d.db", "d.db-wal"])
@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_no_longer_in_its_place_ends_the_work(tmp_path: Path, name: str, is_replaced: bool) -> None:
    with Repository(tmp_path / "d.db") as store:
        store.ingest(_batch())
        assert len(store.unparsed(10)) == 1
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).rename(tmp_path / "elsewhere")
        if is_replaced:
            (tmp_path / name).write_bytes(content)
        says = "it was replaced by another file" if is_replaced else "it was deleted"

        with pytest.raises(ReplacedError, match=says):
            store.carried()
        with pytest.raises(ReplacedError, match=says):
            store.ingest(_batch())
        with pytest.raises(ReplacedError, match=says):
            store.index((), ())


def test_many_connections_that_come_and_go_are_no_replaced_file(tmp_path: Path) -> None:
    with Repository(tmp_path / "d.db") as store:
        for number in range(5):
            with Repository(tmp_path / "d.db") as other:
                other.ingest(_batch(cursor=str(number)))
            assert len(store.unparsed(10)) == number + 1


def test_a_look_at_who_works_does_not_refuse_who_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d.db"
    with sole_worker(path, Role.SENDER):
        pass
    with path.with_name(f"{path.name}.{Role.SENDER}").open(encoding="ascii") as look:
        fcntl.flock(look, fcntl.LOCK_SH | fcntl.LOCK_NB)
        monkeypatch.setattr("bot.store.roles.time.sleep", lambda _: fcntl.flock(look, fcntl.LOCK_UN))

        with sole_worker(path, Role.SENDER):
            assert running(path, Role.SENDER) == str(os.getpid())


def test_the_newest_schema_is_the_head_of_the_migrations(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db"):
        pass

    assert StoreReader(tmp_path / "d.db").is_current()
    with opened(tmp_path / "d.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert not StoreReader(tmp_path / "d.db").is_current()


@pytest.mark.sqlite
def test_a_missing_file_has_no_schema(tmp_path: Path) -> None:
    assert not StoreReader(tmp_path / "missing.db").is_current()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db"):
        pass

    with pytest.raises(StoreError, match="cannot be written"), StoreReader(tmp_path / "d.db").rows() as rows:
        rows.execute("DELETE FROM mail")


def test_a_batch_commits_what_ended_before_an_error(store: Repository) -> None:
    database, called = store._database, []

    def mute(subject: str) -> None:
        with database.changing() as connection:
            connection.execute(
                "INSERT INTO mute VALUES ('list', ?, 'root', '', '2026-01-01 00:00:00.000000')", (subject,)
            )

    with pytest.raises(ZeroDivisionError), database.batch() as committed:
        mute("a")
        committed.append(lambda: called.append([mute.subject for mute in store.mutes()]))
        with database.changing() as connection:
            connection.execute("UPDATE mute SET subject = 'b'")
            raise ZeroDivisionError

    assert called == [["a"]]
    mute("c")
    assert [mute.subject for mute in store.mutes()] == ["a", "c"]


def test_a_batch_reads_what_it_wrote_and_lets_others_read(store: Repository) -> None:
    database, seen = store._database, []
    with database.batch():
        with database.changing() as connection:
            connection.execute("INSERT INTO mute VALUES ('list', 'a', 'root', '', '2026-01-01 00:00:00.000000')")
        assert len(store.mutes()) == 1
        other = threading.Thread(target=lambda: seen.append(store.mutes()))
        other.start()
        other.join()
        with database.reading() as session:  # a connection of its own, which is opened without the write lock
            assert session.connection().execute(text("SELECT count(*) FROM mute")).scalar_one() == 0
    assert seen == [[]]
    assert len(store.mutes()) == 1


def _change(message_id: str, before: MailState, after: MailState) -> MailChange:
    return MailChange(before, Outgoing(message_id, "p@x", "review", "bot@x", (), b"", START, mode="list", state=after))


@pytest.mark.sqlite
def test_a_batch_writes_no_temporary_file(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db") as database, database.batch():
        with database.changing() as connection:
            connection.execute("CREATE TABLE page (content TEXT)")
            connection.executemany("INSERT INTO page VALUES (?)", [("a" * 4_000,)] * 100)
        with database.changing() as connection:
            connection.execute("UPDATE page SET content = replace(content, 'a', 'b')")
            files = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]

    assert any("d.db-wal" in file for file in files)
    assert not [file for file in files if "etilqs" in file]


@pytest.mark.sqlite
def test_a_change_of_many_rows_is_undone_from_a_file(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db") as database:
        for many_rows, temporary in ((False, 2), (True, 0)):
            with database.changing(many_rows=many_rows) as connection:
                assert connection.execute("PRAGMA temp_store").fetchone() == (temporary,)
        with database.rows() as connection:
            assert connection.execute("PRAGMA temp_store").fetchone() == (0,)


def test_a_change_of_a_mail_is_told_after_its_commit_and_only_then(tmp_path: Path) -> None:
    told: list[str] = []
    sent = [_change(f"{number}@x", MailState.SENDING, MailState.SENT) for number in range(5)]
    with Database(tmp_path / "d.db", lambda: None, lambda change: told.append(change.mail.message_id)) as database:
        with database.changing():
            database.note(sent[0], _change("same@x", MailState.QUEUED, MailState.QUEUED))
            assert told == []
        with pytest.raises(ZeroDivisionError), database.changing():
            database.note(sent[1])
            raise ZeroDivisionError
        with database.writing():
            database.note(sent[2])
        assert told == ["0@x", "2@x"]
        with database.batch():
            with database.changing():
                database.note(sent[3])
            with pytest.raises(ZeroDivisionError), database.changing():
                database.note(sent[4])
                raise ZeroDivisionError
            assert told == ["0@x", "2@x"]

    assert told == ["0@x", "2@x", "3@x"]


@pytest.mark.sqlite
def test_a_connection_is_used_again_unless_it_is_lost(tmp_path: Path) -> None:
    with Database(tmp_path / "d.db") as database:
        for _ in range(3):
            with database.rows() as connection:
                first = connection
        with database.rows() as outer, database.rows() as inner:
            assert outer is first
            assert inner is not first
        with suppress(StoreError), database.rows() as connection:
            lost = connection
            connection.close()
        for _ in range(3):
            with database.rows() as connection:
                assert connection is not lost
                assert connection.execute("SELECT count(*) FROM mail").fetchone() == (0,)


@pytest.mark.sqlite
def test_a_full_disk_is_reported_in_a_batch_too_and_nothing_of_it_is_stored_or_told(tmp_path: Path) -> None:
    told: list[str] = []
    with Repository(tmp_path / "d.db") as store:
        store.ingest(_batch())
        with store._database.rows() as connection:  # the batch gets this connection
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + 20}")
        with pytest.raises(StoreError, match="the disk is full"), store.batch() as committed:
            store.ingest(_batch(cursor="small"))
            committed.append(lambda: told.append("small"))
            store.ingest(_batch(100_000, 20))

        assert (store.cursors("l"), store.tally().raw, told) == ({"0": "c"}, 1, [])
