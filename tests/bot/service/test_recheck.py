# SPDX-License-Identifier: GPL-2.0-or-later
"""A re-check: what it stores, what it prints, and that no verdict is mailed twice."""

from dataclasses import replace
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.mail.posting_codec import PostingBytes
from bot.mail.reply import Identity
from bot.mail.state import MailState
from bot.pipeline.analyse import Analyser
from bot.pipeline.context import ReviewContext
from bot.pool.guard import Crashed
from bot.ports.outbox import Send
from bot.review.consent import Consent, Mode
from bot.review.difference import ChangeKind
from bot.review.model import Basis
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.recheck import RecheckJob, RecheckResult
from bot.service.review import ReviewJob
from bot.store.repository import Repository
from rules.finding import Severity
from rules.lint.rule import Rule
from rules.registry import by_id
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, patch
from tests.fakes.origin import FakeClock

MAIL = "1@example.org"

_TWICE = (
    patch(MAIL)
    .replace(b"+    unsafe { *address }\n", b"+    unsafe { *address };\n+    unsafe { *address }\n")
    .replace(b"+1,5 @@", b"+1,6 @@")
)


def _review_context(**changes: object) -> ReviewContext:
    rule = by_id("missing-safety-comment")
    assert rule is not None
    identity = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
    values: dict[str, object] = {"rules": (rule,), "basis": Basis("1.0", "aaa", (rule.id,))} | changes
    plain = ReviewContext((), Policy(), identity, consenting())
    return replace(plain, **values)  # type: ignore[arg-type]  # a field each


REVIEW_CONTEXT = _review_context()
SILENT = _review_context(rules=(), basis=Basis("1.0", "aaa", ()))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


def _reviewed(store: Repository, review_context: ReviewContext, clock: FakeClock, *mails: bytes) -> Posting:
    PollJob([FakeArchive(mails or (patch(MAIL),))], store, assemble, Event(), Silent()).run()
    ReviewJob(store, Analyser(), review_context, clock, Event(), Silent()).run()
    mail = store.find(MAIL)
    assert mail is not None
    return mail.posting


def _again(
    store: Repository, review_context: ReviewContext, posting: Posting, clock: FakeClock, send: bool = False
) -> RecheckResult:
    done = RecheckJob(store, Analyser(), review_context, clock).run(posting, send)
    assert isinstance(done, RecheckResult)
    return done


def test_the_second_time_nothing_changes_and_nothing_is_queued(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock)
    before, mails = store.review_of(MAIL), store.mails()
    clock.forward(days=1)

    result = _again(store, REVIEW_CONTEXT, posting, clock, send=True)

    assert result.changed.is_empty
    assert "these findings were reported before" == result.unsent
    assert (before, mails) == (store.review_of(MAIL), store.mails())


def test_what_is_new_is_stored_and_queued_once(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, SILENT, clock)
    assert [] == store.mails()

    first = _again(store, REVIEW_CONTEXT, posting, clock, send=True)
    second = _again(store, REVIEW_CONTEXT, posting, clock, send=True)

    assert [(ChangeKind.NEW, "the rule is new")] == [(change.kind, change.reason) for change in first.changed.changes]
    assert first.mail is not None
    assert second.mail is None
    assert [first.mail.message_id] == [mail.message_id for mail in store.mails()]
    assert REVIEW_CONTEXT.basis == second.review.basis


def test_without_send_nothing_is_queued_and_a_later_send_still_counts(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, SILENT, clock)

    assert _again(store, REVIEW_CONTEXT, posting, clock).changed.verdict
    assert [] == store.mails()
    assert _again(store, REVIEW_CONTEXT, posting, clock, send=True).mail is not None
    assert 1 == len(store.mails())


def test_a_verdict_that_comes_back_is_not_mailed_again(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock)

    gone = _again(store, SILENT, posting, clock, send=True)
    back = _again(store, REVIEW_CONTEXT, posting, clock, send=True)

    assert [(ChangeKind.GONE, "the rule is no longer used")] == [
        (change.kind, change.reason) for change in gone.changed.changes
    ]
    assert back.changed.verdict
    assert "these findings were reported before" == back.unsent
    assert 1 == len(store.mails())


def test_a_second_mail_says_that_it_replaces_the_first(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock, _TWICE)
    (first,) = store.mails()
    reported = next(iter(store.review_of(MAIL).review.reported))  # type: ignore[union-attr]  # it was just reviewed
    dismissing = replace(
        REVIEW_CONTEXT,
        learned=lambda _, policy: replace(policy, dismissed={reported.finding.fingerprint: "held elsewhere"}),
    )

    result = _again(store, dismissing, posting, clock, send=True)

    assert result.mail is not None
    assert first.message_id != result.mail.message_id
    assert b"replaces the previous mail of this program" in result.mail.content
    assert b"replaces the previous mail of this program" not in first.content


def test_what_a_look_found_beside_what_was_mailed_is_news_to_the_next_revision(
    store: Repository, clock: FakeClock
) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock, _TWICE)
    stored = store.review_of(MAIL)
    assert stored is not None
    # The first look knew of one of the two alone.
    store.save_review(replace(stored.review, findings=stored.review.findings[:1]), None, clock.now())

    assert [False, True] == [entry.unmailed for entry in _again(store, REVIEW_CONTEXT, posting, clock).review.reported]
    assert [False, True] == [entry.unmailed for entry in _again(store, REVIEW_CONTEXT, posting, clock).review.reported]
    later = _TWICE.replace(MAIL.encode(), b"2@example.org").replace(b"[PATCH]", b"[PATCH v2]")
    PollJob([FakeArchive((later,), "later")], store, assemble, Event(), Silent()).run()
    ReviewJob(store, Analyser(), REVIEW_CONTEXT, clock, Event(), Silent()).run()

    second = store.review_of("2@example.org")
    assert second is not None
    assert [(1, False), (0, True)] == [(entry.mailed_before, entry.unmailed_before) for entry in second.review.findings]


def test_a_later_revision_is_named_and_the_older_one_gets_no_mail(store: Repository, clock: FakeClock) -> None:
    later = patch("2@example.org").replace(b"[PATCH]", b"[PATCH v2]").replace(b"09:00:00", b"09:05:00")
    posting = _reviewed(store, SILENT, clock, patch(MAIL), later)

    result = _again(store, REVIEW_CONTEXT, posting, clock, send=True)

    assert 2 == result.changed.later
    assert result.mail is None
    assert "older-revision: v2 has arrived already" == result.unsent


def test_an_old_refused_posting_is_checked_if_it_is_named(store: Repository, clock: FakeClock) -> None:
    PollJob([FakeArchive((patch(MAIL),))], store, assemble, Event(), Silent()).run()
    mail = store.find(MAIL)
    assert mail is not None

    result = _again(store, REVIEW_CONTEXT, mail.posting, clock)

    assert result.changed.first
    assert store.review_of(MAIL) is not None


def test_a_changed_severity_is_a_change(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock)
    (rule,) = REVIEW_CONTEXT.rules

    result = _again(
        store,
        _review_context(policy=Policy(severity=Severity.BUG), basis=Basis("1.1", "aaa", (rule.id,))),
        posting,
        clock,
    )

    assert result.changed.verdict
    assert [ChangeKind.SAME] == [change.kind for change in result.changed.changes]


def test_a_rule_that_breaks_the_line_is_reported(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock)

    def broken(posting: Posting, policy: Policy) -> Policy:
        raise RuntimeError("a bug")

    done = RecheckJob(store, Analyser(), replace(REVIEW_CONTEXT, learned=broken), clock).run(posting)

    assert isinstance(done, Crashed)
    assert "a bug" in done.reason


class _FailingAnalyser:
    """An analyser that no limit is enough for."""

    def __call__(
        self, posting: Posting, rules: tuple[Rule, ...], *, first_try: bool = False, encoded: PostingBytes | None = None
    ) -> Crashed:
        return Crashed("took longer than 60 s")


def test_a_posting_that_cannot_be_analysed_is_quarantined(store: Repository, clock: FakeClock) -> None:
    PollJob([FakeArchive((patch(MAIL),))], store, assemble, Event(), Silent()).run()
    mail = store.find(MAIL)
    assert mail is not None

    done = RecheckJob(store, _FailingAnalyser(), REVIEW_CONTEXT, clock).run(mail.posting, send=True)

    assert done == Crashed("took longer than 60 s")
    assert ["took longer than 60 s"] == [quarantined.reason for quarantined in store.quarantined_postings(9)]
    assert store.review_of(MAIL) is None
    assert [] == store.mails()


def test_a_review_stands_where_the_posting_cannot_be_analysed_again(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock)
    before, mails = store.review_of(MAIL), store.mails()

    done = RecheckJob(store, _FailingAnalyser(), REVIEW_CONTEXT, clock).run(posting, send=True)

    assert done == Crashed("took longer than 60 s")
    assert [] == store.quarantined_postings(9)
    assert (before, mails) == (store.review_of(MAIL), store.mails())


@pytest.mark.parametrize("name", [MAIL, "1@example.org"])
def test_a_posting_is_found_by_its_mails_and_by_ours(store: Repository, clock: FakeClock, name: str) -> None:
    posting = _reviewed(store, REVIEW_CONTEXT, clock)
    (ours,) = store.mails()

    for message_id in (name, ours.message_id):
        mail = store.find(message_id)
        assert mail is not None
        assert posting == mail.posting
    assert store.find("nobody@example.org") is None


TO_LIST = _review_context(recipients=consenting(Consent(Mode.LIST)))


def test_what_waited_in_vain_was_not_told_and_is_queued_again(store: Repository, clock: FakeClock) -> None:
    posting = _reviewed(store, SILENT, clock)

    assert _again(store, TO_LIST, posting, clock, send=True).mail is not None
    clock.forward(days=3)
    store.expire(clock.now(), clock.now())

    result = _again(store, TO_LIST, posting, clock, send=True)

    assert result.mail is not None
    assert [(result.mail.message_id, "queued")] == [(mail.message_id, mail.state) for mail in store.mails()]
    assert _again(store, TO_LIST, posting, clock, send=True).mail is None
    assert 1 == len(store.mails())


@pytest.mark.parametrize(("left", "state"), [("tried", "expired"), ("dropped", "withdrawn")])
def test_what_may_have_left_or_a_person_dropped_is_not_queued_again(
    store: Repository, clock: FakeClock, left: str, state: str
) -> None:
    posting = _reviewed(store, SILENT, clock)
    first = _again(store, TO_LIST, posting, clock, send=True).mail
    assert first is not None
    if left == "tried":
        assert store.claim(first.message_id, clock.now(), clock.now(), lambda candidate: Send())
        store.settle(first.message_id, MailState.QUEUED, clock.now(), reason="the attempt was interrupted")
    else:
        assert store.decide(first.message_id, (MailState.QUEUED,), MailState.WITHDRAWN, clock.now(), "dropped by hand")
    clock.forward(days=3)
    store.expire(clock.now(), clock.now())

    result = _again(store, TO_LIST, posting, clock, send=True)

    assert (None, "these findings were reported before") == (result.mail, result.unsent)
    assert [state] == [mail.state for mail in store.mails()]
