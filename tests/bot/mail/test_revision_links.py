# SPDX-License-Identifier: GPL-2.0-or-later
"""Links of an author to earlier revisions."""

from dataclasses import replace

import pytest

from bot.mail.address import Address
from bot.mail.revision_links import (
    KnownRevision,
    RevisionLink,
    find_continued_topic,
    find_revision_links,
    known_revision,
    revision_links,
)
from tests.bot.review.factories import Maker

URL = "https://lore.kernel.org/r/20260301-led-v1-0-a@example.org"
LINK = RevisionLink(1, "20260301-led-v1-0-a@example.org")
MAKE = Maker()


@pytest.mark.parametrize(
    "text",
    [
        f"Changes in v2:\n- Add a lock.\n- Link to v1: {URL}\n",
        f"v1: {URL}/",
        f"* v1: <{URL}/T/#u>.",
        f"  [1] v1: {URL}",
        f"PATCH V1: {URL}",
        f"v1 -> v2: {URL}",
        f"Changes since v1 ({URL}):",
        f"RFC v1 was posted at {URL}",
        f"v1:\n  {URL}",
        "v1: https://lore.kernel.org/20260301-led-v1-0-a@example.org",
    ],
)
def test_a_line_that_begins_with_a_revision_links_to_it(text: str) -> None:
    assert list(find_revision_links(text)) == [LINK]


@pytest.mark.parametrize(
    "text",
    [
        f"Depends on v1 of the fan series: {URL}",
        f"Based on v1: {URL}",
        f"v1 of the fan series: {URL}",
        f"[1] {URL}",
        f"v1: Ben asked for a lock.\nLink: {URL}",
        f"Changes in v1:\n\n\n{URL}",
        "v1: https://example.org/",
        "v1: see below",
        f"ipv1: {URL}",
    ],
)
def test_other_links_are_not_to_revisions(text: str) -> None:
    assert list(find_revision_links(text)) == []


def test_the_links_of_a_posting_are_those_to_earlier_revisions_the_latest_first() -> None:
    address = "https://lore.kernel.org/r/"
    notes = "".join(f"v{number}: {address}{number}@example.org\n" for number in (1, 2, 3, 4))
    posting = MAKE.posting((replace(MAKE.patch(1), notes=notes), replace(MAKE.patch(2), notes=URL)), revision=3)
    posting = replace(posting, series=replace(posting.series, cover=f"- Link to v1: {URL}\n"))
    first = MAKE.posting((replace(MAKE.patch(), notes=notes),), revision=1)

    assert revision_links(posting) == (RevisionLink(2, "2@example.org"), LINK, RevisionLink(1, "1@example.org"))
    assert revision_links(first) == ()


@pytest.mark.parametrize(
    ("author", "number", "topic"),
    [
        (Address("Ada Author", "ada@example.org"), 1, "valves"),
        (Address("Ada Author", "ada@new.example.org"), 1, "valves"),
        (Address("Ben", "ben@example.org"), 1, MAKE.posting(revision=3).title_topic),
        (Address("Ada Author", "ada@example.org"), 2, MAKE.posting(revision=3).title_topic),
    ],
)
def test_a_link_continues_a_series_of_the_same_person_whose_revision_has_the_number(
    author: Address, number: int, topic: str
) -> None:
    posting = MAKE.posting(revision=3)
    known = {LINK.message_id: KnownRevision("valves", number, author)}

    assert find_continued_topic(posting, "", (RevisionLink(2, "2@example.org"), LINK), known.get) == topic
    assert find_continued_topic(posting, "pumps", (LINK,), known.get) == "pumps"


def test_what_is_known_of_a_posting_are_its_topic_its_revision_and_its_author() -> None:
    posting = MAKE.posting(revision=2)

    assert known_revision(posting) == KnownRevision(posting.topic, 2, posting.author)
