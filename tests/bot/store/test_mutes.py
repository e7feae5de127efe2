# SPDX-License-Identifier: GPL-2.0-or-later
"""A mute reports what it is about and what it stopped, as one transaction saw both."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from bot.mail.address import Address
from bot.mail.command import Scope
from bot.mail.outgoing import Outgoing
from bot.mail.posting_codec import EncodedPosting
from bot.mail.state import MailState
from bot.outbox.permit import permit
from bot.ports.mails import Thread
from bot.ports.mutes import MutedPosting, MuteReport
from bot.ports.outbox import MailChange, Withdraw
from bot.review.disposition import ActiveMute
from bot.store import mutes
from bot.store.repository import Repository
from tests.bot.review.factories import AUTHOR, LIST
from tests.fakes.outbox import READER, allow_all, queue_mail, series, store_posting

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def _mute(store: Repository, scope: Scope, subject: str, by: str = "the operator", now: datetime = NOW) -> MuteReport:
    return store.mute(ActiveMute(scope, subject, by, "", now), now)


def _ids(mails: Iterable[Outgoing]) -> list[str]:
    return [mail.message_id for mail in mails]


def _changed(changes: Iterable[MailChange]) -> list[str]:
    return _ids(change.mail for change in changes)


def test_the_mails_that_wait_are_withdrawn_and_reported_in_their_state_before(store: Repository) -> None:
    states = [MailState.QUEUED, MailState.HELD, MailState.APPROVED]
    for number, state in enumerate(states, 1):
        posting = replace(series(number), topic="one")
        queue_mail(store, NOW, state, replace(posting, series=replace(posting.series, revision=number)))
    other = queue_mail(store, NOW)

    report = _mute(store, Scope.SERIES, "one")

    assert [change.before for change in report.withdrawn] == states
    assert [posting.revision for posting in report.postings] == [1, 2, 3]
    assert {posting.author for posting in report.postings} == {AUTHOR}
    assert {mail.state for mail in store.mails() if mail.message_id in _changed(report.withdrawn)} == {"withdrawn"}
    assert {mail.reason for mail in store.mails(MailState.WITHDRAWN)} == {"muted (series) by the operator"}
    assert _ids(store.mails(MailState.QUEUED)) == [other.message_id]
    assert report.is_new
    assert report.left == {}


def test_what_left_is_counted_and_stays_as_it_is(store: Repository) -> None:
    posting = replace(series(1), topic="one")
    kinds = {
        "review": MailState.SENT,
        "recheck-1": MailState.SENT,
        "recheck-2": MailState.UNCONFIRMED,
        "recheck-3": MailState.SENDING,
        "recheck-4": MailState.REFUSED,
        "answer": MailState.SENT,
    }
    for kind, state in kinds.items():
        queue_mail(store, NOW, state, posting, kind=kind)
    queue_mail(store, NOW, MailState.SENT, posting, kind="recheck-5", mode="dry-run")
    queue_mail(store, NOW, MailState.SENT)

    report = _mute(store, Scope.SERIES, "one")

    assert report.withdrawn == ()
    assert report.left == {MailState.SENT: 2, MailState.UNCONFIRMED: 1, MailState.SENDING: 1}
    assert store.mails(MailState.WITHDRAWN) == []


@pytest.mark.parametrize(
    ("scope", "subject"), [(Scope.AUTHOR, READER), (Scope.AUTHOR, AUTHOR.key), (Scope.LIST, LIST.key)]
)
def test_a_mute_of_an_author_or_list_is_about_their_mails_alone(store: Repository, scope: Scope, subject: str) -> None:
    mine = queue_mail(store, NOW)
    sent = queue_mail(store, NOW, MailState.SENT)
    other = replace(series(9), author=Address("", "c@example.org"), lists=("other@lists.example.org",))
    other = replace(other, parts=tuple(replace(part, author=other.author) for part in other.parts))
    queue_mail(store, NOW, posting=other, author="c@example.org")

    report = _mute(store, scope, subject)

    assert _changed(report.withdrawn) == [mine.message_id]
    assert report.left == {MailState.SENT: 1}
    expected = [] if subject == READER else [mine.posting_id, sent.posting_id]
    assert [posting.message_id for posting in report.postings] == expected


def test_the_author_of_the_answered_patch_counts_as_the_claim_counts_them(store: Repository) -> None:
    posting = series(1)
    guest = replace(posting.parts[0], index=2, message_id="guest@example.org", author=Address("", "G@example.org"))
    posting = replace(posting, parts=(*posting.parts, guest))
    to_author = queue_mail(store, NOW, posting=posting)
    to_guest = queue_mail(
        store, NOW, posting=posting, kind="recheck-1", content=b"In-Reply-To: <guest@example.org>\n\nmail\n"
    )

    report = _mute(store, Scope.AUTHOR, "g@example.org")

    assert _changed(report.withdrawn) == [to_guest.message_id]
    assert [posting.message_id for posting in report.postings] == [posting.message_id]
    claimed = store.claim(
        to_author.message_id, NOW, NOW, lambda candidate: permit(candidate, allow_all(), NOW, is_archived=False)
    )
    assert claimed is not None
    assert not isinstance(claimed.decision, Withdraw)


def test_an_address_in_a_patch_is_no_author(store: Repository) -> None:
    posting = series(1)
    store_posting(store, replace(posting, parts=(replace(posting.parts[0], body='"x@example.org"'),)), NOW)

    assert _mute(store, Scope.AUTHOR, "x@example.org").postings == ()


def test_a_second_mute_keeps_the_first_one_and_stops_what_came_since(store: Repository) -> None:
    posting = replace(series(1), topic="one")
    store_posting(store, posting, NOW)
    first = _mute(store, Scope.SERIES, "one", "ada@example.org")
    late = queue_mail(store, NOW, posting=posting)

    report = _mute(store, Scope.SERIES, "one", now=LATER)

    assert (first.is_new, report.is_new) == (True, False)
    assert report.muted == first.muted == store.mutes()[0]
    assert _changed(report.withdrawn) == [late.message_id]
    assert [mail.reason for mail in store.mails(MailState.WITHDRAWN)] == ["muted (series) by ada@example.org"]
    assert _mute(store, Scope.SERIES, "one", now=LATER).withdrawn == ()


@pytest.mark.parametrize("kind", ["answer", "digest"])
def test_replies_to_commands_and_digests_are_not_muted(store: Repository, kind: str) -> None:
    queue_mail(store, NOW, kind=kind, posting=replace(series(1), topic="one"))

    for scope, subject in ((Scope.SERIES, "one"), (Scope.AUTHOR, READER), (Scope.LIST, LIST.key)):
        assert _mute(store, scope, subject).withdrawn == ()
    assert [mail.state for mail in store.mails()] == ["queued"]


def test_all_that_changes_and_is_reported_is_one_transaction(
    store: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = queue_mail(store, NOW, posting=replace(series(1), topic="one"))
    monkeypatch.setattr("bot.store.mutes._may_have_left", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        _mute(store, Scope.SERIES, "one")

    assert store.mutes() == []
    assert [mail.state for mail in store.mails()] == [mail.state]


def test_a_posting_that_changes_before_the_transaction_is_read_anew(
    store: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postings are read first without the write lock, and again with it."""
    store_posting(store, series(1), NOW)
    moved = replace(series(1), lists=("new@lists.example.org",))
    read, rounds = mutes._postings, []

    def read_and_change(*arguments: Any) -> list[MutedPosting]:
        result = read(*arguments)
        rounds.append(len(result))
        if len(rounds) == 1:
            store.save_threads([(Thread(1, 1, ()), [EncodedPosting.of(moved)])])
        return result

    monkeypatch.setattr(mutes, "_postings", read_and_change)
    report = _mute(store, Scope.LIST, "new@lists.example.org")

    assert rounds == [0, 1]
    assert [posting.message_id for posting in report.postings] == [moved.message_id]


def test_a_posting_is_decoded_once(store: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        store_posting(store, series(number), NOW)
    decode = Mock(wraps=mutes._posting)
    monkeypatch.setattr(mutes, "_posting", decode)

    assert len(_mute(store, Scope.LIST, LIST.key).postings) == decode.call_count == 3


def test_what_is_known_of_authors(store: Repository) -> None:
    store_posting(store, replace(series(1), topic="bob@example.org rust led"), NOW)
    queue_mail(store, NOW, posting=replace(series(2), topic="20260302-change-id"))

    assert store.known_authors() == {"bob@example.org", READER}
