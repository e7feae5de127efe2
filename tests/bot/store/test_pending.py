# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bot.mail.posting_codec import EncodedPosting
from bot.ports.mails import ParsedMail
from bot.ports.pending import MAX_CANDIDATES, FoundCollision, PendingUpdate
from bot.ports.raw_mail import Batch
from bot.review.model import Review
from bot.review.pending import PendingPosting, pending_posting
from bot.store.repository import Repository
from rules.bindings.pending_facts import PendingFact, PendingFacts, PendingKind
from rules.finding import Anchor
from tests.bot.review.factories import DATE, Maker
from tests.fakes.mails import mail, raw

NOW = DATE + timedelta(days=1)
OLDEST = NOW - timedelta(days=60)


def _fact(kind: PendingKind = PendingKind.C_CHANGE, name: str = "led_on") -> PendingFact:
    return PendingFact(kind, name, Anchor(1, "include/linux/led.h", "pre", 7, 1, "int led_on(void);"), "a", "b")


def _pending(make: Maker, *facts: PendingFact, **changes: object) -> PendingPosting:
    posting = pending_posting(make.posting(), PendingFacts(facts or (_fact(),)), DATE)
    return replace(posting, **changes)  # type: ignore[arg-type]  # the values are a field each


def _save(store: Repository, make: Maker, *postings: PendingPosting, now: datetime = NOW) -> None:
    for posting in postings:
        store.save_review(Review(make.posting(), ()), None, now, PendingUpdate(posting, now - timedelta(days=60)))


def _ids(store: Repository, *keys: tuple[PendingKind, str]) -> list[str]:
    return [posting.message_id for posting in store.pending_with(keys)]


def _dump(store: Repository) -> list[object]:
    with store._database.reading() as session:
        return [
            session.connection().execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3")).all()
            for table in ("pending", "pending_fact")
        ]


def test_a_pending_posting_is_found_by_its_facts_and_comes_back_equal(store: Repository, make: Maker) -> None:
    posting = _pending(make, _fact(), _fact(PendingKind.ITEM_USE, "kernel::page::Page::new"))
    _save(store, make, posting)

    assert list(store.pending_with([(PendingKind.C_CHANGE, "led_on")])) == [posting]
    assert list(store.pending_with([(PendingKind.ITEM_USE, "kernel::page::Page")])) == [posting]
    assert _ids(store, (PendingKind.C_USE, "led_on"), (PendingKind.ITEM_USE, "kernel")) == []
    assert list(store.pending_postings()) == [store.find_pending(posting.message_id)] == [posting]


def test_a_newer_revision_replaces_an_older_one_in_any_order(store: Repository, make: Maker) -> None:
    first = _pending(make)
    second = _pending(make, _fact(name="led_off"), message_id="v2@x", revision=2, sent=DATE + timedelta(hours=1))
    for order in ((first, second), (second, first)):
        _save(store, make, *order)

        assert (_ids(store, (PendingKind.C_CHANGE, "led_on")), _ids(store, (PendingKind.C_CHANGE, "led_off"))) == (
            [],
            ["v2@x"],
        )


def test_a_revision_with_another_title_replaces_the_one_that_it_links_to(store: Repository, make: Maker) -> None:
    first, other = _pending(make), _pending(make, message_id="other@x", topic="other", author="eve", name="eve")
    links = (first.message_id, "other@x", "unknown@x")
    second = _pending(make, _fact(name="led_off"), message_id="v2@x", topic="title", revision=2, earlier=links)
    _save(store, make, first, other, second)

    assert set(store.pending_postings()) == {other, second}


def test_postings_leave_the_table_when_they_are_old_applied_or_gone(store: Repository, make: Maker) -> None:
    old = _pending(make, message_id="old@x", topic="old", sent=OLDEST - timedelta(seconds=1))
    young = _pending(make, message_id="young@x", topic="young", sent=OLDEST)
    applied = _pending(make, message_id="applied@x", topic="applied")
    _save(store, make, old, young, applied)
    assert _ids(store, (PendingKind.C_CHANGE, "led_on")) == ["applied@x", "young@x"]

    assert store.forget_pending(["applied@x", "unknown@x"]) == 1
    _save(store, make, _pending(make, topic="last"), now=NOW + timedelta(seconds=1))

    assert [posting.topic for posting in store.pending_postings()] == ["last"]
    assert [len(rows) for rows in _dump(store)] == [1, 1]  # type: ignore[arg-type]


def test_a_rebuild_from_the_same_postings_changes_nothing(store: Repository, make: Maker) -> None:
    _save(store, make, _pending(make), _pending(make, _fact(name="led_off"), message_id="b@x", topic="b"))
    before = _dump(store)
    postings = store.pending_postings()
    store.forget_pending(["b@x"])

    store.rebuild_pending(postings)

    assert _dump(store) == before


def test_only_the_newest_candidates_are_compared(store: Repository, make: Maker) -> None:
    count = MAX_CANDIDATES + 1
    postings = [
        _pending(make, message_id=f"{number}@x", topic=str(number), sent=DATE + timedelta(seconds=number))
        for number in range(count)
    ]
    store.rebuild_pending(postings)

    ids = _ids(store, (PendingKind.C_CHANGE, "led_on"))

    assert (len(ids), ids[0], ids[-1]) == (MAX_CANDIDATES, f"{count - 1}@x", "1@x")


def test_many_facts_and_keys_fit_into_the_queries(store: Repository, make: Maker) -> None:
    names = [f"name_{number}" for number in range(3_000)]
    _save(store, make, _pending(make, *(_fact(name=name) for name in names)))

    assert len(store.pending_with([(PendingKind.C_CHANGE, name) for name in names])) == 1


@pytest.mark.parametrize("mentioned", ["v1.1@example.org", "reply@x"])
def test_a_mail_leads_to_the_topics_of_its_thread(store: Repository, make: Maker, mentioned: str) -> None:
    posting = make.posting()
    ids = [posting.message_id, "reply@x"]
    store.ingest(Batch("l", "0", "1", tuple(raw(mail(name), number) for number, name in enumerate(ids))))
    store.index(
        [ParsedMail(stored.id, name, ("root@x",), "d") for stored, name in zip(store.unparsed(9), ids, strict=True)],
        [],
    )
    store.save_threads([(store.unassembled(9)[0], [EncodedPosting.of(posting)])])

    assert store.topics_of([mentioned, "unknown@x"]) == {posting.topic}


def test_a_collision_is_stored_once_for_both_orders(store: Repository, make: Maker) -> None:
    posting = make.posting()
    other = replace(posting, message_id="other@x", topic="other")
    ids = ["v1.1@example.org", "other@x"]
    store.ingest(Batch("l", "0", "1", tuple(raw(mail(name), number) for number, name in enumerate(ids))))
    store.index([ParsedMail(stored.id, name, (), "d") for stored, name in zip(store.unparsed(9), ids, strict=True)], [])
    store.save_threads(
        [
            (thread, [EncodedPosting.of(member)])
            for thread, member in zip(store.unassembled(9), (posting, other), strict=True)
        ]
    )
    mine, theirs = _pending(make), _pending(make, message_id="other@x", topic="other")
    for first, second, now in ((mine, theirs, NOW), (theirs, mine, NOW + timedelta(days=7))):
        collisions = (FoundCollision(second, PendingKind.C_CHANGE, "led_on"),)
        store.save_review(Review(posting, ()), None, now, PendingUpdate(first, OLDEST, collisions))

    (record,) = store.new_collisions(NOW, NOW + timedelta(days=1))

    assert (record.posting, record.other, record.name) == (posting, other, "led_on")
    assert list(store.new_collisions(NOW + timedelta(days=1), datetime(2027, 1, 1, tzinfo=UTC))) == []
