# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.mail.outgoing import Outgoing
from bot.mail.posting_codec import EncodedPosting
from bot.mail.state import MailState
from bot.ports.installation import Attempt
from bot.ports.mails import ParsedMail
from bot.ports.outbox import Candidate, MailChange, Send
from bot.ports.raw_mail import Batch
from bot.review.model import Review
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes.mails import raw
from tests.fakes.outbox import look_at
from tests.fakes.stored import opened

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def _send(candidate: Candidate) -> Send:
    return Send()


def _claim(store: Repository, message_id: str, now: datetime = NOW) -> bool:
    return store.claim(message_id, now, now, _send) is not None


def _keep(store: Repository, make: Maker, number: int = 1, state: str = "queued") -> Outgoing:
    posting = make.posting(revision=number)
    mail = Outgoing(
        f"{number}{'a' * 31}@bot.example.org",
        posting.message_id,
        "review",
        "bot@example.org",
        ("a@example.org", "b@example.org"),
        b"From: x\n\n\xff body",
        NOW,
        mode="list",
        lists=("l@example.org",),
        author="a@example.org",
        state=MailState(state),
    )
    store.save_review(Review(posting, ()), mail, NOW + timedelta(seconds=number))
    return mail


@pytest.mark.parametrize(("state", "due"), [("queued", True), ("approved", True), ("held", False), ("sending", False)])
def test_only_what_may_go_is_due(store: Repository, make: Maker, state: str, due: bool) -> None:
    mail = _keep(store, make, state=state)

    assert store.due_for_delivery(NOW, 10) == ([mail] if due else [])


def test_what_is_due_later_is_not_due_now(store: Repository, make: Maker) -> None:
    _keep(store, make)

    assert store.due_for_delivery(NOW - timedelta(seconds=1), 10) == []


def test_a_mail_is_claimed_once(store: Repository, make: Maker) -> None:
    mail = _keep(store, make)

    assert [_claim(store, mail.message_id, NOW) for _ in range(2)] == [True, False]
    assert [(mail.state, mail.attempts) for mail in store.mails()] == [("sending", 1)]


def test_the_end_of_an_attempt_is_kept(store: Repository, make: Maker) -> None:
    mail = _keep(store, make)
    _claim(store, mail.message_id, NOW)
    store.settle(mail.message_id, MailState.QUEUED, NOW, reason="try later", due=NOW + timedelta(hours=1))

    (queued,) = store.mails(MailState.QUEUED)

    assert (queued.reason, queued.due) == ("try later", NOW + timedelta(hours=1))
    assert store.due_for_delivery(NOW, 10) == []


def test_mails_are_listed_newest_first(store: Repository, make: Maker) -> None:
    first, second = _keep(store, make, 1), _keep(store, make, 2)

    assert store.mails() == [second, first]


def test_a_mail_is_found_by_the_start_of_its_id(store: Repository, make: Maker) -> None:
    first, second = _keep(store, make, 1), _keep(store, make, 2)

    assert store.mail("1a") == first
    assert store.mail(second.message_id) == second
    assert store.mail("%") is None
    assert store.mail("") is None


def test_a_human_decides_from_the_states_that_allow_it(store: Repository, make: Maker) -> None:
    mail = _keep(store, make, state="held")

    assert not store.decide(mail.message_id, [MailState.UNCONFIRMED], MailState.APPROVED, NOW, "by hand")
    assert store.decide(mail.message_id, [MailState.HELD], MailState.APPROVED, NOW, "by hand")
    assert [(mail.state, mail.reason) for mail in store.mails()] == [("approved", "by hand")]


def test_what_waits_too_long_expires_unless_a_human_has_or_had_a_word(store: Repository, make: Maker) -> None:
    _keep(store, make, 1)
    _keep(store, make, 2, state="held")
    _keep(store, make, 3, state="approved")

    assert store.expire(NOW + timedelta(seconds=1), NOW) == 0
    assert store.expire(NOW + timedelta(seconds=9), NOW) == 1
    assert sorted(mail.state for mail in store.mails()) == ["approved", "expired", "held"]


def test_pace_counts_what_left_by_list_author_and_hour(store: Repository, make: Maker) -> None:
    for number in (1, 2, 3, 4):
        mail = _keep(store, make, number)
        _claim(store, mail.message_id, NOW - timedelta(hours=number - 1, minutes=-1))
    _claim(store, _keep(store, make, 8).message_id, NOW + timedelta(days=2))  # the clock was ahead
    untried, mail = _keep(store, make, 5), _keep(store, make, 6)
    store.settle(untried.message_id, MailState.REFUSED, NOW)
    long_ago = NOW - timedelta(days=9)

    pace = look_at(store, mail.message_id, NOW, long_ago).pace

    assert (pace.list_day, pace.author_day, pace.hour) == (4, 4, 2)
    assert (pace.refused, pace.tried) == (0, 4)

    _claim(store, _keep(store, make, 7).message_id, NOW)
    store.settle(f"7{'a' * 31}@bot.example.org", MailState.REFUSED, NOW + timedelta(minutes=1))

    assert look_at(store, mail.message_id, NOW, long_ago).pace.refused == 1
    assert look_at(store, mail.message_id, NOW, NOW + timedelta(minutes=2)).pace.refused == 0


def test_pace_counts_the_mails_on_all_revisions_of_a_series(store: Repository, make: Maker) -> None:
    postings = [make.posting(revision=number) for number in (1, 2)]
    ids = [posting.message_id for posting in postings]
    store.ingest(Batch("l", "0", "c", tuple(raw(message_id.encode()) for message_id in ids)))
    store.index(
        [ParsedMail(mail.id, name, ("r@x",), "d") for mail, name in zip(store.unparsed(9), ids, strict=True)], []
    )
    store.save_threads([(store.unassembled(1)[0], tuple(map(EncodedPosting.of, postings)))])
    first, second = _keep(store, make, 1), _keep(store, make, 2)
    _claim(store, first.message_id, NOW)

    assert look_at(store, second.message_id, NOW, NOW).pace.series == 1


def test_our_own_mail_is_found_in_what_came(store: Repository, make: Maker) -> None:
    mail = _keep(store, make)
    store.ingest(Batch("l", "0", "c", (raw(b"an answer to it"),)))
    store.index([ParsedMail(store.unparsed(1)[0].id, "answer@x", (mail.message_id,), "d")], [])
    assert not store.archived(mail.message_id)

    store.ingest(Batch("l", "0", "d", (raw(b"itself"),)))
    store.index([ParsedMail(store.unparsed(1)[0].id, mail.message_id, (), "d")], [])

    assert store.archived(mail.message_id)


def test_the_first_reply_to_our_mail_is_found_by_its_posting(store: Repository, make: Maker) -> None:
    posting = make.posting(revision=1)
    mail = _keep(store, make, 1)
    replied_to = {"robot@x": "", "first@x": mail.message_id, "second@x": mail.message_id, posting.message_id: ""}
    store.ingest(Batch("l", "0", "c", tuple(raw(message_id.encode()) for message_id in replied_to)))
    store.index(
        [
            ParsedMail(stored.id, message_id, (mail.message_id,), "d", in_reply_to=replied_to[message_id])
            for stored, message_id in zip(store.unparsed(9), replied_to, strict=True)
        ],
        [],
    )
    store.save_threads([(store.unassembled(1)[0], [EncodedPosting.of(posting)])])

    assert store.replies(posting.topic) == {posting.message_id: "first@x"}
    assert store.replies("another topic") == {}


@pytest.mark.parametrize("before", ["queued", "held", "approved", ""])
@pytest.mark.parametrize("after", [MailState.SENT, MailState.UNCONFIRMED])
def test_a_mail_that_the_ledger_knows_is_no_delivery_of_this_process(
    tmp_path: Path, make: Maker, before: str, after: MailState
) -> None:
    changes: list[MailChange] = []
    with Repository(tmp_path / "d.db", on_change=changes.append) as store:
        known = before and _keep(store, make, state=before).message_id
        attempt = Attempt(known or "new@bot.example.org", "review", make.posting().message_id, count=2)
        store.adopt(attempt, after, "known from the ledger", b"", NOW)

        stored = store.mail(attempt.message_id)
    with opened(tmp_path / "d.db") as connection:
        counted = connection.execute("SELECT label, value FROM counter WHERE name = 'delivery'").fetchall()

    assert stored is not None
    assert (stored.state, stored.attempts, stored.reason) == (after, 2, "known from the ledger")
    assert changes[-1].mail == stored
    assert counted == []
