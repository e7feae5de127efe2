# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of stored postings are in their raw mails, and stay in the database when these lose them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.inbox.assemble import assemble
from bot.mail.posting import Posting
from bot.mail.posting_codec import mail_rows
from bot.ports.mails import ParsedMail, Thread
from bot.ports.raw_mail import Batch, DeletedMail
from bot.review.model import Review
from bot.service.poll import index, postings_in
from bot.store import texts
from bot.store.repository import Repository
from tests.fakes.mails import START, mail, patch, raw
from tests.fakes.stored import opened

LATER = START + timedelta(days=900)
BATCH = Batch("list", "0", "1", ())


def put(store: Repository, *mails: bytes, minute: int = 0, assembled: bool = True) -> Sequence[Thread]:
    """Ingest, read and assemble, as polling does. Return the threads."""
    store.ingest(replace(BATCH, mails=tuple(raw(content, minute) for content in mails)))
    return read(store, assembled=assembled)


def read(store: Repository, *, assembled: bool = True) -> Sequence[Thread]:
    store.index([mail for mail in map(index, store.unparsed(100)) if isinstance(mail, ParsedMail)], [])
    threads = store.unassembled(100)
    if assembled:
        store.save_threads([(thread, postings_in(assemble, thread)) for thread in threads])
    return threads


def posting_of(store: Repository, message_id: str = "1@x") -> Posting:
    found = store.find(message_id)
    assert found is not None
    return found.posting


def rows_of(store: Repository, message_id: str = "1@x") -> frozenset[int]:
    """Return the mails that the stored posting refers to."""
    with opened(store._database.path) as database:
        return mail_rows(
            database.execute("SELECT value FROM posting WHERE message_id = ?", (message_id,)).fetchone()[0]
        )


def review(store: Repository) -> None:
    """Store a review of the only posting that is due."""
    (due,) = store.due_for_review(9)
    store.save_review(Review(due.posting, ()), None, LATER, encoded=due.encoded)


def reviewed(store: Repository) -> Posting:
    record = store.review_of("1@x")
    assert record is not None
    return record.review.posting


def test_the_texts_of_a_posting_are_in_its_mails(store: Repository) -> None:
    put(store, mail("0@x", "[PATCH 0/2] rust: both"), patch("1@x", number=" 1/2", to="0@x"), mail("talk@x"))
    put(store, patch("2@x", "fan", number=" 2/2", to="0@x"))
    with opened(store._database.path) as database:
        (size,) = database.execute("SELECT length(value) FROM posting").fetchone()

    (due,) = store.due_for_review(9)
    posting = due.with_texts()

    assert rows_of(store, "0@x") == {1, 2, 4}
    assert [part.body[:8] for part in posting.parts] == ["text\n", "Read it.", "Read it."]
    assert all(change.hunks for patch in posting.series.patches for change in patch.changes)
    assert posting == posting_of(store, "0@x")
    assert size < 900


def test_a_posting_keeps_the_text_of_a_mail_that_is_removed_from_its_archive(store: Repository) -> None:
    put(store, patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 2/2", to="1@x"))
    before = posting_of(store)
    review(store)

    store.ingest(replace(BATCH, deleted=(DeletedMail("0.git@d", patch("2@x", "fan", number=" 2/2", to="1@x")),)))

    assert (posting_of(store), rows_of(store)) == (before, frozenset())
    read(store)
    assert [part.message_id for part in posting_of(store).parts] == ["1@x"]
    assert reviewed(store) == before


def test_a_posting_keeps_its_text_when_an_earlier_mail_gets_its_message_id(store: Repository) -> None:
    put(store, patch("1@x", "false"), minute=5)
    before = posting_of(store)
    review(store)

    put(store, patch("1@x", "true"), assembled=False)
    pruned = store.prune_threads(LATER, LATER, None, dry=False).pruned

    assert pruned.mails == 1  # the one that lost its message-id; the thread is not assembled yet
    assert (posting_of(store), rows_of(store)) == (before, frozenset())
    read(store)
    assert posting_of(store).series.subject == "rust: true: read it"
    assert (reviewed(store), rows_of(store)) == (before, frozenset({2}))


def test_a_posting_keeps_its_text_when_its_mail_becomes_private(store: Repository) -> None:
    put(store, patch("1@x"))
    before = posting_of(store)

    store.keep_private(["list"])
    read(store, assembled=False)
    store.prune_threads(LATER, LATER, None, dry=False)

    with opened(store._database.path) as database:
        assert database.execute("SELECT count(*) FROM mail WHERE pruned IS NULL").fetchone() == (0,)
    assert posting_of(store) == before


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_posting_is_read_once_if_all_its_mails_are_removed(
    store: Repository, monkeypatch: pytest.MonkeyPatch, is_deleted: bool
) -> None:
    mails = [patch(f"{n}@x", f"led{n}", number=f" {n}/5", to="1@x" if n > 1 else "") for n in range(1, 6)]
    put(store, *mails)
    before = posting_of(store)
    read = []

    def counted(value: bytes) -> frozenset[int]:
        read.append(value)
        return mail_rows(value)

    monkeypatch.setattr(texts, "mail_rows", counted)
    if is_deleted:
        store.ingest(replace(BATCH, deleted=tuple(DeletedMail("0.git@d", content) for content in mails)))
    else:
        store.keep_private(["list"])

    assert len(read) == 1
    assert (posting_of(store), rows_of(store)) == (before, frozenset())


def test_the_review_of_a_posting_that_changes_keeps_the_texts(store: Repository) -> None:
    put(store, patch("1@x", number=" 1/2"), patch("2@x", "fan", number=" 2/2", to="1@x"))
    before = posting_of(store)
    review(store)

    put(store, mail("re@x", "Re: led", to="1@x", body="Acked-by: Ada <bob@example.org>\n", author="bob@example.org"))

    assert posting_of(store) != before
    assert reviewed(store) == before


def test_a_posting_of_a_mail_that_lost_its_message_id_meanwhile_is_not_stored(store: Repository) -> None:
    threads = put(store, patch("1@x", "false"), minute=5, assembled=False)
    put(store, patch("1@x", "true"), assembled=False)

    store.save_threads([(thread, postings_in(assemble, thread)) for thread in threads])

    assert store.find("1@x") is None
    read(store)
    assert posting_of(store).series.subject == "rust: true: read it"


def test_a_posting_is_the_same_with_its_texts_in_its_own_bytes(store: Repository) -> None:
    (thread,) = put(store, patch("1@x"))
    review(store)
    store.save_threads([(thread, postings_in(assemble, replace(thread, rows={})))])

    with opened(store._database.path) as database:
        assert database.execute("SELECT posting FROM review").fetchone() == (b"",)  # nothing has changed
    assert rows_of(store) == frozenset()
    assert reviewed(store) == posting_of(store)
