# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime, timedelta

import pytest

from bot.ports import Outgoing
from bot.review.comment import Review
from bot.store.repository import Repository
from tests.bot.review.making import Maker

NOW = datetime(2026, 3, 3, tzinfo=UTC)


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
        state=state,
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

    assert [store.claim(mail.message_id, NOW) for _ in range(2)] == [True, False]
    assert [(one.state, one.attempts) for one in store.mails()] == [("sending", 1)]


def test_the_end_of_an_attempt_is_kept(store: Repository, make: Maker) -> None:
    mail = _keep(store, make)
    store.claim(mail.message_id, NOW)
    store.settle(mail.message_id, "queued", NOW, reason="try later", due=NOW + timedelta(hours=1))

    (kept,) = store.mails("queued")

    assert (kept.reason, kept.due) == ("try later", NOW + timedelta(hours=1))
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
