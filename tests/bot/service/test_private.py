# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mail that reached our own mailbox alone can never become, and what a mail that was only found cannot."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.inbox.private import PrivateMailbox
from bot.mail.address import Address
from bot.mail.posting import Complete, Posting, Waiting
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.ports.archive import Archive
from bot.ports.raw_mail import Batch, Provenance
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.registry import active
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, mail, patch, raw
from tests.fakes.origin import FakeClock

FIRST, SECOND = patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 2/2", to="1@x")


def poll(store: Repository, *archives: Archive) -> None:
    PollJob(archives, store, assemble, Event(), Silent()).run()


def public(*mails: bytes, name: str = "list") -> FakeArchive:
    return FakeArchive(mails, f"{name} {hash(mails)}")


def private(*mails: bytes) -> PrivateMailbox:
    return PrivateMailbox(FakeArchive(mails, f"mailbox {hash(mails)}"))


def find(store: Repository, *mails: bytes) -> None:
    """Ingest mails as backfill does."""
    copies = tuple(raw(content, 60) for content in mails)
    store.ingest(Batch("https://lore.example.org/all", "found", str(hash(mails)), copies, provenance=Provenance.FOUND))
    poll(store)


def due(store: Repository) -> list[str]:
    return [row.posting.message_id for row in store.due_for_review(9)]


def by_another_way(content: bytes) -> bytes:
    return b"Received: from elsewhere\n" + content


def review(store: Repository) -> list[str]:
    """Review what is due; why each posting was refused."""
    review_context = ReviewContext(active(), Policy(), Identity(Address("bot", "b@example.org"), "1"), consenting())
    return [
        outcome.refused
        for outcome in ReviewJob(store, Analyser(), review_context, FakeClock(), Event(), Silent()).run()
    ]


def posting(store: Repository, message_id: str) -> Posting:
    mail = store.find(message_id)
    assert mail is not None
    return mail.posting


def test_a_private_patch_is_no_posting(store: Repository) -> None:
    poll(store, private(patch("1@x")))

    assert store.find("1@x") is None
    assert due(store) == []
    assert [(mail.state, mail.mail.raw) for mail in store.mails_with_id("1@x")] == [("private", patch("1@x"))]


@pytest.mark.parametrize("private_first", [True, False])
def test_a_private_patch_completes_no_series(store: Repository, private_first: bool) -> None:
    sources: Sequence[Archive] = (public(FIRST), private(SECOND))
    poll(store, *(reversed(sources) if private_first else sources))

    assert posting(store, "1@x").state == Waiting((2,))
    assert due(store) == []


def test_a_private_mail_joins_no_threads(store: Repository) -> None:
    bridge = mail("b@x", "Re: both").replace(b"\n\ntext", b"\nReferences: <1@x> <3@x>\n\ntext")
    poll(store, private(bridge), public(patch("1@x"), patch("3@x", "fan")), private(by_another_way(bridge)))
    rows = [store.postings_with_part(message_id) for message_id in ("1@x", "3@x")]

    assert [len(row) for row in rows] == [1, 1]
    store.ingest(
        Batch("list", "0", "more", (raw(mail("re@x", "Re: led", to="1@x", body="Acked-by: Ann <ann@example.org>")),))
    )
    poll_only_index(store)
    assert [len(thread.mails) for thread in store.unassembled(9)] == [2]


def poll_only_index(store: Repository) -> None:
    PollJob([], store, lambda *_: [], Event(), Silent())._read()


@pytest.mark.parametrize("private_first", [True, False])
def test_a_private_mail_disputes_no_message_id(store: Repository, private_first: bool) -> None:
    other = patch("1@x", "fan")
    sources: Sequence[Archive] = (public(patch("1@x")), private(other))
    for source in reversed(sources) if private_first else sources:
        poll(store, source)

    assert due(store) == ["1@x"]
    assert b"led" in posting(store, "1@x").parts[0].body.encode()


def test_a_private_mail_is_in_no_archive(store: Repository) -> None:
    poll(store, private(mail("ours@bot.example.org")))
    assert not store.archived("ours@bot.example.org")

    poll(store, public(by_another_way(mail("ours@bot.example.org"))))
    assert store.archived("ours@bot.example.org")


@pytest.mark.parametrize("change", [bytes, by_another_way])
def test_a_private_mail_that_a_list_brings_later_is_followed(store: Repository, change: type[bytes]) -> None:
    poll(store, private(patch("1@x")))
    poll(store, public(change(patch("1@x"))))

    assert due(store) == ["1@x"]
    assert review(store) == [""]


@pytest.mark.parametrize("change", [bytes, by_another_way])
def test_a_mail_of_a_list_stays_followed_where_our_mailbox_has_it_too(store: Repository, change: type[bytes]) -> None:
    poll(store, public(patch("1@x")), private(change(patch("1@x"))))

    assert due(store) == ["1@x"]


def test_commands_and_bounces_are_still_looked_for_in_private_mail(store: Repository) -> None:
    poll(store, private(mail("1@x"), mail("2@x")))

    assert [len(store.unchecked_for_commands(9)), len(store.unchecked_for_bounces(9))] == [2, 2]


def test_backfill_adds_to_a_series_that_a_list_brought(store: Repository) -> None:
    poll(store, public(FIRST))
    find(store, SECOND)

    assert posting(store, "1@x").state == Complete()
    assert review(store) == [""]


def test_what_was_only_found_is_never_mailed(store: Repository) -> None:
    poll(store, public(FIRST))
    find(store, patch("9@x", "fan", to="1@x"))

    assert review(store) == ["not-followed: no followed archive has any part of it"]
    assert store.mails() == []


@pytest.mark.parametrize("change", [bytes, by_another_way])
def test_what_was_found_and_is_brought_by_a_list_later_is_reviewed(store: Repository, change: type[bytes]) -> None:
    find(store, patch("1@x"))
    assert review(store)[0].startswith("not-followed")

    poll(store, public(change(patch("1@x"))))

    assert review(store) == [""]


def test_a_private_mail_that_is_found_too_makes_no_posting_of_its_own(store: Repository) -> None:
    poll(store, private(patch("1@x")))
    find(store, patch("1@x"))

    assert review(store)[0].startswith("not-followed")


def test_what_an_earlier_version_let_in_is_taken_out(store: Repository) -> None:
    mailbox = FakeArchive([patch("1@x"), patch("2@x", "fan"), patch("3@x", "fan")], "mailbox")
    poll(store, mailbox, public(by_another_way(patch("2@x", "fan")), patch("3@x"), patch("4@x", "led")))
    poll(store, FakeArchive([*mailbox.mails, patch("4@x", "fan")], "mailbox"))

    assert store.keep_private(["mailbox"]) == 4
    poll(store)

    assert store.find("1@x") is None
    assert sorted(due(store)) == ["2@x", "3@x", "4@x"]
    assert "led" in posting(store, "3@x").parts[0].body
    assert store.keep_private(["mailbox"]) == 0


def test_every_list_that_brought_a_mail_is_known(store: Repository) -> None:
    ways = [by_list(patch("1@x"), name) for name in ("rust-for-linux", "other")]
    poll(store, public(ways[0], name="a"))
    first = posting(store, "1@x").carriers
    poll(store, public(ways[1], name="b"), private(by_list(patch("1@x"), "forged")))

    assert first == ("rust-for-linux@lists.example.org",)
    assert posting(store, "1@x").carriers == ("other@lists.example.org", "rust-for-linux@lists.example.org")


def test_what_was_found_proves_no_list(store: Repository) -> None:
    find(store, by_list(patch("1@x"), "rust-for-linux"))

    assert posting(store, "1@x").carriers == ()


def by_list(content: bytes, name: str) -> bytes:
    return f"List-Id: <{name}.lists.example.org>\n".encode() + content


def test_a_mail_to_us_and_no_list_is_not_reviewed(store: Repository) -> None:
    to_us = patch("1@x").replace(b"To: rust-for-linux@lists.example.org", b"To: b@example.org")
    poll(store, public(to_us))
    review_context = ReviewContext(active(), Policy(), Identity(Address("bot", "b@example.org"), "1"), consenting())
    review_context = replace(review_context, terms=replace(review_context.terms, own=frozenset({"b@example.org"})))
    clock = FakeClock(START + timedelta(minutes=1))

    (outcome,) = ReviewJob(store, Analyser(), review_context, clock, Event(), Silent()).run()

    assert outcome.refused == "not-followed: it was sent to us only, and to no list"
