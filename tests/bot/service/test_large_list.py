# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mail costs does not depend on how many mails of the list are stored; and the list that shows it."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.git_archive import GitArchive
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.registry import active
from tests.fakes import mailing_list
from tests.fakes.contexts import consenting
from tests.fakes.mailing_list import START, MailingList, write_epochs
from tests.fakes.mails import FakeArchive
from tests.fakes.origin import FakeClock
from tests.fakes.stored_copies import multiply
from tests.statements import traced

pytestmark = pytest.mark.sqlite

ROUND: Final = 150
FACTOR: Final = 20
MAX_GROWTH: Final = 1.01  # a statement that reads each row of a table once a round takes more
DAILY: Final = 50  # fewer mails a day are made faster, because the list begins months before its first mail


def _list(count: int, seed: int = 1) -> list[tuple[datetime, bytes]]:
    return list(islice(MailingList(seed, mails_of_day=DAILY), count))


def _mails(count: int, seed: int = 1) -> list[bytes]:
    return [raw for _, raw in _list(count, seed)]


def _work(database: Path, mails: list[bytes], *, drop: str = "") -> int:
    """Poll and review the mails of a list of which the first ROUND may be stored. Return the steps of the database."""
    identity = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
    context = ReviewContext(active(), Policy(), identity, consenting(), pending=timedelta(days=60))
    clock, steps = FakeClock(START + timedelta(days=30)), 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with Repository(database) as store:
        if drop:
            with store._database.engine.begin() as connection:
                connection.exec_driver_sql(f"DROP INDEX {drop}")
        poll = PollJob([FakeArchive(mails)], store, assemble, Event(), Silent())
        review = ReviewJob(store, Analyser(), context, clock, Event(), Silent())
        with traced(store, lambda _: None, step):
            polled, reviewed = poll.run(), review.run()
    assert (polled.mails, bool(reviewed)) == (ROUND, True)
    return steps


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same list twice: as it is, and with many times the rows."""
    folder = tmp_path_factory.mktemp("stored")
    _work(folder / "few.db", _mails(ROUND))
    shutil.copy(folder / "few.db", folder / "many.db")
    assert multiply(folder / "many.db", FACTOR * ROUND) == FACTOR * ROUND
    return folder


@pytest.fixture
def databases(stored: Path, tmp_path: Path) -> tuple[Path, Path]:
    few, many = (Path(shutil.copy(stored / name, tmp_path)) for name in ("few.db", "many.db"))
    return few, many


def test_a_mail_takes_the_same_steps_of_the_database_however_many_are_stored(databases: tuple[Path, Path]) -> None:
    few, many = (_work(database, _mails(2 * ROUND)) for database in databases)

    assert many <= MAX_GROWTH * few


@pytest.mark.parametrize("index", ["ix_posting_topic", "ix_posting_thread_id", "ix_mail_state"])
def test_it_would_take_more_without_an_index(databases: tuple[Path, Path], index: str) -> None:
    few, many = (_work(database, _mails(2 * ROUND), drop=index) for database in databases)

    assert many > MAX_GROWTH * few


def test_the_copies_are_rows_that_belong_together(databases: tuple[Path, Path]) -> None:
    few, many = (_counts(database) for database in databases)

    assert many == {name: FACTOR * count for name, count in few.items()}
    assert few["mail"] == ROUND
    assert few["review"] > 0


def _counts(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        names = ("mail", "message", "posting", "review", "thread", "posting_part")
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
        counted = "SELECT sum(value) FROM counter WHERE name = 'mail'"
        assert connection.execute(counted).fetchone() == (counts["mail"],)
        return counts


def test_a_seed_gives_the_same_mails_and_another_seed_others() -> None:
    digests = [hashlib.sha256(b"".join(_mails(50, seed))).hexdigest() for seed in (1, 1, 2)]

    assert digests[0] == digests[1] != digests[2]


def test_the_mails_are_read_and_their_series_are_assembled() -> None:
    times = [when for when, _ in _list(500)]
    messages = [message for raw in _mails(2_000) if isinstance(message := parse(raw), Message)]
    postings = assemble(messages)
    changes = [change for posting in postings for patch in posting.series.patches for change in patch.changes]
    rust = sum((change.after or "").endswith(".rs") for change in changes)

    assert all(before <= after for before, after in pairwise(times))
    assert len({message.message_id for message in messages}) == len(messages) == 2_000
    assert {posting.state.word for posting in postings} >= {"complete", "waiting"}
    assert not any(patch.damage for posting in postings for patch in posting.series.patches)
    assert {posting.series.revision for posting in postings} >= {1, 2, 3}
    assert 0.05 < rust / len(changes) < 0.5


def test_the_archive_has_epochs_and_continues_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing_list, "MAILS_OF_EPOCH", 20)
    mails = _list(50)

    assert write_epochs(tmp_path, mails[:30]) == 30
    assert write_epochs(tmp_path, mails[30:], 30) == 50
    batches = list(GitArchive(tmp_path).batches({}))

    assert [batch.epoch for batch in batches] == ["0.git", "1.git", "2.git"]
    assert [mail.raw for batch in batches for mail in batch.mails] == [raw for _, raw in mails]
    assert [mail.arrived for batch in batches for mail in batch.mails] == [
        when.replace(microsecond=0) for when, _ in mails
    ]
