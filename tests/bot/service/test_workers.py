# SPDX-License-Identifier: GPL-2.0-or-later
"""Several workers and a sender on one PostgreSQL database: they store what one process stores, also when killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.store.dialect import Plain
from tests.fakes.mails import git_archive, mail, patch
from tests.fakes.postgres import server
from tests.fakes.stored import database_setting, opened
from tests.fakes.worker_kills import VICTIMS, kill

pytestmark = pytest.mark.postgresql
SERIES = 24
POSTINGS = SERIES + SERIES // 3  # with those that are posted again
_SETTINGS = """
archives = ["list.git"]
[schedule]
poll_seconds = 1
review_seconds = 1
deliver_seconds = 1
jitter_seconds = 0
"""
_JOBS = "FROM procrastinate_jobs"
_IS_RUNNING = "task_name = 'review' AND status = 'doing'"
_DUE = "FROM posting WHERE state = 'complete' AND verdict = ''"
_LOOKS = 2000  # for a job in the middle


def _mails() -> list[bytes]:
    """Return series of one and of two patches, of which some are posted again as v2."""
    mails = []
    for number in range(SERIES):
        author = f"author{number}@example.org"
        mails.append(patch(f"{number}@x", f"led{number}", author=author))
        if number % 3 == 0:
            mails.append(patch(f"{number}v2@x", f"led{number}", author=author, number=" v2"))
        if number % 4 == 0:
            mails.append(mail(f"{number}r@x", f"Re: [PATCH] rust: led{number}", to=f"{number}@x"))
    return mails


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return _prepared(tmp_path)


def _prepared(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    git_archive(folder / "list.git", _mails())
    setting = database_setting(folder / "var" / "patchwarden.db")
    (folder / "patchwarden.toml").write_text(f"{setting}{_SETTINGS}")
    return folder


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


@contextmanager
def _running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the folder until the end of the block, which ends it with SIGTERM."""
    log = (folder / f"log-{time.monotonic_ns()}").open("wb")
    with log, subprocess.Popen(_command(*arguments), cwd=folder, env=_environment(), stderr=log) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            status = process.wait(120)
    assert status in (0, -signal.SIGKILL), (folder, arguments, status)


def _until(folder: Path, is_true: Callable[[Plain], bool]) -> None:
    for _ in range(1200):
        with opened(folder / "var" / "patchwarden.db") as database:
            if is_true(database):
                return
        time.sleep(0.1)
    raise AssertionError([path.read_text()[-2000:] for path in folder.glob("log-*")])


def _number(database: Plain, query: str) -> int:
    return int(database.execute(query).fetchone()[0])


def _are_reviewed(database: Plain) -> bool:
    return _number(database, "SELECT count(*) FROM posting WHERE verdict = 'reviewed'") == POSTINGS


def _are_filed(database: Plain) -> bool:
    return _are_reviewed(database) and _number(database, "SELECT count(*) FROM outgoing WHERE state != 'filed'") == 0


def _stored(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the reviews and the outbox, without the names of files and times."""
    with opened(folder / "var" / "patchwarden.db") as database:
        return {
            "reviews": database.execute("SELECT posting_id, value FROM review ORDER BY 1").fetchall(),
            "verdicts": database.execute("SELECT message_id, verdict, reason FROM posting ORDER BY 1").fetchall(),
            "mails": database.execute("SELECT message_id, content, state FROM outgoing ORDER BY 1").fetchall(),
        }


@pytest.fixture
def expected(tmp_path: Path, database_kind: str) -> dict[str, list[tuple[object, ...]]]:
    """What one process stores, with its own database and the same secret."""
    folder = _prepared(tmp_path / "alone")
    subprocess.run(_command("run", "--once"), cwd=folder, env=_environment(), check=True, stdout=subprocess.DEVNULL)
    return _stored(folder)


def test_two_workers_and_a_sender_do_what_one_process_does(
    folder: Path, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    with _running(folder, "worker", "--jobs", "2"), _running(folder, "worker"), _running(folder, "deliver"):
        _until(folder, _are_filed)

    _compare(folder, expected)


def _compare(folder: Path, expected: dict[str, list[tuple[object, ...]]]) -> None:
    """Assert that the folder's database has the same reviews, and each of the same mails once."""
    stored = _stored(folder)
    assert stored["verdicts"] == expected["verdicts"]
    assert stored["reviews"] == expected["reviews"]
    assert stored["mails"] == expected["mails"]
    assert len(stored["mails"]) > SERIES / 2


def test_the_jobs_of_a_killed_worker_are_done_by_another(
    folder: Path, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    with _running(folder, "worker") as killed, _running(folder, "deliver"):
        _stop_in_a_job(folder, killed)
        killed.kill()
        killed.wait()
        with _running(folder, "worker"):
            _until(folder, _are_filed)
            _until(
                folder, lambda database: _number(database, f"SELECT count(*) {_JOBS} WHERE task_name != 'read'") == 0
            )

    _compare(folder, expected)


def _stop_in_a_job(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Stop the process while it has a job."""
    _until(folder, lambda database: _number(database, "SELECT count(*) FROM posting") > 0)
    for _ in range(_LOOKS):
        process.send_signal(signal.SIGSTOP)
        with opened(folder / "var" / "patchwarden.db") as database:
            if _number(database, f"SELECT count(*) {_JOBS} WHERE {_IS_RUNNING}"):
                return
        process.send_signal(signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("no job was seen")


@contextmanager
def _held_reviews(folder: Path) -> Iterator[set[str]]:
    """Let no process write until a worker waits for that with a review. Yield what is reviewed."""
    with opened(folder / "var" / "patchwarden.db") as database:
        for _ in range(_LOOKS):
            database.execute("BEGIN IMMEDIATE")
            running = _names(database, f"SELECT args ->> 'posting_id' {_JOBS} WHERE {_IS_RUNNING}")
            reviewed = _names(database, "SELECT message_id FROM posting WHERE verdict != ''")
            if running - reviewed and _number(database, f"SELECT count(*) {_DUE}") > 10:
                _until(folder, lambda other: _number(other, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0)
                yield reviewed
                return
            database.rollback()
            time.sleep(0.01)
    raise AssertionError("no review was seen")


def _names(database: Plain, query: str) -> set[str]:
    return {name for (name,) in database.execute(query)}


def _running_reviews(folder: Path) -> set[str]:
    with opened(folder / "var" / "patchwarden.db") as database:
        return _names(database, f"SELECT args ->> 'posting_id' {_JOBS} WHERE {_IS_RUNNING}")


def _let_all_be_due(folder: Path) -> None:
    with opened(folder / "var" / "patchwarden.db") as database:
        database.execute("UPDATE posting SET verdict = '' WHERE verdict = 'reviewed'")


def test_a_worker_that_is_to_stop_ends_its_jobs_and_takes_no_more(folder: Path) -> None:
    with _running(folder, "worker", "--jobs", "2") as worker:
        _until(folder, _are_reviewed)
        _let_all_be_due(folder)
        with _held_reviews(folder) as reviewed:
            worker.terminate()
            time.sleep(2)
            assert worker.poll() is None
            running = _running_reviews(folder)
        assert worker.wait(60) == 0

    assert running
    with opened(folder / "var" / "patchwarden.db") as database:
        ended = _names(database, "SELECT message_id FROM posting WHERE verdict != ''")
        # A review that waits for the turn of its posting when the worker is to stop is made again by another worker.
        assert reviewed < ended <= reviewed | running
        assert _number(database, f"SELECT count(*) {_JOBS} WHERE status = 'doing'") == 0
        assert _number(database, f"SELECT count(*) {_JOBS} WHERE task_name = 'review'") == _number(
            database, f"SELECT count(*) {_DUE}"
        )
        assert _number(database, "SELECT count(*) FROM procrastinate_workers") == 0


@pytest.mark.parametrize(("drain", "signals"), [("300", 2), ("1", 1)])
def test_a_second_signal_or_the_time_ends_a_worker_before_its_jobs(folder: Path, drain: str, signals: int) -> None:
    with subprocess.Popen(_command("worker", "--drain", drain), cwd=folder, env=_environment()) as worker:
        _until(folder, _are_reviewed)
        _let_all_be_due(folder)
        with _held_reviews(folder) as reviewed:
            worker.terminate()
            for _ in range(120 if signals > 1 else 0):  # signals that arrive together count as one
                time.sleep(0.5)
                if worker.poll() is not None:
                    break
                worker.terminate()
            assert worker.wait(60) == 3

    with opened(folder / "var" / "patchwarden.db") as database:
        assert _names(database, "SELECT message_id FROM posting WHERE verdict != ''") == reviewed
    assert _running_reviews(folder)


def test_a_lost_queue_is_filled_again(folder: Path, expected: dict[str, list[tuple[object, ...]]]) -> None:
    with _running(folder, "worker"), _running(folder, "deliver"):
        _until(folder, _are_filed)
        with opened(folder / "var" / "patchwarden.db") as database:
            database.execute("UPDATE posting SET verdict = '' WHERE verdict = 'reviewed'")
            database.execute("DELETE FROM procrastinate_jobs")
        _until(folder, _are_filed)

    stored = _stored(folder)
    assert [name for name, verdict, _ in stored["verdicts"] if verdict == "reviewed"] == [
        name for name, verdict, _ in expected["verdicts"] if verdict == "reviewed"
    ]
    assert stored["mails"] == expected["mails"]


def test_another_sender_takes_over_and_a_server_may_restart(
    folder: Path, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    with _running(folder, "deliver") as sender:
        _until_logged(folder, "service-starting")
        time.sleep(2)
        with _running(folder, "deliver"), _running(folder, "worker"):
            _until_logged(folder, "role-taken")
            _until(folder, lambda database: _number(database, "SELECT count(*) FROM review") > 0)
            server().stop("immediate")
            server().start()
            sender.kill()
            sender.wait()
            _until(folder, _are_filed)

    _compare(folder, expected)


def _until_logged(folder: Path, event: str) -> None:
    for _ in range(1200):
        if any(f"event={event}" in path.read_text() for path in folder.glob("log-*")):
            return
        time.sleep(0.1)
    raise AssertionError([path.read_text()[-2000:] for path in folder.glob("log-*")])


def test_each_mail_arrives_once_whatever_is_killed_or_cut(tmp_path: Path) -> None:
    victims = [*VICTIMS, "worker 1", "cut"]
    survived = kill(tmp_path, len(victims), pause=1.0, victims=victims)

    assert (survived.twice, survived.lost, survived.stuck) == (0, 0, 0)
    assert survived.kills.total() == 12
