# SPDX-License-Identifier: GPL-2.0-or-later
"""What a periodic job asks of the database does not cost more because old rows are stored.

The steps of SQLite's virtual machine are counted, so that no clock decides.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest
from sqlalchemy import insert, select

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.command import Scope
from bot.mail.message import Message
from bot.mail.posting import Posting
from bot.mail.posting_codec import EncodedPosting
from bot.mail.state import MailState
from bot.ports.mails import ParsedMail, Thread
from bot.ports.outbox import Send
from bot.ports.raw_mail import Batch, RawMail
from bot.review.disposition import ActiveMute
from bot.review.model import Review
from bot.service.poll import PollJob
from bot.store import context
from bot.store.codec import posting_of
from bot.store.mutes import store_mute
from bot.store.repository import Repository
from bot.store.tables import metadata
from tests.fakes.mails import START, FakeArchive, mail, patch
from tests.fakes.outbox import look_at, mail_about, queue_mail, series
from tests.statements import traced

pytestmark = pytest.mark.sqlite

OLD: Final = 400
FACTOR: Final = 4
TABLES: Final = ("mail", "thread", "message", "posting", "review", "outgoing", "outgoing_part")
NOW: Final = START + timedelta(days=500)
DAY: Final = timedelta(days=1)
TEXT_KEYS: Final = {"content_hash", "message_id", "posting_id", "outgoing_id", "topic", "origin", "author"}
NUMBER_KEYS: Final = {"id", "thread_id", "mail_id"}
VALUE: Final = re.compile(r"[xX]?'(?:[^']|'')*'|\b\d+\b")


def _old(store: Repository, count: int) -> None:
    """Store `count` series of long ago, each reviewed, with a mail that was sent: one series and copies of its rows."""
    sent = queue_mail(store, START)
    store.claim(sent.message_id, START, START, lambda _: Send())
    store.settle(sent.message_id, MailState.SENT, START)
    for job in (store.mark_checked, lambda last: store.record_delivery_events(last, [], [], START)):
        job(100 * count)
    with store._database.engine.begin() as connection:
        for name in TABLES:
            table = metadata.tables[name]
            rows = [row._asdict() for row in connection.execute(select(table))]
            copies = [_copy(row, number) for number in range(1, count) for row in rows]
            connection.execute(insert(table), copies)


def _copy(row: dict[str, Any], number: int) -> dict[str, Any]:
    texts = {key: f"{number}.{row[key]}" for key in TEXT_KEYS & row.keys()}
    numbers = {key: row[key] + 100 * number for key in NUMBER_KEYS & row.keys() if row[key] is not None}
    return row | texts | numbers


@contextmanager
def _counted(store: Repository) -> Iterator[Counter[str]]:
    """Count the steps of the virtual machine by statement."""
    counts, current = Counter[str](), [""]

    def step() -> int:
        counts[current[0]] += 1
        return 0

    def begin(statement: str) -> None:
        current[0] = VALUE.sub("?", statement)

    with traced(store, begin, step):
        yield counts


def _thread(store: Repository) -> tuple[Thread, Posting]:
    """Ingest and index the mails of a new series, and return its thread."""
    posting = series(99_999, date=NOW)
    ids = [part.message_id for part in posting.parts]
    mails = tuple(RawMail(name, NOW, name.encode()) for name in ids)
    store.ingest(Batch("list", "0", "1", mails))
    read = [ParsedMail(mail.id, name, ("root@x",), name) for mail, name in zip(store.unparsed(9), ids, strict=True)]
    store.index(read, [])
    (thread,) = store.unassembled(9)
    return thread, posting


def _poll(store: Repository) -> None:
    """Do what a poll does with the mails of a new series."""
    store.cursors("list")
    thread, posting = _thread(store)
    store.save_threads([(thread, [EncodedPosting.of(posting)])])
    store.pending()


def _review(store: Repository) -> None:
    """Do what a review does, and store a mail."""
    store.count_due_for_review()
    (due,) = store.due_for_review(9)
    posting = due.posting
    store.context(posting)
    store.supersede(posting, NOW)
    store.previous_review(posting, is_dry_run=False)
    store.replies(posting.topic)
    store.save_review(Review(posting, ()), mail_about(posting, NOW, 99_999), NOW)


def _deliver(store: Repository) -> None:
    """Do what a round of the sender does, with a mail that is due."""
    store.mails(MailState.UNCONFIRMED)
    store.expire(NOW - DAY, NOW)
    store.claims("", 200)
    (mail,) = store.due_for_delivery(NOW, 50)
    store.archived(mail.message_id)
    look_at(store, mail.message_id, NOW, NOW - DAY)


def _digest(store: Repository) -> None:
    store.reviews_between(NOW - DAY, NOW)
    store.series_records(NOW - DAY, NOW)
    store.posted_between(NOW - DAY, NOW)
    store.not_checked_between(NOW - DAY, NOW)
    store.new_collisions(NOW - DAY, NOW)
    store.landing_records(NOW - DAY, NOW)
    store.posted(NOW - DAY)


def _landing(store: Repository) -> None:
    list(store.recent_postings(NOW - DAY))
    list(store.recent_postings(NOW - DAY, uncompared=True))
    store.landing_rechecks(50)


WORK: Final[dict[str, Callable[[Repository], object]]] = {
    "poll": _poll,
    "review": _review,
    "deliver": _deliver,
    "signatures": lambda store: store.unattested(NOW - DAY, 50),
    "backfill": lambda store: store.incomplete(NOW, NOW, NOW - DAY, 5),
    "commands": lambda store: store.unchecked_for_commands(500),
    "bounces": lambda store: store.unchecked_for_bounces(500),
    "digest": _digest,
    "landing": _landing,
    "stop": lambda store: store.confirm_stop(),
    "find": lambda store: (store.find("1@bot.example.org"), store.mails_with_id("1@x")),
}
"""What each job does, in the order in which a service does it: each uses what the one before it stored."""


def _steps(path: Path, count: int) -> dict[str, Counter[str]]:
    steps: dict[str, Counter[str]] = {}
    with Repository(path) as store:
        _old(store, count)
        for name, work in WORK.items():
            with _counted(store) as steps[name]:
                work(store)
    return steps


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    folder = tmp_path_factory.mktemp("stores")
    return _steps(folder / "small.db", OLD), _steps(folder / "large.db", FACTOR * OLD)


@pytest.mark.parametrize("name", WORK)
def test_old_rows_cost_nothing(name: str, steps: tuple[dict[str, Counter[str]], dict[str, Counter[str]]]) -> None:
    small, large = (by_job[name] for by_job in steps)

    assert small
    grown = {
        statement: (small[statement], count) for statement, count in large.items() if count > 1.2 * small[statement]
    }
    assert grown == {}


def test_a_mute_of_a_series_costs_the_same_if_many_other_mails_wait(tmp_path: Path) -> None:
    def mute(path: Path, count: int) -> int:
        with Repository(path) as store:
            for _ in range(count):
                queue_mail(store, START)
            muted = ActiveMute(Scope.SERIES, "series 1", "ada@example.org", "mute@example.org", NOW)
            with _counted(store) as steps, store._database.changing() as connection:
                assert len(store_mute(connection, muted, NOW)) == 1
            return steps.total()

    assert mute(tmp_path / "large.db", FACTOR * 10) <= 1.2 * mute(tmp_path / "small.db", 10)


def test_one_posting_of_a_long_thread_is_decoded_for_a_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count, decoded = 12, list[bytes]()

    def decode(value: bytes, *_: object) -> Posting:
        decoded.append(value)
        return posting_of(value)

    mails = [patch(f"{at}@x", number=f" v{at}", to="1@x" if at > 1 else "") for at in range(1, count + 1)]
    with Repository(tmp_path / "d.db") as store:
        PollJob([FakeArchive(mails)], store, assemble, Event(), Silent()).run()
        posting = max((due.posting for due in store.due_for_review(99)), key=lambda posting: posting.series.revision)
        monkeypatch.setattr(context, "posting_of", decode)
        answers = store.context(posting).answers

    assert answers is not None
    assert answers.message_id == "1@x"
    assert len(decoded) == 1


def test_replies_to_a_patch_that_arrive_one_by_one_are_not_assembled(tmp_path: Path) -> None:
    sizes = list[int]()

    def count(messages: Sequence[Message], *others: Any) -> tuple[Posting, ...]:
        sizes.append(len(messages))
        return assemble(messages, *others)

    archive = FakeArchive([patch("0@x")])
    with Repository(tmp_path / "d.db") as store:
        poll = PollJob([archive], store, count, Event(), Silent())
        for at in range(1, 8):
            archive.mails.append(mail(f"{at}@x", "Re: [PATCH] rust: led: read it", to=f"{at - 1}@x"))
            poll.run()
        archive.mails.append(mail("tag@x", "Re: [PATCH]", to="7@x", body="Reviewed-by: Ada <ada@example.org>\n"))
        poll.run()
        (due,) = store.due_for_review(9)

    assert sizes == [2, 9]
    assert [follow_up.trailer for follow_up in due.posting.follow_ups] == ["Reviewed-by: Ada <ada@example.org>"]
