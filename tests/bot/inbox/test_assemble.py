# SPDX-License-Identifier: GPL-2.0-or-later
"""Recorded threads, named by what happens in them, and what has to come out: also the contract with b4."""

import inspect
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from b4 import LoreMessage

from bot.inbox import b4_series
from bot.inbox.assemble import assemble
from bot.inbox.grouping import parent_of
from bot.inbox.mailbox import split_mbox
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Complete, Defective, Posting, State, Waiting

DIFF = "---\ndiff --git a/x.rs b/x.rs\n--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-a\n+b\n"
THREADS = Path(__file__).parents[2] / "data" / "threads"


def thread(name: str) -> list[Message]:
    mails = (parse(raw) for raw in split_mbox((THREADS / f"{name}.mbox").read_bytes()))
    return [mail for mail in mails if isinstance(mail, Message)]


def postings(name: str) -> tuple[Posting, ...]:
    return assemble(thread(name))


def summary(posting: Posting) -> str:
    """A posting in one line: revision, M, its parts in order, state."""
    parts = " ".join(f"{part.index}:{part.message_id.partition('@')[0]}" for part in posting.parts)
    state = posting.state
    if isinstance(state, Waiting):
        end = f"waiting {' '.join(map(str, state.missing))}"
    else:
        end = f"defective: {state.reason}" if isinstance(state, Defective) else state.word
    return f"v{posting.series.revision} of {posting.expected}: {parts}, {end}"


CASES = {
    "series-with-cover": ["v1 of 2: 0:c 1:p1 2:p2, complete"],
    "series-without-cover": ["v1 of 3: 1:p1 2:p2 3:p3, complete"],
    "chained-series": ["v3 of 3: 0:c 1:p1 2:p2 3:p3, complete"],
    "single-patch": ["v1 of 1: 1:p, complete"],
    "resent-series": ["v2 of 2: 0:c 1:p1 2:p2, complete"],
    "revision-in-the-old-thread": ["v1 of 2: 0:c1 1:p11 2:p12, complete", "v2 of 2: 0:c2 1:p21 2:p22, complete"],
    "revision-as-answers-to-each-patch": ["v1 of 2: 1:p11 2:p12, complete", "v2 of 2: 1:p21 2:p22, complete"],
    "two-series-in-one-thread": ["v1 of 2: 1:a1 2:a2, complete", "v1 of 2: 1:b1 2:b2, complete"],
    "two-authors-in-one-thread": ["v1 of 2: 1:p, waiting 2", "v1 of 2: 2:o, waiting 1"],
    "missing-part": ["v1 of 3: 0:c 1:p1 3:p3, waiting 2"],
    "missing-cover": ["v1 of 2: 1:p1 2:p2, waiting 0"],
    "part-sent-twice-alike": ["v1 of 2: 1:p1 2:p2, complete"],
    "part-sent-twice-different": ["v1 of 2: 1:p1 2:p2, defective: two different mails are patch 2 of 2"],
    "afterthought-past-the-end": [
        "v1 of 2: 1:p1 2:p2, complete",
        "v1 of 2: 3:p3, defective: patch 3 of 2 is an addition to another series",
    ],
    "patch-between-two": ["v2 of 1: 1:p, defective: the number of the patch is 1.5/3"],
    "answers-with-a-diff": ["v1 of 1: 1:p, complete"],
    "cover-without-a-number": ["v1 of 2: 0:c 1:p1 2:p2, complete"],
    "question-before-a-series": ["v1 of 2: 1:p1 2:p2, complete"],
    "cover-that-miscounts": ["v1 of 2: 0:c 1:p1 2:p2, complete"],
    "cover-with-trailers-as-answer": ["v2 of 1: 0:c 1:p, complete"],
    "cover-with-an-interdiff": ["v2 of 1: 0:c 1:p, complete"],
    "unthreaded-run": [
        "v1 of 2: 0:20261102090000.4711-1-ada 1:20261102090000.4711-2-ada 2:20261102090000.4711-3-ada, complete"
    ],
    "patch-before-cover": ["v1 of 2: 0:c 1:p1 2:p2, complete"],
    "circular-references": ["v1 of 2: 1:p1 2:p2, complete"],
    "mail-of-a-bot": [],
    "base-and-change-id": ["v4 of 1: 0:c 1:p, complete"],
    "base-below-the-diff": ["v1 of 1: 1:p, complete"],
    "attached-patch": ["v1 of 1: 1:p, complete"],
    "wrapped-patch": ["v1 of 1: 1:p, complete"],
    "one-id-twice": ["v1 of 1: 1:p, complete"],
    "revision-not-stated-by-patches": ["v2 of 2: 0:c 1:p1 2:p2, complete"],
    "trailers-in-answers": ["v1 of 2: 0:c 1:p1 2:p2, complete"],
}


@pytest.mark.parametrize("name", CASES)
def test_a_thread_becomes_these_postings(name: str) -> None:
    assert CASES[name] == [summary(posting) for posting in postings(name)]


def test_every_recorded_thread_is_a_case() -> None:
    assert {path.stem for path in THREADS.glob("*.mbox")} == {*CASES, "git-format-patch-files"}


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_arrival_changes_no_complete_series(name: str) -> None:
    if name == "one-id-twice" or name.startswith("part-sent-twice"):
        return  # there the first one wins
    backwards = assemble(thread(name)[::-1])

    assert sorted(CASES[name]) == sorted(summary(posting) for posting in backwards)


def test_files_of_git_format_patch_are_one_series_though_nothing_ties_them() -> None:
    (posting,) = postings("git-format-patch-files")

    assert (Complete(), [1, 2]) == (posting.state, [patch.index for patch in posting.series.patches])


def test_who_was_sent_a_series_is_known_once_it_was_sent() -> None:
    name = "git-format-patch-files"
    (sent,) = postings(name)
    messages = (parse(mail.raw.replace(b"To: list <rust@lists.example.org>\n", b"")) for mail in thread(name))
    (unsent,) = assemble([mail for mail in messages if isinstance(mail, Message)])

    assert {"ada@example.org", "rust@lists.example.org"} <= set(sent.series.recipients)
    assert () == unsent.series.recipients


def test_who_gave_a_trailer_for_what() -> None:
    (posting,) = postings("trailers-in-answers")

    assert [
        (0, "Acked-by: Dora <dora@example.org>", "r3@example.org"),
        (1, "Reviewed-by: Bela <bela@example.org>", "r1@example.org"),
        (1, "Tested-by: Carl <carl@example.org>", "r2@example.org"),
    ] == [(follow_up.index, follow_up.trailer, follow_up.message_id) for follow_up in posting.follow_ups]


def test_a_cover_without_a_number_takes_trailers_too() -> None:
    (posting,) = postings("cover-without-a-number")

    assert [(0, "Reviewed-by: Bela <bela@example.org>")] == [
        (follow_up.index, follow_up.trailer) for follow_up in posting.follow_ups
    ]
    assert "rust: make the thing better" == posting.series.subject


def test_what_a_series_says_of_itself() -> None:
    (posting,) = postings("base-and-change-id")
    series = posting.series

    assert "0123456789abcdef0123456789abcdef01234567" == series.base_commit
    assert "20261102-thing-0123456789ab" == series.change_id
    assert f"{posting.author.key} 20261102-thing-0123456789ab" == posting.topic
    assert ("89abcdef0123456789abcdef0123456789abcdef",) == series.prerequisites
    assert "0123456789abcdef0123456789abcdef01234567" == postings("base-below-the-diff")[0].series.base_commit


def test_revisions_without_a_change_id_share_author_and_subject() -> None:
    first, second = postings("revision-in-the-old-thread")

    assert "ada@example.org rust thing" == first.topic == second.topic


@pytest.mark.parametrize(
    "title",
    [
        *("rust: thing v2", "rust: thing (v2.1)", "rust: thing, version 2", "rust: thing - take 3", "v2 rust: thing"),
        *("rust: thing, resend", "RESEND rust: thing", "rust: thing (updated)", "rust: thing (second version)"),
        *("rust: thing (was: rust: other)", "rust: thing [was Re: other]", "rust: thing (formerly: other) (v2)"),
        *("rust: thing (2nd try)", "rust: thing (v2, resend)", "Rust: Thing."),
    ],
)
def test_words_about_the_revision_are_not_part_of_the_topic(title: str) -> None:
    (posting,) = assemble([_mail("1", f"[PATCH] {title}", DIFF)])

    assert posting.topic.endswith(" rust thing")


@pytest.mark.parametrize("title", ["resend", "rust: phase 2", "rust: add a version", "rust: cgroup_v2"])
def test_other_words_are_part_of_the_topic(title: str) -> None:
    (posting,) = assemble([_mail("1", f"[PATCH] {title}", DIFF)])

    assert posting.topic.endswith(f" {title.replace(':', '')}")


def test_a_change_id_links_the_revisions_of_one_author_alone() -> None:
    body = "Why.\n\nchange-id: 20260301-led-0123456789ab\n---\ndiff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n"
    hunk = "@@ -1 +1,2 @@\n a\n+b\n"
    mails = (("1", "[PATCH] led", "ada"), ("2", "[PATCH v2] lamp", "ada"), ("3", "[PATCH v3] led", "eve"))
    topics = [
        posting.topic
        for headers in mails
        for posting in assemble([_mail(*headers[:2], body + hunk, sender=headers[2])])
    ]

    assert topics == [f"{name}@example.org 20260301-led-0123456789ab" for name in ("ada", "ada", "eve")]


def test_a_patch_is_split_into_log_trailers_notes_and_changes() -> None:
    (patch,) = postings("single-patch")[0].series.patches

    assert ("rust: one", "Say why.", ("Signed-off-by: Ada <ada@example.org>",)) == (
        patch.subject,
        patch.log,
        patch.trailers,
    )
    assert patch.notes.startswith(" x.rs | 2 +-")
    assert ("x.rs",) == patch.paths


def test_a_damaged_diff_is_reported_to_be_damaged_and_how_it_came() -> None:
    (patch,) = postings("wrapped-patch")[0].series.patches

    assert ((), True) == (patch.changes, patch.damage is not None)
    assert "format=flowed" in (patch.damage.reason if patch.damage else "")


@pytest.mark.parametrize(
    ("subject", "revision", "resend"),
    [
        ("[v3] led: add", 3, False),
        ("[net-next,V2] led: add", 2, False),
        ("[v2,RESEND] led: add", 2, True),
        ("[RESEND] led: add", 1, True),
    ],
)
def test_a_revision_and_a_resend_are_tags_of_a_patch(subject: str, revision: int, resend: bool) -> None:
    (posting,) = assemble([_mail("p", subject, DIFF)])

    assert (posting.series.subject, posting.series.revision, posting.resend) == ("led: add", revision, resend)


def test_a_cover_letter_may_be_known_by_references_alone() -> None:
    parts = [_mail(f"p{n}", f"[PATCH {n}/2] led: add {n}", DIFF, "c") for n in (1, 2)]
    parts = [replace(part, in_reply_to=None) for part in parts]
    (posting,) = assemble(parts)

    assert posting.state == Waiting((0,))


@pytest.mark.parametrize(
    ("above", "state"),
    [
        ("20261101080000.4711-1-ada", Complete()),
        ("20261102075900.GD31548@bo", Complete()),
        ("20261101-led-v1-0-0123456789ab", Complete()),
        ("20261102085500.4711-1-ada", Waiting((0,))),
        ("20261102-led-v2-0-0123456789ab", Waiting((0,))),
        ("20269999-led", Waiting((0,))),
        ("cover.1761984000.git.ada", Waiting((0,))),
    ],
)
def test_an_unknown_mail_that_is_older_than_the_series_is_not_its_cover_letter(above: str, state: State) -> None:
    parts = [_mail(f"p{n}", f"[PATCH v2 {n}/2] led: add {n}", DIFF, above) for n in (1, 2)]

    (posting,) = assemble([replace(part, date=datetime(2026, 11, 2, 9, n, tzinfo=UTC)) for n, part in enumerate(parts)])

    assert posting.state == state


def test_a_resend_is_marked_and_keeps_its_revision() -> None:
    (posting,) = postings("resent-series")

    assert (True, 2, ("rust@lists.example.org",)) == (posting.resend, posting.series.revision, posting.lists)


def test_a_part_without_a_thread_belongs_to_the_series_of_its_subsystem() -> None:
    subjects = {"a1": "1/2] rust: a", "b1": "1/2] mm: b", "a2": "2/2] rust: c", "b2": "2/2] mm: d"}
    mails = [_mail(name, f"[PATCH {subject}", DIFF) for name, subject in subjects.items()]

    assert ["v1 of 2: 1:a1 2:a2, complete", "v1 of 2: 1:b1 2:b2, complete"] == [
        summary(posting) for posting in assemble(mails)
    ]


def _half() -> list[Message]:
    """A series without its second patch."""
    return [_mail("c", "[PATCH v2 0/2] rust: thing", "Why.\n"), _mail("p1", "[PATCH v2 1/2] rust: one", DIFF, "c")]


def _from(sender: str, message: Message) -> Message:
    return replace(message, author=Address("Ada", f"{sender}@example.org"))


@pytest.mark.parametrize("above", ["c", "p1", "review"])
@pytest.mark.parametrize("tag", ["RESEND v2", "REPOST v2", "Resent v2", "(RE-SEND) v2", "RESEND"])
def test_a_lost_patch_that_is_resent_completes_its_series(above: str, tag: str) -> None:
    review = _mail("review", "Re: [PATCH v2 0/2] rust: thing", "Where is 2/2?\n", "c", "bo")
    resent = _mail("r2", f"[PATCH {tag} 2/2] rust: two", DIFF, above)

    (posting,) = assemble([*_half(), review, replace(resent, references=("c@example.org", f"{above}@example.org"))])

    assert ("v2 of 2: 0:c 1:p1 2:r2, complete", False) == (summary(posting), posting.resend)


def test_a_series_is_not_resent_if_its_first_patch_is() -> None:
    two = _mail("p2", "[PATCH v2 2/2] rust: two", DIFF)
    resent = _mail("r1", "[PATCH RESEND v2 1/2] rust: one", DIFF, "p2")

    (posting,) = assemble([two, resent])

    assert ("v2 of 2: 1:r1 2:p2, complete", False) == (summary(posting), posting.resend)


def test_a_lost_first_patch_that_arrives_after_it_was_resent_renames_no_posting() -> None:
    two = _mail("p2", "[PATCH v2 2/2] rust: two", DIFF, "p1")
    resent = _mail("r1", "[PATCH RESEND v2 1/2] rust: one", DIFF, "p2")
    late = _mail("p1", "[PATCH v2 1/2] rust: one", f"{DIFF}\n")

    (posting,) = assemble([two, resent, late])
    first, second = assemble([two, late, resent])

    assert ("v2 of 2: 1:r1 2:p2, complete", False) == (summary(posting), posting.resend)
    assert ("v2 of 2: 1:p1 2:p2, complete", True) == (summary(first), second.resend)


@pytest.mark.parametrize(
    ("subject", "above", "sender"),
    [
        ("[PATCH RESEND v2 2/2] rust: two", "", "ada"),
        ("[PATCH RESEND v2 2/2] rust: two", "c", "eve"),
        ("[PATCH RESEND v3 2/2] rust: two", "c", "ada"),
        ("[PATCH RESEND v2 2/3] rust: two", "c", "ada"),
        ("[PATCH RESEND v2 1/2] rust: one", "c", "ada"),
        ("[PATCH RESEND v2 3/2] rust: three", "c", "ada"),
    ],
)
def test_a_resent_patch_that_the_series_does_not_lack_is_no_part_of_it(subject: str, above: str, sender: str) -> None:
    first, _ = assemble([*_half(), _mail("r2", subject, DIFF, above, sender)])

    assert "v2 of 2: 0:c 1:p1, waiting 2" == summary(first)


@pytest.mark.parametrize(
    ("line", "number", "is_part"),
    [("ada@example.org", 2, True), ("bo@example.org", 2, False), ("ada@example.org", 1, False), ("", 2, False)],
)
def test_a_lost_patch_that_somebody_else_sends_for_the_author_completes_its_series(
    line: str, number: int, is_part: bool
) -> None:
    author = f"From: Ada <{line}>\n\n" if line else ""
    sent = _mail("b2", f"[PATCH v2 {number}/2] rust: two", author + DIFF, "c", "bo")

    first, *others = assemble([*_half(), sent])

    assert ("v2 of 2: 0:c 1:p1 2:b2, complete" if is_part else "v2 of 2: 0:c 1:p1, waiting 2") == summary(first)
    assert ("ada@example.org", len(others)) == (first.author.key, 0 if is_part else 1)


@pytest.mark.parametrize("is_resent_by_author", [True, False])
def test_a_resent_patch_replaces_only_that_of_a_stranger_with_the_name_of_the_author(is_resent_by_author: bool) -> None:
    half = [_from("ada", message) for message in _half()]
    stranger = _from("eve", _mail("s2", "[PATCH v2 2/2] rust: two", f"{DIFF}\n", "c"))
    again = _from("eve", _mail("s3", "[PATCH RESEND v2 2/2] rust: two", DIFF, "c"))
    resent = _from("ada", _mail("r2", "[PATCH RESEND v2 2/2] rust: two", DIFF, "c"))

    first, *_ = assemble([*half, stranger, again, *([resent] if is_resent_by_author else [])])

    assert f"v2 of 2: 0:c 1:p1 2:{'r2' if is_resent_by_author else 's2'}, complete" == summary(first)


def test_a_series_that_is_resent_below_an_incomplete_one_is_a_posting_of_its_own() -> None:
    again = [_mail(f"r{at}", f"[PATCH RESEND v2 {at}/2] rust: {at}", DIFF, "c") for at in (1, 2)]

    for order in (again, again[::-1]):
        first, second = assemble([*_half(), *order])
        assert "v2 of 2: 0:c 1:p1, waiting 2" == summary(first)
        assert ("v2 of 2: 1:r1 2:r2, complete", True) == (summary(second), second.resend)


def test_the_patches_below_a_resent_cover_letter_need_not_say_that_they_are_resent() -> None:
    mails = [
        _mail("c", "[PATCH RESEND 0/2] rust: thing", "Why.\n"),
        _mail("p1", "[PATCH 1/2] rust: one", DIFF, "c"),
        _mail("p2", "[PATCH RESEND 2/2] rust: two", DIFF, "c"),
    ]

    (posting,) = assemble(mails)

    assert ("v1 of 2: 0:c 1:p1 2:p2, complete", True) == (summary(posting), posting.resend)


def test_a_series_and_its_resend_in_the_same_thread_are_two_postings() -> None:
    first = [_mail("p1", "[PATCH v2 1/2] rust: one", DIFF), _mail("p2", "[PATCH v2 2/2] rust: two", DIFF, "p1")]
    again = [
        _mail("r1", "[PATCH RESEND v2 1/2] rust: one", DIFF, "p1"),
        _mail("r2", "[PATCH RESEND v2 2/2] rust: two", DIFF, "r1"),
    ]

    assert ["v2 of 2: 1:p1 2:p2, complete", "v2 of 2: 1:r1 2:r2, complete"] == [
        summary(posting) for posting in assemble([*first, *again])
    ]


def test_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **keywords: object) -> None:
        raise AssertionError(f"a process was started: {arguments}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)

    assert all(postings(name) is not None for name in CASES)


def test_a_thread_without_patches_is_nothing() -> None:
    assert () == assemble([])


def test_a_reply_to_many_replies_is_for_the_patch_and_each_mail_is_passed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0

    def counted(message: Message, known: Mapping[str, Message]) -> str | None:
        nonlocal passed
        passed += 1
        return parent_of(message, known)

    monkeypatch.setattr("bot.inbox.assemble.parent_of", counted)
    steps = []
    for length in (100, 400):
        passed = 0
        replies = [
            _mail(
                f"r{n}",
                "Re: [PATCH] x",
                f"Reviewed-by: bob <bob{n}@example.org>\n",
                f"r{n - 1}" if n else "p",
                f"bob{n}",
            )
            for n in range(length)
        ]
        (posting,) = assemble([_mail("p", "[PATCH] x", DIFF), *replies])
        assert len(posting.follow_ups) == length
        steps.append(passed)
    assert steps[1] <= 5 * steps[0]


def test_replies_that_answer_each_other_in_a_circle_are_for_no_patch() -> None:
    tag = "Reviewed-by: bob <bob@example.org>\n"
    circle = [_mail("a", "Re: [PATCH] x", tag, "b", "bob"), _mail("b", "Re: [PATCH] x", tag, "a", "bob")]

    (posting,) = assemble([_mail("p", "[PATCH] x", DIFF), *circle])

    assert posting.follow_ups == ()


@pytest.mark.parametrize("after", ["", " # v2", "\t#v2"])
def test_what_is_after_a_hash_is_no_part_of_a_trailer(after: str) -> None:
    reply = _mail("r", "Re: [PATCH] x", f"Tested-by: bob <bob@example.org>{after}\n", "p", "bob")

    (posting,) = assemble([_mail("p", "[PATCH] x", DIFF), reply])

    assert [follow_up.trailer for follow_up in posting.follow_ups] == ["Tested-by: bob <bob@example.org>"]


def test_b4_searches_for_the_end_of_a_trailer_with_the_expression_that_is_expected() -> None:
    assert b4_series._AFTER_HASH in inspect.getsource(LoreMessage.find_trailers)


def _mail(name: str, subject: str, body: str, above: str = "", sender: str = "ada") -> Message:
    answers = f"In-Reply-To: <{above}@example.org>\n" if above else ""
    head = f"From: {sender}@example.org\nMessage-ID: <{name}@example.org>\nSubject: {subject}\n{answers}"
    message = parse(f"{head}\n{body}".encode())
    assert isinstance(message, Message)
    return message
