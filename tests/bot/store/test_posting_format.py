# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings that an earlier version stored are read, reviewed, and not taken for changed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.posting_codec import EncodedPosting, is_encoded_posting, without_texts
from bot.ports.archive import Batch
from bot.ports.mails import ParsedMail, Thread
from bot.review.model import Review
from bot.store.codec import encode
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes.mails import mail, raw
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened

pytestmark = pytest.mark.sqlite

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def _store_as_earlier(path: Path, make: Maker) -> Thread:
    """Store a posting in the format of an earlier version."""
    posting = make.posting(cover=True)
    with Repository(path) as store:
        store.ingest(Batch("list", "0", "1", (raw(mail(posting.message_id)),)))
        store.index([ParsedMail(1, posting.message_id, (), "d")], [])
        (thread,) = store.unassembled(9)
        store.save_threads([(thread, [EncodedPosting.of(posting)])])
    with opened(path) as database:
        database.execute("UPDATE posting SET value = ?", (encode(posting),))
    return thread


def test_a_posting_of_an_earlier_version_is_due_and_is_reviewed(tmp_path: Path, make: Maker) -> None:
    path, posting = tmp_path / "d.db", make.posting(cover=True)
    _store_as_earlier(path, make)
    with Repository(path) as store:
        (due,) = store.due_for_review(9)
        assert (due.posting, due.with_texts()) == (without_texts(posting), posting)
        store.save_review(Review(due.posting, ()), None, NOW, encoded=due.encoded)
        record = store.review_of(posting.message_id)
        assert record is not None
        assert record.review.posting == posting
    with opened(path) as database:
        assert database.execute("SELECT posting FROM review").fetchone() == (b"",)  # it is in the row of the posting


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_posting_is_compared_with_the_one_that_an_earlier_version_stored(
    tmp_path: Path, make: Maker, is_changed: bool
) -> None:
    path, posting = tmp_path / "d.db", make.posting(cover=True)
    thread = _store_as_earlier(path, make)
    after = replace(posting, topic="other") if is_changed else posting
    with Repository(path) as store:
        store.save_review(Review(posting, ()), None, NOW)
        store.save_threads([(thread, [EncodedPosting.of(after)])])
        record = store.review_of(posting.message_id)
        assert record is not None
        assert record.review.posting == posting
    with opened(path) as database:
        ((kept,),) = database.execute("SELECT posting FROM review").fetchall()
        assert bool(kept) is is_changed


def test_an_earlier_version_can_read_the_postings_after_a_downgrade(tmp_path: Path, make: Maker) -> None:
    path, posting = tmp_path / "d.db", make.posting(cover=True)
    thread = _store_as_earlier(path, make)
    with Repository(path) as store:
        store.save_threads([(thread, [EncodedPosting.of(posting)])])
    with opened(path) as database:
        ((value,),) = database.execute("SELECT value FROM posting").fetchall()
    assert is_encoded_posting(value)
    downgrade(path, "0018")
    with opened(path) as database:
        ((value,),) = database.execute("SELECT value FROM posting").fetchall()
    assert value == encode(posting)
