# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of SQLite databases on a PostgreSQL server."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.ports.raw_mail import Batch
from bot.review.model import Review
from bot.store import transfer as module
from bot.store.dialect import Plain
from bot.store.error import StoreError
from bot.store.ledger import LedgerFile, ledger_path
from bot.store.postgres import open_server
from bot.store.repository import Repository
from bot.store.secret import secret_path
from bot.store.transfer import transfer
from tests.fakes.mails import START, mail, raw
from tests.fakes.outbox import mail_about, series, store_posting
from tests.fakes.postgres import server, skip_if_missing

pytestmark = pytest.mark.sqlite


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database with mails, one with a zero byte in a text, a reviewed series, a mail that was sent, and a ledger."""
    skip_if_missing()
    path = tmp_path / "old" / "d.db"
    with Repository(path) as store:
        posting = series(1)
        store_posting(store, posting, START)
        store.save_review(Review(posting, ()), mail_about(posting, START, 1), START)
        store.ingest(
            Batch("list\0name", "0", "1", tuple(raw(mail(f"{n}@x", body="text\n" * 9), n) for n in range(250)))
        )
        store.secret(START)
    LedgerFile(ledger_path(path)).start("name", 1, START)
    return path


def _target(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "new" / "d.db"
    return path, server().url_of(path)


def test_a_copy_has_every_row_and_goes_on_where_the_original_was(source: Path, tmp_path: Path) -> None:
    path, url = _target(tmp_path)

    tables = transfer(source, path, url)

    assert tables["mail"].rows >= 250
    assert tables["outgoing"].rows == 1
    assert ledger_path(path).read_bytes() == ledger_path(source).read_bytes()
    with Repository(source) as original, Repository(path, server=url) as copy:
        assert (copy.tally(), copy.mails()) == (original.tally(), original.mails())
        assert copy.secret(START) == original.secret(START)
        assert [stored.mail.raw for stored in copy.unparsed(999)] == [
            stored.mail.raw for stored in original.unparsed(999)
        ]
        before = copy.tally().raw
        assert copy.ingest(Batch("more", "0", "1", (raw(mail("new@x"), 1),))) == 1
        assert copy.tally().raw == before + 1


def test_rows_are_not_counted_while_they_are_copied(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server reads all earlier values of a counter again for each row that a transaction counts."""
    path, url = _target(tmp_path)
    copy_rows, changed = module._copy, list[str]()

    def copy_and_look(original: Plain, copy: Plain, table: str, keys: Sequence[str]) -> module.TableDigest:
        before = copy.execute("SELECT * FROM counter").fetchall()
        digest = copy_rows(original, copy, table, keys)
        changed.extend([table] if copy.execute("SELECT * FROM counter").fetchall() != before else ())
        return digest

    monkeypatch.setattr(module, "_copy", copy_and_look)
    tables = transfer(source, path, url)

    assert changed == ["counter"]
    assert tables["counter"].rows > 0


def test_a_database_that_is_not_empty_is_refused(source: Path, tmp_path: Path) -> None:
    path, url = _target(tmp_path)
    with Repository(path, server=url) as store:
        store.ingest(Batch("list", "0", "1", (raw(mail("1@x"), 1),)))

    with pytest.raises(StoreError, match="it is not empty; name a new database"):
        transfer(source, path, url)


def test_a_ledger_of_another_database_is_refused(source: Path, tmp_path: Path) -> None:
    path, url = _target(tmp_path)
    path.parent.mkdir()
    LedgerFile(ledger_path(path)).start("other", 1, START)

    with pytest.raises(StoreError, match="belongs to another database"):
        transfer(source, path, url)


def test_a_row_that_differs_is_found_and_nothing_is_left(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = _target(tmp_path)
    original = module._copy_files
    digest = module._digest

    def change(connection: Plain, table: str, keys: list[str]) -> module.TableDigest:
        if table == "posting":
            connection.execute("UPDATE posting SET subject = 'another'")
        return digest(connection, table, keys)

    monkeypatch.setattr(module, "_digest", change)
    with pytest.raises(StoreError, match="the rows of posting differ; nothing was copied"):
        transfer(source, path, url)

    assert module._copy_files is original
    with closing(open_server(url)) as connection:
        assert connection.execute("SELECT count(*) FROM mail").fetchone() == (0,)
    assert not secret_path(path).exists()


@pytest.mark.parametrize("step", ["_digest", "continue_numbers", "_copy_files"])
def test_a_killed_copy_leaves_an_empty_database_and_can_be_repeated(source: Path, tmp_path: Path, step: str) -> None:
    path, url = _target(tmp_path)
    child = os.fork()
    if child == 0:
        kept: Callable[..., object] = getattr(module, step)

        def die(*arguments: object) -> None:
            kept(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(module, step, die)
        transfer(source, path, url)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL

    with closing(open_server(url)) as connection:
        assert connection.execute("SELECT count(*) FROM mail").fetchone() == (0,)
    assert transfer(source, path, url)["mail"].rows >= 250


def test_a_source_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("no database")

    with pytest.raises(StoreError, match="let `patchwarden doctor` convert it first"):
        transfer(tmp_path / "notes", tmp_path / "new.db", "postgresql+psycopg://host/name")
