# SPDX-License-Identifier: GPL-2.0-or-later
"""The work of the store for a round: statements, transactions and decoded postings, counted."""

from collections import Counter
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

import bot.store.codec
from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.posting_codec import decode_posting
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.ports.postings import DuePosting
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes.mails import FakeArchive, mail, patch
from tests.fakes.origin import FakeClock
from tests.statements import traced

pytestmark = pytest.mark.sqlite  # whose driver reports the statements

MAX_STATEMENTS_A_REVIEW = 22  # four of them write the rows for the web pages, two say where changes are undone
MAX_TRANSACTIONS_A_REVIEW = 4
MAX_STATEMENTS_A_MAIL = 15  # a mail that is alone in its thread; a batch of rows counts as many statements
COMMANDS = {
    "BEGIN": "transactions",
    "COMMIT": "commits",
    "ROLLBACK": "rollbacks",
    "SAVEPOINT": "parts",
    "RELEASE": "ends",
}


@pytest.fixture
def counted(store: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The counts of the store's statements, transactions and commits, and of the postings decoded with their texts."""
    counts: Counter[str] = Counter()

    def note(statement: str) -> None:
        counts.update([COMMANDS.get(statement.split(maxsplit=1)[0], "statements")])

    def counting(*values: Any, with_texts: bool = True, **named: Any) -> Any:
        counts["decoded"] += with_texts
        return decode_posting(*values, with_texts=with_texts, **named)

    def decoding(due: DuePosting) -> Any:
        counts["decoded"] += 1
        return decode(due)

    decode = DuePosting.with_texts
    monkeypatch.setattr(bot.store.codec, "decode_posting", counting)
    monkeypatch.setattr(DuePosting, "with_texts", decoding)
    with traced(store, note):
        yield counts


def _poll(store: Repository, mails: list[bytes]) -> None:
    PollJob([FakeArchive(mails, f"list {len(mails)}")], store, assemble, Event(), Silent()).run()


@pytest.mark.parametrize("number", [100, 400])
def test_a_poll_has_a_few_statements_for_hundreds_of_mails(
    store: Repository, counted: Counter[str], number: int
) -> None:
    _poll(store, [mail(f"{at}@x", f"hello {at}") for at in range(number)])

    assert counted["statements"] <= 30 + MAX_STATEMENTS_A_MAIL * number
    assert counted["commits"] <= 3 + number // 50  # a batch of mails and its cursor, the read mails, 50 threads each
    assert counted["decoded"] == 0


@pytest.mark.parametrize("number", [10, 40])
def test_a_review_without_a_finding_decodes_no_text_and_has_few_statements(
    store: Repository, counted: Counter[str], make: Maker, number: int
) -> None:
    _poll(store, [patch(f"{at}@x", f"led{at}") for at in range(number)])
    counted.clear()
    context = ReviewContext((make.rule(),), Policy(), Identity(Address("", "bot@example.org"), "1"))
    outcomes = ReviewJob(store, Analyser(), context, FakeClock(), Event(), Silent()).run()

    assert len(outcomes) == number
    # The analyser of this test runs in the process of the job and decodes each posting once, elsewhere than counted.
    assert counted["decoded"] == 0
    assert counted["statements"] <= 10 + MAX_STATEMENTS_A_REVIEW * number
    assert counted["transactions"] <= 10 + MAX_TRANSACTIONS_A_REVIEW * number
    assert counted["commits"] <= 2 + number
