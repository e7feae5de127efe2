# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mail costs does not depend on how many mails of the list are stored; and the list that shows it."""

import hashlib
from collections import Counter
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
from tests.statements import traced

pytestmark = pytest.mark.sqlite

MAILS: Final = 200
ROUNDS: Final = 5
MAX_GROWTH: Final = 1.15
DAILY: Final = 50  # fewer mails a day are made faster, because the list begins months before its first mail


def _list(count: int, seed: int = 1) -> list[tuple[datetime, bytes]]:
    return list(islice(MailingList(seed, mails_of_day=DAILY), count))


def _mails(count: int, seed: int = 1) -> list[bytes]:
    return [raw for _, raw in _list(count, seed)]


def test_the_last_mails_of_a_long_list_take_no_more_steps_of_the_database_than_the_first(tmp_path: Path) -> None:
    mails, archive, clock = _mails(MAILS * ROUNDS), FakeArchive([]), FakeClock(START + timedelta(days=30))
    identity = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
    context = ReviewContext(active(), Policy(), identity, consenting(), pending=timedelta(days=60))
    steps: Counter[int] = Counter()
    with Repository(tmp_path / "d.db") as store:
        poll = PollJob([archive], store, assemble, Event(), Silent())
        review = ReviewJob(store, Analyser(), context, clock, Event(), Silent())
        for number in range(ROUNDS):
            archive.mails += mails[number * MAILS : (number + 1) * MAILS]

            def step(number: int = number) -> int:
                steps[number] += 1
                return 0

            with traced(store, lambda _: None, step):
                polled, reviewed = poll.run(), review.run()

            assert (polled.mails, bool(reviewed)) == (MAILS, True)
    # Before the second round the database is not empty any more, and the list has revisions of known series.
    assert steps[ROUNDS - 1] <= MAX_GROWTH * steps[1], steps


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
