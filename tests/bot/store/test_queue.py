# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue in the database: a job is added with what makes a posting due, and a lost one is added again."""

from pathlib import Path

import pytest

from bot.store.dialect import Plain
from bot.store.queue import JobQueue
from bot.store.repository import Repository
from tests.fakes.mails import START
from tests.fakes.outbox import series, store_posting
from tests.fakes.stored import opened

pytestmark = pytest.mark.postgresql


@pytest.fixture
def queue(store: Repository) -> JobQueue:
    queue = store.queue()
    queue.install()
    queue.install()
    return queue


def _jobs(path: Path) -> list[str]:
    with opened(path / "patchwarden.db") as database:
        return _names(database)


def _names(database: Plain) -> list[str]:
    rows = database.execute("SELECT args ->> 'posting_id' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
    return [name for (name,) in rows]


def test_a_posting_and_its_job_are_added_together(tmp_path: Path, store: Repository, queue: JobQueue) -> None:
    posting = series(1)
    store_posting(store, posting, START)

    assert _jobs(tmp_path) == [posting.message_id]


def test_a_job_is_undone_with_its_transaction(tmp_path: Path, store: Repository, queue: JobQueue) -> None:
    posting = series(1)
    store_posting(store, posting, START)
    store.refuse(posting, "too old")
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute("DELETE FROM procrastinate_jobs")
    with pytest.raises(ZeroDivisionError), store._database.changing() as connection:
        connection.execute("UPDATE posting SET verdict = ''")
        assert _names(connection) == [posting.message_id]
        raise ZeroDivisionError

    assert _jobs(tmp_path) == []


def test_a_lost_job_is_added_once(tmp_path: Path, store: Repository, queue: JobQueue) -> None:
    postings = [series(number) for number in (1, 2)]
    for posting in postings:
        store_posting(store, posting, START)
    store.refuse(postings[1], "too old")
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute("DELETE FROM procrastinate_jobs")

    assert queue.repair() == 1
    assert queue.repair() == 0
    assert _jobs(tmp_path) == [postings[0].message_id]


def test_the_job_of_a_dead_worker_is_given_to_another(tmp_path: Path, store: Repository, queue: JobQueue) -> None:
    posting = series(1)
    store_posting(store, posting, START)
    with opened(tmp_path / "patchwarden.db") as database:
        query = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id"
        (worker,) = database.execute(query).fetchone()
        database.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = ?", (worker,))
    queue.repair()
    assert _jobs(tmp_path) == []
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    queue.repair()
    assert _jobs(tmp_path) == [posting.message_id]


def test_a_topic_of_any_length_has_a_job(tmp_path: Path, store: Repository, queue: JobQueue) -> None:
    store_posting(store, series(1), START)
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute("DELETE FROM procrastinate_jobs")
        database.execute("UPDATE posting SET topic = ?, state = 'waiting'", ("x" * 2_000,))
        database.execute("UPDATE posting SET state = 'complete'")

    assert len(_jobs(tmp_path)) == 1
