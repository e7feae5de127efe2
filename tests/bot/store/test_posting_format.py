# SPDX-License-Identifier: GPL-2.0-or-later
"""Postings that an earlier version stored are read, reviewed, and not taken for changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.posting import Posting
from bot.mail.posting_codec import EncodedPosting, PostingBytes, encode_posting, mail_rows, without_texts
from bot.ports.mails import ParsedMail, Thread
from bot.ports.raw_mail import Batch
from bot.review.model import Review
from bot.store.codec import encode
from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.bot.store.test_texts import put
from tests.fakes.earlier_posting import zlib_posting
from tests.fakes.mails import mail, patch, raw
from tests.fakes.old_schema import downgrade
from tests.fakes.stored import opened

pytestmark = pytest.mark.sqlite

NOW = datetime(2026, 3, 3, tzinfo=UTC)


EARLIER = pytest.mark.parametrize("earlier", [encode, zlib_posting])


def _store_as_earlier(path: Path, make: Maker, earlier: Callable[[Posting], bytes]) -> Thread:
    """Store a posting in the format of an earlier version."""
    posting = make.posting(cover=True)
    with Repository(path) as store:
        store.ingest(Batch("list", "0", "1", (raw(mail(posting.message_id)),)))
        store.index([ParsedMail(1, posting.message_id, (), "d")], [])
        (thread,) = store.unassembled(9)
        store.save_threads([(thread, [EncodedPosting.of(posting)])])
    with opened(path) as database:
        database.execute("UPDATE posting SET value = ?", (earlier(posting),))
    return thread


@EARLIER
def test_a_posting_of_an_earlier_version_is_due_and_is_reviewed(
    tmp_path: Path, make: Maker, earlier: Callable[[Posting], bytes]
) -> None:
    path, posting = tmp_path / "d.db", make.posting(cover=True)
    _store_as_earlier(path, make, earlier)
    with Repository(path) as store:
        (due,) = store.due_for_review(9)
        assert (due.posting, due.with_texts()) == (without_texts(posting), posting)
        store.save_review(Review(due.posting, ()), None, NOW, encoded=due.encoded)
        record = store.review_of(posting.message_id)
        assert record is not None
        assert record.review.posting == posting
    with opened(path) as database:
        assert database.execute("SELECT posting FROM review").fetchone() == (b"",)  # it is in the row of the posting


@EARLIER
@pytest.mark.parametrize("is_changed", [False, True])
def test_a_posting_is_compared_with_the_one_that_an_earlier_version_stored(
    tmp_path: Path, make: Maker, is_changed: bool, earlier: Callable[[Posting], bytes]
) -> None:
    path, posting = tmp_path / "d.db", make.posting(cover=True)
    thread = _store_as_earlier(path, make, earlier)
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


@pytest.mark.parametrize("revision", ["0018", "0027"])
def test_an_earlier_version_can_read_the_postings_after_a_downgrade(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "d.db"
    with Repository(path) as store:
        put(store, patch("1@x"))
        (due,) = store.due_for_review(9)
        store.save_review(Review(due.posting, ()), None, NOW, encoded=PostingBytes(encode_posting(due.posting)))
    with opened(path) as database:
        ((value,),) = database.execute("SELECT value FROM posting").fetchall()
    assert mail_rows(value) == {1}
    downgrade(path, revision)
    with opened(path) as database:
        values = database.execute("SELECT posting.value, review.posting FROM posting, review").fetchall()
    assert values == [(encode(due.with_texts()), encode(due.posting))]
