# SPDX-License-Identifier: GPL-2.0-or-later
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.app.precision import LearnedPolicy
from bot.mail.command import Scope
from bot.mail.outgoing import Outgoing
from bot.mail.packed import pack, unpack
from bot.mail.posting import Complete, Defective, Posting, State, Waiting
from bot.mail.posting_codec import EncodedPosting, without_texts
from bot.mail.state import MailState
from bot.ports.mails import ParsedMail, Thread
from bot.ports.raw_mail import Batch
from bot.review.disposition import ActiveMute, Disposition, DispositionKind
from bot.review.model import FindingState, Recipients, Review, ReviewFinding
from bot.review.policy import Policy
from bot.settings.tables import Settings
from bot.store.codec import decode, encode
from bot.store.repository import Repository
from bot.store.tables import ReviewRow
from rules.diff.tree import blob_id
from rules.finding import Failure, LogAnchor
from tests.bot.review.factories import Maker
from tests.fakes.mails import START, mail, raw
from tests.fakes.origin import FakeClock
from tests.fakes.outbox import look_at

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def _thread(store: Repository, *postings: Posting) -> Thread:
    """Ingest a mail for each part, in one thread."""
    ids = [part.message_id for posting in postings for part in posting.parts]
    batch = Batch("l", "0", str(ids), tuple(raw(mail(message_id), n) for n, message_id in enumerate(ids)))
    store.ingest(batch)
    store.index(
        [ParsedMail(mail.id, name, ("root@x",), "d") for mail, name in zip(store.unparsed(99), ids, strict=True)], []
    )
    (thread,) = store.unassembled(10)
    return thread


def _save(store: Repository, *postings: Posting) -> Thread:
    thread = _thread(store, *postings)
    store.save_threads([(thread, tuple(map(EncodedPosting.of, postings)))])
    return thread


def _outgoing(posting: Posting, message_id: str = "1@bot.example.org", kind: str = "review") -> Outgoing:
    return Outgoing(message_id, posting.message_id, kind, "b@example.org", ("a@example.org",), b"mail", NOW)


def _blob(store: Repository, blob_id: str) -> bytes | None:
    return store.blobs([blob_id], sys.maxsize).get(blob_id)


def _due(store: Repository) -> list[str]:
    return [row.posting.message_id for row in store.due_for_review(10)]


def test_a_complete_posting_is_due_and_comes_back_equal(store: Repository, make: Maker) -> None:
    posting = make.posting(cover=True)
    _save(store, posting)

    (due,) = store.due_for_review(10)

    assert (due.posting, due.with_texts()) == (without_texts(posting), posting)
    assert due.arrived == START + timedelta(minutes=1)


@pytest.mark.parametrize("state", [Waiting((2, 3)), Defective("two patches have the number 1")])
def test_an_unready_posting_is_not_due(store: Repository, make: Maker, state: State) -> None:
    _save(store, make.posting(state=state))

    assert _due(store) == []


def test_a_posting_that_completes_becomes_due(store: Repository, make: Maker) -> None:
    thread = _save(store, make.posting(state=Waiting((2,))))
    store.save_threads([(thread, [EncodedPosting.of(make.posting(state=Complete()))])])

    assert _due(store) == ["v1.1@example.org"]


def test_a_posting_of_an_older_version_comes_back(make: Maker) -> None:
    fields = json.loads(unpack(encode(make.posting())))
    for part in fields["parts"]:
        del part["carriers"]
        part["reply_to"] = [{"name": "", "address": "elsewhere@example.org"}]

    assert decode(Posting, pack(json.dumps(fields).encode())) == make.posting()


def test_undecodable_bytes_in_a_patch_come_back(store: Repository, make: Maker) -> None:
    posting = make.posting()
    strange = replace(posting, series=replace(posting.series, subject="a\udc80b\udcff"))
    _save(store, strange)

    assert store.due_for_review(1)[0].with_texts() == strange


def test_an_id_that_two_mails_claim_makes_the_posting_defective(store: Repository, make: Maker) -> None:
    posting = make.posting()
    thread = _thread(store, posting)
    store.save_threads([(replace(thread, disputed=frozenset({posting.message_id})), [EncodedPosting.of(posting)])])

    assert _due(store) == []


def test_a_posting_that_is_not_found_again_is_gone(store: Repository, make: Maker) -> None:
    thread = _save(store, make.posting())
    store.save_threads([(thread, [])])

    assert (_due(store), store.tally().postings) == ([], 0)


def test_a_reviewed_posting_is_due_no_more_even_if_its_thread_grows(store: Repository, make: Maker) -> None:
    posting = make.posting()
    thread = _save(store, posting)
    store.save_review(Review(posting, ()), None, NOW)
    store.save_threads([(thread, [EncodedPosting.of(posting)])])

    assert _due(store) == []


def test_a_refused_posting_is_due_no_more(store: Repository, make: Maker) -> None:
    _save(store, make.posting())
    store.refuse(make.posting(), "sent long ago")

    assert (_due(store), store.count_due_for_review()) == ([], 0)


def test_postings_are_due_in_the_order_they_arrived_whatever_their_dates(store: Repository, make: Maker) -> None:
    first, later = make.posting(revision=1), make.posting(revision=2)
    backdated = replace(later, date=START - timedelta(days=1))
    _save(store, replace(first, date=START), backdated)

    assert _due(store) == [first.message_id, later.message_id]


def test_the_previous_review_is_that_of_the_latest_earlier_revision(store: Repository, make: Maker) -> None:
    postings = [make.posting(revision=number) for number in (1, 2, 3)]
    _save(store, *postings)
    findings = (make.finding(), replace(make.finding(9), anchor=LogAnchor(1, 3, "text")))
    for posting in postings[:2]:
        comments = tuple(ReviewFinding(finding, FindingState.REPEATED, "why", 1) for finding in findings)
        failures = (Failure("some-rule", 1, "a.rs", "it broke"),)
        review = Review(posting, comments, failures, Recipients((posting.author,), (), "reason"), "+1 block")
        store.save_review(review, _outgoing(posting, f"{posting.message_id}.bot.example.org"), NOW)

    assert store.previous_review(postings[2], is_dry_run=True) == replace(review, posting=without_texts(postings[1]))
    assert store.previous_review(postings[0], is_dry_run=True) is None


def test_the_same_mail_with_another_id_and_the_same_date_repeats_the_one_that_came_first(
    store: Repository, make: Maker
) -> None:
    first = make.posting()
    second = replace(first, message_id="2@x", parts=(replace(first.parts[0], message_id="2@x"),))
    _save(store, first, second)
    review = Review(first, (), (), Recipients((first.author,), (), "reason"), "+1 block")
    store.save_review(review, _outgoing(first), NOW)

    assert (store.context(first).repeats, store.context(second).repeats) == ("", first.message_id)
    assert store.previous_review(first, is_dry_run=True) is None
    assert store.previous_review(second, is_dry_run=True) == replace(review, posting=without_texts(first))


def _retitled(make: Maker, *, is_reply: bool) -> tuple[Posting, Posting]:
    """Return a series, and its second revision with another title, which replies or links to it."""
    first, second = make.posting(revision=1), make.posting(revision=2)
    part, series = second.parts[0], second.series
    if is_reply:
        part = replace(part, references=(first.parts[0].message_id,))
    else:
        series = replace(series, cover=f"- Link to v1: https://lore.kernel.org/r/{first.parts[0].message_id}/\n")
    return first, replace(second, topic="another title", parts=(part,), series=series)


def _save_retitled(store: Repository, make: Maker, *, is_reply: bool = True) -> tuple[Posting, Posting]:
    """Store a series, and its second revision with another title, which replies or links to it."""
    first, second = _retitled(make, is_reply=is_reply)
    _save(store, first, second)
    return first, second


@pytest.mark.parametrize(("revision", "is_found"), [(2, True), (1, False)])
def test_a_revision_with_a_first_change_id_continues_the_one_with_its_title(
    store: Repository, make: Maker, revision: int, is_found: bool
) -> None:
    first, second = make.posting(), make.posting(revision=revision)
    first = replace(first, message_id="0@x", topic=make.posting(revision=2).title_topic)
    part = replace(second.parts[0], message_id="9@x")
    second = replace(second, message_id="9@x", parts=(part,), topic=f"{second.author.key} 20260301-led-0123456789ab")
    _save(store, first, second)
    store.save_review(Review(first, (), (), Recipients((first.author,), (), "reason")), _outgoing(first), NOW)

    assert (store.previous_review(second, is_dry_run=True) is not None) is is_found


@pytest.mark.parametrize("is_reply", [True, False])
def test_patches_that_are_posted_again_from_another_address_repeat_the_first_ones(
    store: Repository, make: Maker, is_reply: bool
) -> None:
    old, second = _retitled(make, is_reply=is_reply)
    part = replace(second.parts[0], message_id="again@example.org")
    again = replace(second, message_id=part.message_id, parts=(part,), topic="another address", resend=True)
    second = replace(second, topic=old.topic)
    _save(store, old, second, again)

    assert (store.context(second).repeats, store.context(again).repeats) == ("", second.message_id)


@pytest.mark.parametrize("path", ["rust/kernel/led.rs", "rust/kernel/pump.rs"])
def test_a_resend_of_a_single_patch_repeats_its_series(store: Repository, make: Maker, path: str) -> None:
    first = make.posting((make.patch(1), make.patch(2, "rust/kernel/fan.rs")))
    part = replace(first.parts[0], message_id="again@example.org", references=(first.message_id,))
    series = replace(first.series, patches=(make.patch(path=path),))
    again = replace(first, message_id="again@example.org", parts=(part,), series=series, topic="one", resend=True)
    _save(store, first, again)

    assert store.context(again).repeats == (first.message_id if path == "rust/kernel/led.rs" else "")
    store.refuse(first, "a reason")
    assert store.context(again).repeats == ""


@pytest.mark.parametrize("is_reply", [True, False])
def test_a_mute_or_dispute_of_a_series_is_about_a_retitled_revision_too(
    store: Repository, make: Maker, is_reply: bool
) -> None:
    first, second = _save_retitled(store, make, is_reply=is_reply)
    mail = _outgoing(second)
    store.save_review(Review(second, ()), mail, NOW)
    mute = ActiveMute(Scope.SERIES, first.topic, "ann@example.org", "", NOW)
    store.mute(mute, NOW)
    dispute = Disposition(first.topic, "f" * 16, "a-rule", DispositionKind.NOT_APPLICABLE, "No.", "x", "1@x", NOW)
    store.save_commands(["1@x"], "x", "", [dispute], None, NOW)

    learned = LearnedPolicy(Settings(), store, FakeClock(NOW))
    policy = learned(second, Policy())

    assert (policy.muted, policy.dismissed) == ("muted (series) by ann@example.org", {"f" * 16: "No."})
    assert look_at(store, mail.message_id, NOW, NOW).mutes == (mute,)
    assert store.series_topics(first) == (first.topic,)


@pytest.mark.parametrize(
    ("address", "path", "withdrawn"),
    [
        ("ada@example.org", "rust/kernel/led.rs", 1),
        ("ada@example.org", "rust/kernel/fan.rs", 0),
        ("eve@example.org", "rust/kernel/led.rs", 0),
    ],
)
def test_a_retitled_revision_replaces_a_waiting_mail_if_its_author_changes_the_same_files(
    store: Repository, make: Maker, address: str, path: str, withdrawn: int
) -> None:
    first, second = _save_retitled(store, make)
    store.save_review(Review(first, ()), replace(_outgoing(first), mode="list"), NOW)
    author = replace(second.author, address=address)
    second = replace(second, author=author, series=replace(second.series, patches=(make.patch(path=path),)))

    assert store.supersede(second, NOW) == withdrawn
    assert [mail.state for mail in store.mails()] == ["withdrawn" if withdrawn else "queued"]


@pytest.mark.parametrize("is_reply", [True, False])
def test_without_one_of_its_topic_the_previous_review_is_that_of_the_series_it_continues(
    store: Repository, make: Maker, is_reply: bool
) -> None:
    first, second = _save_retitled(store, make, is_reply=is_reply)
    review = Review(first, (ReviewFinding(make.finding()),))
    store.save_review(review, None, NOW)

    previous = store.previous_review(second, is_dry_run=True)

    assert previous is not None
    assert previous.posting.message_id == first.message_id
    assert store.previous_review(first, is_dry_run=True) is None


@pytest.mark.parametrize(
    ("state", "to"),
    [("queued", 1), ("sent", 1), ("filed", 1), ("held", 0), ("refused", 0), ("expired", 0), ("withdrawn", 0)],
)
def test_a_previous_review_whose_mail_did_not_leave_went_to_nobody(
    store: Repository, make: Maker, state: str, to: int
) -> None:
    first, second = make.posting(revision=1), make.posting(revision=2)
    _save(store, first, second)
    store.save_review(
        Review(first, (), recipients=Recipients((first.author,))),
        replace(_outgoing(first), state=MailState(state)),
        NOW,
    )

    previous = store.previous_review(second, is_dry_run=True)

    assert previous is not None
    assert to == len(previous.recipients.to)


@pytest.mark.parametrize(
    ("mode", "is_dry_run", "to"), [("dry-run", True, 1), ("dry-run", False, 0), ("list", False, 1)]
)
def test_what_a_dry_run_filed_was_told_to_nobody_outside_it(
    store: Repository, make: Maker, mode: str, is_dry_run: bool, to: int
) -> None:
    first, second = make.posting(revision=1), make.posting(revision=2)
    _save(store, first, second)
    mail = replace(_outgoing(first), state=MailState.SENT, mode=mode)
    store.save_review(Review(first, (), recipients=Recipients((first.author,))), mail, NOW)

    previous = store.previous_review(second, is_dry_run)

    assert previous is not None
    assert to == len(previous.recipients.to)
    recipient_counts = [[len(review.recipients.to) for review in reviews] for reviews in store.mailed_reviews()]
    assert recipient_counts == ([[1]] if mode == "list" else [])


@pytest.mark.parametrize(
    ("state", "mode", "after"),
    [
        ("queued", "list", "withdrawn"),
        ("held", "moderate", "withdrawn"),
        ("approved", "moderate", "withdrawn"),
        ("sending", "list", "sending"),
        ("sent", "list", "sent"),
        ("queued", "dry-run", "queued"),
    ],
)
def test_a_newer_revision_ends_the_wait_of_mails_about_older_ones(
    store: Repository, make: Maker, state: str, mode: str, after: str
) -> None:
    first, second, third = (make.posting(revision=number) for number in (1, 2, 3))
    _save(store, first, second, third)
    store.save_review(Review(first, ()), replace(_outgoing(first), state=MailState(state), mode=mode), NOW)
    store.save_review(Review(third, ()), replace(_outgoing(third, "3@bot.example.org"), mode="list"), NOW)

    ended = store.supersede(second, NOW)

    assert int(after == "withdrawn") == ended
    assert [after, "queued"] == [mail.state for mail in store.mails()]


def test_a_review_and_its_mail_are_kept_together(store: Repository, make: Maker) -> None:
    posting = make.posting()
    _save(store, posting)

    assert store.save_review(Review(posting, ()), _outgoing(posting), NOW)
    assert store.mails() == [_outgoing(posting)]


def test_a_posting_gets_no_second_mail(store: Repository, make: Maker) -> None:
    posting = make.posting()
    _save(store, posting)
    store.save_review(Review(posting, ()), _outgoing(posting), NOW)

    assert not store.save_review(Review(posting, ()), _outgoing(posting, "2@bot.example.org"), NOW)
    assert [mail.message_id for mail in store.mails()] == ["1@bot.example.org"]


def test_a_posting_renamed_by_a_late_cover_letter_gets_no_second_mail(store: Repository, make: Maker) -> None:
    bare, covered = make.posting(), make.posting(cover=True)
    thread = _save(store, bare)
    store.save_review(Review(bare, ()), _outgoing(bare), NOW)
    store.save_threads([(thread, [EncodedPosting.of(covered)])])

    assert _due(store) == [covered.message_id]
    assert not store.save_review(Review(covered, ()), _outgoing(covered, "2@bot.example.org"), NOW)


def test_a_mail_of_another_kind_is_not_a_second_one(store: Repository, make: Maker) -> None:
    posting = make.posting()
    _save(store, posting)
    store.save_review(Review(posting, ()), _outgoing(posting), NOW)

    assert store.save_review(Review(posting, ()), _outgoing(posting, "2@bot.example.org", "recheck"), NOW)


def test_blobs_are_found_by_the_ids_of_index_lines(store: Repository) -> None:
    contents = [b"fn main() {}\n", b"", b"\0\xff"]
    store.save_blobs({blob_id(content): content for content in contents}, NOW)
    store.save_blobs({blob_id(contents[0]): contents[0]}, NOW)

    assert [_blob(store, blob_id(content)) for content in contents] == contents
    assert _blob(store, blob_id(contents[0])[:12]) == contents[0]


def test_blobs_are_given_together_until_they_are_too_much(store: Repository) -> None:
    contents = {blob_id(content): content for content in (b"a" * 60, b"b" * 30, b"c" * 30)}
    store.save_blobs(contents, NOW)
    first, second, third = contents
    ids = [first[:12], "0" * 12, "strange", second, third]

    assert store.blobs(ids, 120) == {first[:12]: b"a" * 60, second: b"b" * 30, third: b"c" * 30}
    assert list(store.blobs(ids, 119)) == [first[:12], second]


@pytest.mark.parametrize("wrong", ["", "abcdef", "%" * 12, "0123456789ab", "ABCDEF0123456"])
def test_no_blob_answers_to_a_strange_or_unknown_id(store: Repository, wrong: str) -> None:
    store.save_blobs({blob_id(b"x"): b"x"}, NOW)

    assert _blob(store, wrong) is None


def test_an_ambiguous_blob_id_is_no_blob(store: Repository) -> None:
    store.save_blobs({"a" * 39 + "0": b"x", "a" * 39 + "1": b"y"}, NOW)

    assert _blob(store, "a" * 12) is None


def test_a_review_keeps_its_posting_when_the_posting_is_read_otherwise_later(store: Repository, make: Maker) -> None:
    before = make.posting(cover=True)
    thread = _save(store, before)
    (due,) = store.due_for_review(10)
    store.save_review(Review(due.posting, ()), None, NOW, encoded=due.encoded)
    after = replace(before, series=replace(before.series, subject="rust: led: otherwise"))
    store.save_threads([(thread, [EncodedPosting.of(after)])])
    store.save_threads([(thread, [EncodedPosting.of(replace(after, state=Waiting((2,))))])])

    stored = store.review_of(before.message_id)

    assert stored is not None
    assert stored.review.posting == before


def test_a_posting_is_stored_once_with_its_review(store: Repository, make: Maker) -> None:
    _save(store, make.posting())
    (due,) = store.due_for_review(10)
    store.save_review(Review(due.posting, ()), None, NOW, encoded=due.encoded)

    with store._database.reading() as session:
        assert [row.posting for row in session.exec(select(ReviewRow))] == [b""]
