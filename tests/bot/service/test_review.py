# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from bot.cli.progress import Silent
from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.posting import Posting
from bot.mail.posting_codec import PostingBytes
from bot.mail.refusal import RefusalTerms
from bot.mail.reply import Identity
from bot.pipeline.analyse import Analyser, AnalyserProtocol, Analysis
from bot.pipeline.context import ReviewContext
from bot.pipeline.outcome import Outcome
from bot.pool.guard import Crashed
from bot.review.consent import Consent, Mode
from bot.review.policy import Policy
from bot.service.poll import PollJob
from bot.service.review import ReviewJob
from bot.store.error import StoreError
from bot.store.repository import Repository
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lint.rule import Rule
from tests.bot.review.factories import Maker, report_unsafe
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, mail, patch
from tests.fakes.origin import FakeClock

AUTHOR, LIST = "ada@example.org", "rust-for-linux@lists.example.org"


@pytest.fixture
def review_context(make: Maker) -> ReviewContext:
    rule = make.rule("bad-thing", check_file=report_unsafe)
    identity = Identity(Address("patchwarden", "bot@bot.example.org"), "1.0")
    return ReviewContext((rule,), Policy(), identity, consenting())


def _review(
    store: Repository,
    review_context: ReviewContext,
    *mails: bytes,
    clock: FakeClock | None = None,
    analyse: AnalyserProtocol | None = None,
) -> tuple[Outcome, ...]:
    PollJob([FakeArchive(mails, str(mails))], store, assemble, Event(), Silent()).run()
    return ReviewJob(store, analyse or Analyser(), review_context, clock or FakeClock(), Event(), Silent()).run()


def _agreed(review_context: ReviewContext, mode: Mode, *maintainers: str) -> ReviewContext:
    return replace(review_context, recipients=consenting(Consent(mode, maintainers)))


def test_a_finding_becomes_one_frozen_mail(store: Repository, review_context: ReviewContext) -> None:
    (outcome,) = _review(store, review_context, patch("1@x"))
    (sent,) = store.mails()

    assert (outcome.findings, outcome.mail, outcome.to) == (1, sent.message_id, (AUTHOR, LIST))
    assert (sent.state, sent.mode, sent.posting_id, sent.lists) == ("queued", "dry-run", "1@x", (LIST,))
    assert b"In-Reply-To: <1@x>\n" in sent.content
    assert sent.message_id.endswith("@bot.example.org")


def test_a_clean_series_makes_no_mail(store: Repository, review_context: ReviewContext) -> None:
    (outcome,) = _review(store, review_context, patch("1@x").replace(b"unsafe", b"secure"))

    assert (outcome.findings, outcome.mail, store.mails()) == (0, "", [])


def test_nothing_is_reviewed_twice(store: Repository, review_context: ReviewContext) -> None:
    _review(store, review_context, patch("1@x"))

    assert _review(store, review_context, mail("2@x", "Re: [PATCH] rust", to="1@x")) == ()
    assert len(store.mails()) == 1


def test_the_processes_end_when_nothing_is_due(store: Repository, review_context: ReviewContext) -> None:
    PollJob([FakeArchive([patch("1@x")])], store, assemble, Event(), Silent()).run()
    ended: list[int] = []
    job = ReviewJob(store, Analyser(), review_context, FakeClock(), Event(), Silent())
    job.end_when_idle(lambda: ended.append(1))

    assert [len(job.run()), len(ended)] == [1, 0]
    assert [len(job.run()), len(ended)] == [0, 1]


def test_the_same_input_makes_the_same_bytes_at_any_time(
    store: Repository, review_context: ReviewContext, tmp_path_factory: pytest.TempPathFactory
) -> None:
    later = FakeClock()
    later.forward(days=300)
    with Repository(tmp_path_factory.mktemp("other") / "d.db") as other:
        _review(store, review_context, patch("1@x"))
        _review(other, review_context, mail("0@x"), patch("1@x"), clock=later)

        assert [mail.content for mail in store.mails()] == [mail.content for mail in other.mails()]


def test_a_rule_that_crashes_is_counted_and_stops_nothing(
    store: Repository, review_context: ReviewContext, make: Maker
) -> None:
    def crash(file: FileView) -> Iterator[Diagnostic]:
        raise ZeroDivisionError

    crashing: Rule = make.rule("crashing", check_file=crash)
    (outcome,) = _review(store, replace(review_context, rules=(crashing, *review_context.rules)), patch("1@x"))

    assert (outcome.failures, outcome.skipped, outcome.findings, bool(outcome.mail)) == (1, 1, 1, True)
    (stored,) = store.postings_with_part("1@x")
    assert stored.reason == "the rule crashing failed"


def test_a_posting_that_nobody_can_judge_stops_no_other(store: Repository, review_context: ReviewContext) -> None:
    def analyse(
        posting: Posting, rules: tuple[Rule, ...], *, first_try: bool = False, encoded: PostingBytes | None = None
    ) -> Analysis | Crashed:
        if posting.message_id == "1@x":
            return Crashed("RuntimeError: a bug")
        return Analyser()(posting, rules, encoded=encoded)

    outcomes = _review(store, review_context, patch("1@x"), patch("2@x", "button"), analyse=analyse)

    assert [outcome.refused for outcome in outcomes] == ["RuntimeError: a bug", ""]
    assert [bool(outcome.mail) for outcome in outcomes] == [False, True]
    assert [row.reason for row in store.quarantined_postings(9)] == ["RuntimeError: a bug"]


@pytest.mark.parametrize(
    ("mode", "state", "to"),
    [
        (Mode.DRY_RUN, "queued", (AUTHOR, LIST)),
        (Mode.MODERATE, "held", (AUTHOR, "maintainer@example.org")),
        (Mode.AUTHOR, "queued", (AUTHOR, "maintainer@example.org")),
        (Mode.LIST, "queued", (AUTHOR, LIST)),
    ],
)
def test_the_agreement_says_to_whom_it_goes(
    store: Repository, review_context: ReviewContext, mode: Mode, state: str, to: tuple[str, ...]
) -> None:
    _review(store, _agreed(review_context, mode, "maintainer@example.org"), patch("1@x"))
    (mail,) = store.mails()

    assert (mail.mode, mail.state, mail.envelope_to) == (mode.value, state, to)
    for address in (LIST, "maintainer@example.org"):
        assert (address.encode() in mail.content) == (address in to)


def test_a_list_that_is_off_gets_nothing(store: Repository, review_context: ReviewContext) -> None:
    (outcome,) = _review(store, _agreed(review_context, Mode.OFF), patch("1@x"))

    assert (outcome.findings, store.mails()) == (1, [])


@pytest.mark.parametrize(("age", "reviewed"), [(47, True), (49, False)])
def test_a_stale_series_is_refused_with_the_reason(
    store: Repository, review_context: ReviewContext, age: int, reviewed: bool
) -> None:
    clock = FakeClock(START + timedelta(hours=age))
    (outcome,) = _review(
        store, replace(review_context, terms=RefusalTerms(stale=timedelta(hours=48))), patch("1@x"), clock=clock
    )

    assert (outcome.refused.startswith("stale: "), bool(store.mails())) == (not reviewed, reviewed)


def test_the_reason_for_withheld_findings_is_named(store: Repository, review_context: ReviewContext) -> None:
    quiet = replace(review_context, policy=Policy(without=frozenset({"bad-thing"})))
    (outcome,) = _review(store, quiet, patch("1@x"))

    assert (outcome.findings, outcome.mail, outcome.unmailed_reason) == (
        1,
        "",
        "its rule is switched off in the settings",
    )


@pytest.mark.parametrize("narrow", [Consent(severity=Severity.BUG), Consent(without=frozenset({"bad-thing"}))])
def test_a_list_may_want_to_hear_less(store: Repository, review_context: ReviewContext, narrow: Consent) -> None:
    (outcome,) = _review(store, replace(review_context, recipients=consenting(narrow)), patch("1@x"))

    assert (outcome.findings, outcome.mail) == (1, "")


def test_a_mail_that_leaves_waits_for_the_end_of_the_embargo(store: Repository, review_context: ReviewContext) -> None:
    clock = FakeClock(START + timedelta(hours=1))
    waiting = replace(review_context, recipients=consenting(Consent(Mode.LIST, embargo=timedelta(hours=24))))
    _review(store, waiting, patch("1@x"), clock=clock)

    assert [mail.due for mail in store.mails()] == [START + timedelta(hours=24)]


def test_an_older_revision_is_reviewed_but_not_mailed(store: Repository, review_context: ReviewContext) -> None:
    live = replace(review_context, terms=RefusalTerms(stale=None, newest_only=True))
    later = patch("2@x", number=" v2").replace(b"09:00:00", b"09:05:00")
    first, second = _review(store, live, patch("1@x"), later)
    (mail,) = store.mails()

    assert (first.findings, first.mail, first.unmailed_reason) == (1, "", "older-revision: v2 has arrived already")
    assert (mail.posting_id, second.mail) == ("2@x", mail.message_id)
    assert b"The previous revision got no mail" in mail.content
    assert b"Already reported" not in mail.content


def test_a_database_that_cannot_tell_what_was_answered_puts_no_series_aside(
    store: Repository, review_context: ReviewContext
) -> None:
    def learned(posting: Posting, policy: Policy) -> Policy:
        raise StoreError("locked")

    with pytest.raises(StoreError):
        _review(store, replace(review_context, learned=learned), patch("1@x"))

    assert ["1@x"] == [row.posting.message_id for row in store.due_for_review(9)]
    assert [] == store.quarantined_postings(9)
