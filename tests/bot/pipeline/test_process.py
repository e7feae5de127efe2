# SPDX-License-Identifier: GPL-2.0-or-later
"""The steps after an analysis: the review, its mail or why there is none, and what a bug leaves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.kernel.base import Base, Chosen
from bot.kernel.evidence import Evidence
from bot.mail.address import Address
from bot.mail.outgoing import REVIEW, Outgoing
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Complete, Defective, Posting, Waiting
from bot.pipeline.analyse import Analysis, announced_blobs
from bot.pipeline.context import ReviewContext
from bot.pipeline.outcome import Outcome, series_fields
from bot.pipeline.process import ReviewResult, process, write_mail
from bot.pool.guard import Crashed
from bot.review.consent import Consent, Mode, NitLists
from bot.review.model import Basis, FindingState
from bot.review.policy import FOR_AUTHORS, Policy
from rules.analysis.unsafe_delta import UnsafeDelta
from rules.diff.patch import FileChange, Patch, Series
from rules.finding import Report, Severity
from rules.lint.rule import Scope
from tests.bot.review.factories import AUTHOR, LIST, Maker
from tests.fakes.contexts import consenting

NOW = datetime(2026, 3, 3, tzinfo=UTC)
BLOBS = {"1" * 40: b"fn f() {}\n"}


def _analysis(make: Maker) -> Analysis:
    return Analysis(Report((make.finding(),)), UnsafeDelta(), BLOBS, None)


def _context(make: Maker, consent: Consent | None = None, **changes: object) -> ReviewContext:
    basis = Basis("1.0", "aaa", ("missing-safety-comment",))
    context = ReviewContext((make.rule(),), Policy(), make.identity, consenting(consent), basis=basis)
    return replace(context, **changes)  # type: ignore[arg-type]  # a field each


def _result(make: Maker, posting: Posting, context: ReviewContext) -> ReviewResult:
    result = process(posting, _analysis(make), None, context, NOW - timedelta(hours=1), NOW)
    assert isinstance(result, ReviewResult)
    return result


def test_a_posting_with_a_finding_gets_a_review_and_a_mail(make: Maker) -> None:
    posting, consent = make.posting(), Consent(Mode.LIST, embargo=timedelta(hours=3))

    result = _result(make, posting, _context(make, consent))

    assert [entry.finding for entry in result.review.reported] == [make.finding()]
    assert (result.blobs, result.refused) == (BLOBS, "")
    assert result.review.basis == Basis("1.0", "aaa", ("missing-safety-comment",), "")
    assert result.outgoing is not None
    assert (result.outgoing.kind, result.outgoing.posting_id) == (REVIEW, posting.message_id)
    assert (result.outgoing.due, result.outgoing.reason) == (NOW + timedelta(hours=2), "embargo")


def test_a_mail_is_not_dated_into_the_future_by_the_clock_of_an_archive(make: Maker) -> None:
    ahead = NOW + timedelta(days=900)
    plain = make.posting()
    posting = replace(plain, date=ahead, parts=(replace(plain.parts[0], date=ahead),))

    mail = write_mail(_result(make, posting, _context(make)).review, _context(make), ahead, NOW)

    assert isinstance(mail, Outgoing)
    assert b"\nDate: Tue, 03 Mar 2026 00:00:00 +0000\n" in mail.content


def test_a_review_names_the_base_of_its_analysis(make: Maker) -> None:
    base = Base("linux.git", "v6.19", "1" * 40, Chosen.GIVEN, Evidence())

    result = process(make.posting(), replace(_analysis(make), base=base), None, _context(make), NOW, NOW)

    assert isinstance(result, ReviewResult)
    assert result.review.basis.base == base.named != ""


def test_a_finding_of_the_previous_revision_is_repeated(make: Maker) -> None:
    context = _context(make)
    first = _result(make, make.posting(), context).review

    second = process(make.posting(revision=2), _analysis(make), first, context, NOW, NOW)

    assert isinstance(second, ReviewResult)
    assert [entry.state for entry in second.review.findings] == [FindingState.REPEATED]


@pytest.mark.parametrize(
    "consent",
    [Consent(Mode.LIST, severity=Severity.BUG), Consent(Mode.LIST, without=frozenset({"missing-safety-comment"}))],
)
def test_what_a_list_does_not_want_is_withheld(make: Maker, consent: Consent) -> None:
    result = _result(make, make.posting(), _context(make, consent))

    assert (result.review.reported, result.outgoing, result.refused) == ((), None, "")
    assert len(result.review.findings) == 1


@pytest.mark.parametrize(
    "policy", [Policy(severity=Severity.BUG), Policy(without=frozenset({"missing-safety-comment"}))]
)
def test_a_list_that_wants_more_than_the_policy_does_not_widen_it(make: Maker, policy: Policy) -> None:
    result = _result(make, make.posting(), _context(make, Consent(Mode.LIST, severity=Severity.NOTE), policy=policy))

    assert (result.review.reported, result.outgoing) == ((), None)


def test_a_mail_without_a_message_id_cannot_be_answered(make: Maker) -> None:
    posting = make.posting()
    unnamed = replace(posting, parts=(replace(posting.parts[0], message_id=f"1{SYNTHETIC}"),))

    result = _result(make, unnamed, _context(make))

    assert result.refused == "the mail has no message-id that could be answered"
    assert (result.outgoing, result.blobs) == (None, BLOBS)
    assert (result.review.recipients.to, result.review.recipients.reason) == ((), result.refused)
    assert len(result.review.reported) == 1


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.AUTHOR])
def test_a_review_goes_to_those_who_consented(make: Maker, mode: Mode) -> None:
    recipients = _result(make, make.posting(), _context(make, Consent(mode))).review.recipients

    assert recipients.to == (() if mode is Mode.OFF else (AUTHOR,))


def test_a_mail_of_another_kind_has_a_preface(make: Maker) -> None:
    context = _context(make)
    review = _result(make, make.posting(), context).review

    mail = write_mail(review, context, NOW, NOW, "recheck", ("This was reviewed again.",))

    assert getattr(mail, "kind", "") == "recheck"
    assert b"\n\nThis was reviewed again.\n\n" in getattr(mail, "content", b"")


def test_a_crash_of_the_analysis_and_of_a_later_step_are_results(make: Maker) -> None:
    def broken(posting: Posting, policy: Policy) -> Policy:
        raise RuntimeError("a bug")

    crashed, posting = Crashed("took too long"), make.posting()
    later = process(posting, _analysis(make), None, _context(make, learned=broken), NOW, NOW)

    assert process(posting, crashed, None, _context(make), NOW, NOW) is crashed
    assert isinstance(later, Crashed)
    assert later.reason.startswith("RuntimeError in broken, line ")


def test_a_context_without_mails_keeps_what_people_replied(make: Maker) -> None:
    learned = _context(make, learned=lambda _, policy: replace(policy, severity=Severity.BUG))

    policy = learned.without_mail("stopped").learned(make.posting(), Policy())

    assert (policy.muted, policy.severity) == ("stopped", Severity.BUG)


@pytest.mark.parametrize(("mode", "is_dry_run"), [(Mode.DRY_RUN, True), (Mode.LIST, False)])
def test_a_posting_whose_mail_is_only_filed_is_a_dry_run(make: Maker, mode: Mode, is_dry_run: bool) -> None:
    assert _context(make, Consent(mode)).is_dry_run(make.posting()) is is_dry_run


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        (Complete(), ""),
        (Waiting((0, 2)), "waiting for the cover letter and patch 2 of 1"),
        (Defective("announces 900 patches"), "announces 900 patches"),
    ],
)
def test_the_outcome_of_a_posting_says_what_its_state_says(
    make: Maker, state: Complete | Waiting | Defective, refused: str
) -> None:
    posting = make.posting(revision=3, state=state)

    assert Outcome.of(posting) == Outcome("v3.1@example.org", "rust: led", 3, 1, 1, refused=refused)
    assert series_fields(posting) == {"message_id": "v3.1@example.org", "subject": "rust: led", "version": 3}


def test_the_announced_blobs_of_a_series_are_named_once() -> None:
    again = FileChange("a.rs", "a.rs", blob_before="1111111", blob_after="3333333")
    first = again, FileChange(None, "b.rs")
    second = FileChange("c.rs", None, blob_before="2222222"), again

    announced = announced_blobs(Series("s", (Patch(1, "", changes=first), Patch(2, "", changes=second))))

    assert announced == (("1111111", "2222222"), ("3333333",))


def _form_context(make: Maker, *asking: str) -> ReviewContext:
    form = make.rule("form", scope=Scope.AUTHOR, severity=Severity.NIT, tier=2)
    lists = NitLists(frozenset(asking), frozenset({LIST.key, "other@lists.example.org"}))
    return _context(make, Consent(Mode.LIST), author_rules=(form,), nit_lists=lists)


def test_rules_of_scope_author_are_run_and_mailed_for_a_list_that_asks_for_nits(make: Maker) -> None:
    posting, context = make.posting(), _form_context(make, LIST.key)
    nit = make.finding(7, rule="form", severity=Severity.NIT, message="Write it in another form.")
    analysis = replace(_analysis(make), report=Report((make.finding(), nit)))

    result = process(posting, analysis, None, context, NOW, NOW)

    assert [rule.id for rule in context.rules_for(posting)] == ["missing-safety-comment", "form"]
    assert isinstance(result, ReviewResult)
    assert result.outgoing is not None
    assert "Write it in another form." in result.outgoing.content.decode()
    assert result.review.basis.rules == ("missing-safety-comment", "form")


def test_a_list_that_does_not_ask_for_nits_gets_none_and_runs_no_rule_of_scope_author(make: Maker) -> None:
    context = _form_context(make, "other@lists.example.org")

    assert context.rules_for(make.posting()) == context.rules
    assert context.rules_for(replace(make.posting(), lists=())) == context.rules


def test_all_known_lists_of_a_posting_must_ask_for_nits(make: Maker) -> None:
    named = make.posting(cc=(LIST, Address("", "other@lists.example.org")))

    assert len(_form_context(make, LIST.key).rules_for(named)) == 1
    assert len(_form_context(make, LIST.key, "other@lists.example.org").rules_for(named)) == 2


def test_a_chosen_rule_of_scope_author_is_withheld_from_the_mail(make: Maker) -> None:
    form = make.rule(scope=Scope.AUTHOR, tier=2)

    result = _result(make, make.posting(), replace(_context(make, Consent(Mode.LIST)), rules=(form,)))

    assert [entry.withheld for entry in result.review.findings] == [FOR_AUTHORS.format()]
    assert result.outgoing is None
