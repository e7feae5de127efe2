# SPDX-License-Identifier: GPL-2.0-or-later
"""A replay compares each posting with those that were pending when it was sent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cli.progress import Silent
from bot.kernel.specs import RepositorySpecs
from bot.mail.refusal import RefusalTerms
from bot.pipeline.context import ReviewContext
from bot.pipeline.pending import PendingMemory
from bot.pipeline.replay import ReplayedPosting, replay
from bot.ports.pending import MAX_CANDIDATES, PendingUpdate
from bot.review.pending import PendingPosting
from rules.bindings.pending_facts import PendingFact, PendingFacts, PendingKind
from rules.finding import Anchor
from rules.lint.rule import Status
from rules.registry import by_id
from tests.bot.review.factories import Maker
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive
from tests.fakes.pending import DAY, colliding
from tests.growth import assert_linear

RULE = "collides-with-pending"


def _collisions(make: Maker, *archives: Sequence[bytes], terms: RefusalTerms | None = None) -> dict[str, list[str]]:
    """Return the ids of the postings in the order of their reviews, each with those that it collides with."""
    rule = by_id(RULE)
    assert rule is not None
    context = ReviewContext((rule,), identity=make.identity, recipients=consenting(), pending=60 * DAY)
    context = context if terms is None else replace(context, terms=terms)
    events = replay([FakeArchive(list(mails)) for mails in archives], RepositorySpecs(), context, None, 1, Silent())
    reviews = [event.result.review for event in events if isinstance(event, ReplayedPosting)]
    return {
        review.posting.message_id: [dict(entry.finding.facts)["message-id"] for entry in review.current]
        for review in reviews
    }


def test_the_later_posting_collides_in_any_order_of_the_archives(make: Maker) -> None:
    early, late = colliding("ada", 2), colliding("ben", 3, sent=START + DAY)

    for archives in ([[early, late]], [[late, early]], [[late], [early]]):
        collisions = _collisions(make, *archives)

        assert list(collisions.items()) == [("ada.1@example.org", []), ("ben.1@example.org", ["ada.1@example.org"])]


@pytest.mark.parametrize(("status", "quoted"), [(Status.PREVIEW, 0), (Status.STABLE, 1)])
def test_the_finding_names_the_other_posting_and_a_mail_quotes_the_patch(
    make: Maker, status: Status, quoted: int
) -> None:
    rule = by_id(RULE)
    assert rule is not None
    rules = (replace(rule, status=status),)
    context = ReviewContext(rules, identity=make.identity, recipients=consenting(), pending=60 * DAY)
    mails = [colliding("ada", 2), colliding("ben", 3, sent=START + DAY)]

    *_, event = replay([FakeArchive(mails)], RepositorySpecs(), context, None, 1, Silent())

    assert isinstance(event, ReplayedPosting)
    (entry,) = event.result.review.current
    assert entry.finding.place == "rust/kernel/lamp.rs:13"
    (evidence,) = entry.finding.evidence
    assert evidence.origin == "ada.1@example.org"
    assert evidence.lines == (
        "rust: lamp: glow for ada",
        "https://lore.kernel.org/r/ada.1@example.org/",
        "rust/kernel/lamp.rs:13: self.dim(level);",
    )
    assert [len(patch.changes[0].hunks) for patch in event.result.review.posting.series.patches] == [quoted]
    content = event.result.outgoing.content if event.result.outgoing is not None else b""
    assert content.count(b"> @@ -10,6 +10,6 @@ impl Lamp {") == quoted


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (colliding("ben", 2, sent=START + DAY), "the patches are equal"),
        (colliding("ada", 3, sent=START + DAY, revision=2), "it is a revision"),
        (colliding("ben", 3, sent=START + DAY, text="Depends-on: <ada.1@example.org>"), "it depends on the other"),
        (colliding("ben", 3, sent=START + DAY, to="ada.1@example.org"), "it is in the thread"),
        (colliding("ben", 3, sent=START + 61 * DAY), "the other is not pending any more"),
    ],
)
def test_related_equal_and_old_postings_do_not_collide(make: Maker, second: bytes, reason: str) -> None:
    collisions = _collisions(make, [colliding("ada", 2), second])

    assert collisions["ada.1@example.org"] == []
    assert not any(collisions.values()), reason


def test_the_newest_revision_is_pending(make: Maker) -> None:
    first, second = colliding("ada", 2), colliding("ada", 3, sent=START + DAY, revision=2)
    same_as_first = colliding("ben", 2, sent=START + 2 * DAY)

    collisions = _collisions(make, [first, second, same_as_first])

    assert collisions["ben.1@example.org"] == ["ada.2@example.org"]


def test_a_revision_with_another_title_is_pending_in_the_place_of_the_one_that_it_links_to(make: Maker) -> None:
    link = b"---\nv1: https://lore.kernel.org/r/ada.1@example.org/\n\ndiff"
    first, second = colliding("ada", 2), colliding("ada", 3, sent=START + DAY, revision=2)
    second = second.replace(b"glow for ada", b"shine").replace(b"---\ndiff", link)

    collisions = _collisions(make, [first, second, colliding("ben", 4, sent=START + 2 * DAY)])

    assert collisions["ben.1@example.org"] == ["ada.2@example.org"]


def test_a_posting_that_names_an_earlier_revision_does_not_collide(make: Maker) -> None:
    first, second = colliding("ada", 2), colliding("ada", 3, sent=START + DAY, revision=2)
    third = colliding("ben", 4, sent=START + 2 * DAY, text="On top of https://lore.kernel.org/r/ada.1@example.org/")

    assert _collisions(make, [first, second, third])["ben.1@example.org"] == []


def test_a_refused_posting_is_not_pending(make: Maker) -> None:
    mails = [colliding("ada", 2), colliding("ben", 3, sent=START + DAY)]

    collisions = _collisions(make, mails, terms=RefusalTerms(bots=frozenset({"ada@example.org"}), stale=None))

    assert collisions == {"ben.1@example.org": []}


def test_no_posting_is_compared_without_a_time(make: Maker) -> None:
    rule = by_id(RULE)
    assert rule is not None
    context = ReviewContext((rule,), identity=make.identity, recipients=consenting(), pending=timedelta())
    mails = [colliding("ada", 2), colliding("ben", 3, sent=START + DAY)]

    events = list(replay([FakeArchive(mails)], RepositorySpecs(), context, None, 1, Silent()))

    assert not any(event.result.review.findings for event in events if isinstance(event, ReplayedPosting))


@pytest.mark.parametrize("facts", [1, 2_000])
def test_many_pending_postings_take_linear_time(facts: int) -> None:
    def make(size: int) -> list[PendingPosting]:
        return [_pending(at, f"lamp{at % facts}") for at in range(size)]

    def compare(postings: Sequence[PendingPosting]) -> None:
        memory = PendingMemory()
        for at, posting in enumerate(postings):
            newest = memory.pending_with(posting.facts.keys)
            assert newest == postings[:at][-facts::-facts][:MAX_CANDIDATES]
            memory.update(PendingUpdate(posting, START, ()))

    assert_linear(make, compare, 500)


def test_old_postings_are_not_pending() -> None:
    memory = PendingMemory()
    old, new = _pending(1, "lamp"), _pending(2, "lamp")
    memory.update(PendingUpdate(old, START, ()))

    memory.update(PendingUpdate(new, new.sent, ()))

    assert [new] == memory.pending_with(new.facts.keys)


def _pending(number: int, name: str) -> PendingPosting:
    fact = PendingFact(PendingKind.ADDED, name, Anchor(1, "lamp.rs", "post", 1, 1, ""), "", "")
    return PendingPosting(
        message_id=f"{number}@x",
        topic=f"series {number}",
        author="ada@example.org",
        name="ada",
        subject="rust: lamp",
        revision=1,
        sent=START + timedelta(minutes=number),
        facts=PendingFacts((fact,)),
    )
