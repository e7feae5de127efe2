# SPDX-License-Identifier: GPL-2.0-or-later
"""A digest tells the readers of both series that they collide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.digest.html import digest_html
from bot.digest.model import Digest
from bot.digest.period import Period
from bot.digest.selection import DigestInput, digest
from bot.digest.text import digest_text
from bot.mail.posting import Posting
from bot.review.record import CollisionRecord
from rules.bindings.pending_facts import PendingKind
from tests.bot.review.factories import Maker

UNTIL = datetime(2026, 3, 9, 7, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> \x1b[31m"


def _record(make: Maker, kind: PendingKind = PendingKind.REWRITE, name: str = "rust/kernel/led.rs") -> CollisionRecord:
    posting = make.posting()
    other = replace(posting, message_id="ben@example.org", topic="ben", series=replace(posting.series, subject=HOSTILE))
    return CollisionRecord(posting, other, kind.value, name)


def _digest(*records: CollisionRecord, concerned: str = "") -> Digest:
    content = DigestInput(Period(UNTIL - timedelta(days=7), UNTIL), collisions=records)

    def concerns(posting: Posting) -> bool:
        return not concerned or posting.message_id == concerned

    return digest("ada@example.org", content, concerns)


def test_both_series_are_named_with_their_links(make: Maker) -> None:
    text = digest_text(_digest(_record(make)), "1.0")

    assert "1 pair of pending series collides." in text
    assert (
        "Pending series that collide\n===========================\n\n"
        "both rewrite the same lines of `rust/kernel/led.rs`:\n> rust: led\n>   Ada Author\n"
        ">   https://lore.kernel.org/r/v1.1@example.org/\n> <script>alert(1)</script> <U+001B>[31m\n>   Ada Author\n"
        ">   https://lore.kernel.org/r/ben@example.org/\n"
    ) in text


def test_the_page_names_both_and_escapes_their_subjects(make: Maker) -> None:
    page = digest_html(_digest(_record(make)), "1.0")

    assert "<h2>Pending series that collide</h2>" in page
    assert 'href="https://lore.kernel.org/r/ben@example.org/"' in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (PendingKind.C_CHANGE, "one changes the C declaration `a`, the other begins to use it"),
        (PendingKind.C_USE, "one changes the C declaration `a`, the other begins to use it"),
        (PendingKind.ADDED, "both add `a` in different forms"),
        (PendingKind.ITEM_CHANGE, "one changes `a`, the other begins to use it"),
        (PendingKind.ITEM_USE, "one changes `a`, the other begins to use it"),
    ],
)
def test_the_cause_is_a_phrase(make: Maker, kind: PendingKind, expected: str) -> None:
    assert expected in digest_text(_digest(_record(make, kind, "a")), "1.0")


@pytest.mark.parametrize(("concerned", "count"), [("v1.1@example.org", 1), ("ben@example.org", 1), ("x@x", 0)])
def test_the_readers_of_either_series_get_the_pair(make: Maker, concerned: str, count: int) -> None:
    digest_of_reader = _digest(_record(make), concerned=concerned)

    assert (len(digest_of_reader.collisions), digest_of_reader.is_empty) == (count, not count)


def test_only_some_entries_fit(make: Maker) -> None:
    text = digest_text(_digest(*[_record(make)] * 3), "1.0", max_entries=2)

    assert "3 pairs of pending series collide." in text
    assert text.count("> rust: led\n") == 2
    assert "And 1 more." in text
