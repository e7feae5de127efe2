# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pending postings belong together, so that a collision of them is not news."""

from dataclasses import replace

import pytest

from bot.mail.address import Address
from bot.review.pending import (
    MAX_MENTIONS,
    PendingPosting,
    are_related,
    continues,
    find_mentions,
    pending_posting,
)
from rules.bindings.pending_facts import PatchIdentity, PendingFacts
from tests.bot.review.factories import DATE, Maker

_LINK = "https://lore.kernel.org/rust-for-linux/20260301120000.1-1-ben@example.org/"
_ID = "20260301120000.1-1-ben@example.org"


def _pending(make: Maker, **changes: object) -> PendingPosting:
    return replace(pending_posting(make.posting(), PendingFacts(), DATE), **changes)  # type: ignore[arg-type]


def _other(**changes: object) -> PendingPosting:
    values: dict[str, object] = {"ids": (_ID,)} | changes
    plain = PendingPosting(_ID, "ben@example.org led", "ben@example.org", "ben", "rust: led", 1, DATE)
    return replace(plain, **values)  # type: ignore[arg-type]  # the values are a field each


def _related(posting: PendingPosting, other: PendingPosting) -> bool:
    """Tell whether the two are related, which must not depend on their order."""
    result = are_related(posting, other, ())
    assert are_related(other, posting, ()) is result
    return result


def test_postings_of_strangers_are_not_related(make: Maker) -> None:
    assert not _related(_pending(make), _other())


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "ada@example.org rust: led"},
        {"author": "ada@example.org"},
        {"name": "ada author"},
        {"references": ("v1.1@example.org",)},
        {"mentions": ("v1.1@example.org",)},
        {"change_id": "20260301-led-1"},
        {"prerequisite_changes": ("20260301-led-1",)},
        {"prerequisite_patches": ("1" * 40,)},
    ],
)
def test_authors_threads_revisions_and_prerequisites_relate_postings(make: Maker, changes: dict[str, object]) -> None:
    facts = PendingFacts(patches=(PatchIdentity(1, "rust: led", "1" * 40),))
    posting = _pending(make, facts=facts, change_id="20260301-led-1")

    assert _related(posting, _other(**changes))


@pytest.mark.parametrize(
    ("changes", "is_later"),
    [
        ({"author": "ben@example.org"}, True),
        ({"name": "ben"}, True),
        ({"change_id": "20260301-led-1"}, True),
        ({}, False),
        ({"author": "ben@example.org", "revision": 1}, False),
        ({"author": "ben@example.org", "earlier": ()}, False),
    ],
)
def test_a_revision_continues_the_one_that_it_links_to(make: Maker, changes: dict[str, object], is_later: bool) -> None:
    posting = replace(_pending(make, revision=2, earlier=(_ID,)), **changes)  # type: ignore[arg-type]  # a field each

    assert continues(posting, _other(change_id="20260301-led-1")) is is_later
    assert not continues(replace(posting, name="", change_id="", author="eve@example.org"), _other(name=""))


def test_a_pending_posting_has_the_links_to_its_earlier_revisions(make: Maker) -> None:
    posting = make.posting(revision=3)
    posting = replace(posting, series=replace(posting.series, cover=f"- Link to v2: {_LINK}\n\nNeeds {_LINK}x\n"))

    assert pending_posting(posting, PendingFacts(), DATE).earlier == (_ID,)


def test_empty_ids_relate_nothing(make: Maker) -> None:
    facts = PendingFacts(patches=(PatchIdentity(1, "rust: led"),))

    assert not _related(_pending(make, facts=facts, name=""), _other(prerequisite_patches=("",), name=""))


def test_the_mention_of_an_earlier_revision_relates_the_topics(make: Maker) -> None:
    posting, other = _pending(make), _other()

    assert are_related(posting, other, [other.topic])
    assert are_related(other, posting, [posting.topic])
    assert not are_related(posting, other, ["another topic"])


@pytest.mark.parametrize(
    "text",
    [
        f"This series is based on [1].\n\n[1] {_LINK}",
        f"See {_LINK}T/#u for the C part.",
        f"https://patch.msgid.link/{_ID}.",
        f"Depends-on: <{_ID}>",
        f"  Based-on: {_ID}",
        f"prerequisite-message-id: <{_ID}>",
        f"It replaces <{_ID}>",
    ],
)
def test_a_text_mentions_a_mail_by_link_or_message_id(text: str) -> None:
    assert _ID in set(find_mentions(text))


@pytest.mark.parametrize("text", [_ID, "https://example.org/", "<no id>", "Depends-on: rust-next"])
def test_other_texts_mention_no_mail(text: str) -> None:
    assert list(find_mentions(text)) == []


def test_the_texts_of_all_parts_are_searched(make: Maker) -> None:
    plain = make.posting(cover=True)
    (patch,) = plain.series.patches
    patch = replace(
        patch, log="Log <1@x.org>.", notes="Depends-on: 2@x.org", trailers=(f"Link: {_LINK}", "Acked-by: 3@x")
    )
    body = "Text\nprerequisite-change-id: 20260301-led-1:v2\nprerequisite-change-id: 20260301-fan-1\n"
    parts = (plain.parts[0], replace(plain.parts[1], body=body))
    series = replace(plain.series, cover="Cover <4@x.org>.", patches=(patch,), prerequisites=("1" * 40,), change_id="c")
    author = Address("Ada  Author", "Ada@Example.org")

    posting = pending_posting(replace(plain, series=series, parts=parts, author=author), PendingFacts(), DATE)

    assert posting.mentions == ("4@x.org", "2@x.org", "1@x.org", _ID)
    assert posting.prerequisite_changes == ("20260301-led-1", "20260301-fan-1")
    assert (posting.prerequisite_patches, posting.change_id) == (("1" * 40,), "c")
    assert (posting.author, posting.name) == ("ada@example.org", "ada author")
    assert (posting.ids, posting.references) == (("v1.0@example.org", "v1.1@example.org"), ("v1.0@example.org",))


def test_the_number_of_mentions_is_limited(make: Maker) -> None:
    plain = make.posting()
    cover = " ".join(f"<{number}@x.org>" for number in range(MAX_MENTIONS + 1))

    posting = pending_posting(replace(plain, series=replace(plain.series, cover=cover)), PendingFacts(), DATE)

    assert len(posting.mentions) == MAX_MENTIONS
