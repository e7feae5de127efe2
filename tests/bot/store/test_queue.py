# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue in the database: a job is added with what makes a posting due, and a lost one is added again."""

from pathlib import Path

import pytest

from bot.ports.raw_mail import Batch, RawMail
from bot.store.dialect import Plain
from bot.store.queue import ASSEMBLE, READ, RECHECK, REVIEW, JobQueue
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
    query = "SELECT args ->> 'posting_id' FROM procrastinate_jobs WHERE status = 'todo' AND task_name = ? ORDER BY id"
    return [name for (name,) in database.execute(query, (REVIEW,))]


def _all(path: Path) -> list[tuple[str, bool]]:
    """Return the names of the tasks that wait, and whether each may run now."""
    with opened(path / "patchwarden.db") as database:
        rows = database.execute(
            "SELECT task_name, coalesce(scheduled_at <= now(), true) FROM procrastinate_jobs WHERE status = 'todo' "
            "ORDER BY priority DESC, id"
        )
        return [(name, is_due) for name, is_due in rows]


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


def test_the_jobs_of_older_postings_come_first_and_second_tries_last(
    tmp_path: Path, store: Repository, queue: JobQueue
) -> None:
    postings = [series(number) for number in range(3)]
    for posting in postings:
        store_posting(store, posting, START)
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute("DELETE FROM procrastinate_jobs")
        for posting, arrived in zip(postings, ("2026-01-03", "2026-01-02", "2026-01-01"), strict=True):
            changes = (f"{arrived} 00:00:00+00", posting is postings[2], posting.message_id)
            database.execute(
                "UPDATE posting SET arrived = CAST(? AS timestamptz), tries = ? WHERE message_id = ?", changes
            )
        fetched = "SELECT args ->> 'posting_id' FROM procrastinate_fetch_job_v2(ARRAY['patchwarden'], NULL)"
        names = [database.execute(fetched).fetchone()[0] for _ in postings]

    assert names == [postings[index].message_id for index in (1, 0, 2)]


def test_stored_mails_are_assembled_by_a_job_that_is_added_with_them(
    tmp_path: Path, store: Repository, queue: JobQueue
) -> None:
    batch = Batch("list", "0", "1", (RawMail("0@1", START, b"From: a@example.org"),))
    assert store.ingest(batch) == 1
    assert _all(tmp_path) == [(ASSEMBLE, True)]

    _empty(tmp_path)
    assert queue.repair() == 1
    assert queue.repair() == 0
    assert _all(tmp_path) == [(ASSEMBLE, True)]


def test_a_source_has_one_job_which_a_change_brings_forward(tmp_path: Path, queue: JobQueue) -> None:
    assert queue.repair(["list", "other"]) == 2
    assert queue.repair(["list", "other"]) == 0
    assert _all(tmp_path) == [(READ, True), (READ, True)]

    _empty(tmp_path)
    queue.read_later("list", 60)
    queue.read_later("list", 0)
    assert _all(tmp_path) == [(READ, False)]
    queue.read_now("list")
    assert _all(tmp_path) == [(READ, True)]


def test_a_source_that_is_being_read_is_read_once_more_after_a_change(tmp_path: Path, queue: JobQueue) -> None:
    queue.repair(["list"])
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    queue.read_now("list")

    assert _all(tmp_path) == [(READ, True)]


def test_the_source_that_no_worker_has_any_more_is_forgotten(tmp_path: Path, queue: JobQueue) -> None:
    queue.read_later("old", -86_500)
    queue.read_later("list", 0)
    queue.repair()

    assert _all(tmp_path) == [(READ, True)]


def _taken(path: Path, task: str) -> tuple[int, int]:
    """Let a new worker have the job of a task. Return the numbers of the worker and of the job."""
    with opened(path / "patchwarden.db") as database:
        (worker,) = database.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id").fetchone()
        query = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = ? WHERE task_name = ? RETURNING id"
        (number,) = database.execute(query, (worker, task)).fetchone()
    return worker, number


def _let_a_minute_pass(path: Path) -> None:
    with opened(path / "patchwarden.db") as database:
        database.execute("UPDATE procrastinate_events SET at = at - interval '1 minute'")


def test_a_job_whose_end_was_lost_is_added_again(tmp_path: Path, store: Repository, queue: JobQueue) -> None:
    posting = series(1)
    store_posting(store, posting, START)
    worker, number = _taken(tmp_path, REVIEW)
    _let_a_minute_pass(tmp_path)
    queue.repair((), [worker], [number])
    assert _jobs(tmp_path) == []

    queue.repair((), [worker], [number + 1_000])
    assert _jobs(tmp_path) == [posting.message_id]


def test_a_job_that_its_worker_never_got_is_added_again(tmp_path: Path, queue: JobQueue) -> None:
    queue.read_later("list", 0)
    worker, _ = _taken(tmp_path, READ)
    queue.repair(["list"], [worker], [])
    assert _all(tmp_path) == []  # it may be on its way to the worker

    _let_a_minute_pass(tmp_path)
    queue.repair(["list"], [worker + 1], [])
    assert _all(tmp_path) == []

    queue.repair(["list"], [worker], [])
    assert _all(tmp_path) == [(READ, True)]


def test_a_recheck_and_its_job_are_added_together_with_the_lock_of_the_series(
    tmp_path: Path, store: Repository, queue: JobQueue
) -> None:
    posting = series(1)
    store_posting(store, posting, START)
    with opened(tmp_path / "patchwarden.db") as database:
        database.execute(
            "INSERT INTO landing_recheck (posting_id, ref, commit_id, names, queued) "
            "VALUES (?, 'next', 'c', '[]', now())",
            (posting.message_id,),
        )
        locks = database.execute(
            "SELECT count(DISTINCT lock), count(*) FROM procrastinate_jobs WHERE task_name IN (?, ?)", (REVIEW, RECHECK)
        ).fetchone()

    assert locks == (1, 2)
    _empty(tmp_path)
    queue.repair()
    assert {name for name, _ in _all(tmp_path)} == {REVIEW, RECHECK}


def _empty(path: Path) -> None:
    with opened(path / "patchwarden.db") as database:
        database.execute("DELETE FROM procrastinate_jobs")
