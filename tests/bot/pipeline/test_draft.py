# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.mail.address import Address
from bot.mail.authority import reply_address
from bot.mail.posting import Posting
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import draft, message_id
from bot.review.model import Recipients, Review, ReviewFinding
from tests.bot.review.factories import AUTHOR, LIST, Maker

TO = Recipients((AUTHOR,), (LIST,))


def _review(make: Maker, posting: Posting, patches: Sequence[int] = (1,), recipients: Recipients = TO) -> Review:
    return Review(posting, tuple(ReviewFinding(make.finding(patch=patch)) for patch in patches), recipients=recipients)


def _context(make: Maker, secret: bytes = b"") -> ReviewContext:
    return ReviewContext((make.rule(),), identity=make.identity, secret=secret)


def test_a_draft_answers_the_patch_with_the_findings(make: Maker) -> None:
    posting = make.posting((make.patch(1), make.patch(2)), cover=True)

    reply = draft(_review(make, posting, (2,)), _context(make))

    assert reply is not None
    assert (reply.message_id, reply.sender) == (message_id(posting, make.identity), make.identity.sender)
    assert (reply.to, reply.cc) == ((AUTHOR,), (LIST,))
    assert reply.subject == "Re: [PATCH v1 2/2] rust: led: add a driver"
    assert (reply.in_reply_to, reply.references) == ("v1.2@example.org", ("v1.0@example.org", "v1.2@example.org"))
    assert reply.date == "Mon, 02 Mar 2026 09:30:00 +0000"
    assert reply.headers == (
        ("Reply-To", "owner@example.org"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Patchwarden-Version", "0.1.0"),
        ("X-Patchwarden-Rules", "missing-safety-comment"),
    )


def test_a_draft_on_several_patches_answers_the_cover_letter_or_the_first_patch(make: Maker) -> None:
    patches = make.patch(1), make.patch(2)

    postings = [make.posting(patches, cover=cover) for cover in (True, False)]
    replies = [draft(_review(make, posting, (1, 2)), _context(make)) for posting in postings]

    assert [reply.in_reply_to for reply in replies if reply is not None] == ["v1.0@example.org", "v1.1@example.org"]


@pytest.mark.parametrize(("patches", "recipients"), [((), TO), ((1,), Recipients((), (LIST,), "no consent"))])
def test_without_findings_or_recipients_there_is_no_draft(
    make: Maker, patches: tuple[int, ...], recipients: Recipients
) -> None:
    assert draft(_review(make, make.posting(), patches, recipients), _context(make)) is None


def test_a_draft_of_another_kind_has_its_own_id_and_its_preface_on_top(make: Maker) -> None:
    review = _review(make, make.posting())
    plain = draft(review, _context(make))
    again = draft(review, _context(make), "recheck", ("This replaces", "the first mail."))

    assert plain is not None
    assert again is not None
    assert again.message_id == message_id(review.posting, make.identity, "recheck") != plain.message_id
    assert again.body == f"This replaces\nthe first mail.\n\n{plain.body}"


def test_replies_go_to_the_address_of_the_series_and_to_the_contact(make: Maker) -> None:
    posting = make.posting()
    reply = draft(_review(make, posting), _context(make, b"s" * 32))

    commands = reply_address(make.identity.sender.address, b"s" * 32, posting.topic)
    assert reply is not None
    assert dict(reply.headers)["Reply-To"] == f"{commands}, owner@example.org"


def test_without_a_contact_replies_go_to_the_sender(make: Maker) -> None:
    context = replace(_context(make), identity=replace(make.identity, contact=""))

    reply = draft(_review(make, make.posting()), context)

    assert reply is not None
    assert "Reply-To" not in dict(reply.headers)


@pytest.mark.parametrize(
    ("part", "posting", "expected"),
    [
        (datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2))), None, "Sun, 01 Mar 2026 23:30:00 +0000"),
        (None, datetime(2026, 3, 4, tzinfo=UTC), "Wed, 04 Mar 2026 00:00:00 +0000"),
        (None, None, "Thu, 01 Jan 1970 00:00:00 +0000"),
    ],
)
def test_the_date_is_that_of_the_answered_mail(
    make: Maker, part: datetime | None, posting: datetime | None, expected: str
) -> None:
    plain = make.posting()
    dated = replace(plain, date=posting, parts=(replace(plain.parts[0], date=part),))

    reply = draft(_review(make, dated), _context(make))

    assert reply is not None
    assert reply.date == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, "Tue, 03 Mar 2026 00:00:00 +0000"),
        (datetime(2099, 1, 1, tzinfo=UTC), "Tue, 03 Mar 2026 00:00:00 +0000"),
        (datetime(2026, 3, 3, 9, tzinfo=UTC), "Tue, 03 Mar 2026 09:00:00 +0000"),
        (datetime(2026, 3, 1, tzinfo=UTC), "Sun, 01 Mar 2026 00:00:00 +0000"),
    ],
)
def test_no_mail_is_dated_into_the_future(make: Maker, sent: datetime | None, expected: str) -> None:
    plain = make.posting()
    dated = replace(plain, date=sent, parts=(replace(plain.parts[0], date=sent),))

    reply = draft(_review(make, dated), _context(make), arrived=datetime(2026, 3, 3, tzinfo=UTC))

    assert reply is not None
    assert reply.date == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[PATCH] rust:  x\ty", "Re: [PATCH] rust: x y"),
        ("RE : [PATCH] x", "RE : [PATCH] x"),
        ("re:x", "re:x"),
        ("retry: x", "Re: retry: x"),
    ],
)
def test_the_subject_says_once_that_it_is_a_reply(make: Maker, subject: str, expected: str) -> None:
    reply = draft(_review(make, make.posting(subject=subject)), _context(make))

    assert reply is not None
    assert reply.subject == expected


def test_the_references_name_each_mail_once_and_the_answered_one_last(make: Maker) -> None:
    posting = make.posting()
    part = replace(posting.parts[0], references=("a@x", posting.message_id, "b@x", "a@x"))

    reply = draft(_review(make, replace(posting, parts=(part,))), _context(make))

    assert reply is not None
    assert reply.references == ("a@x", "b@x", posting.message_id)


def test_the_id_names_the_lists_in_any_order(make: Maker) -> None:
    posting = make.posting()
    assert (
        message_id(replace(posting, lists=("b@x", "a@x")), make.identity)
        == "9a75c253bda1b1c611eac545cd7112c5@bot.example.org"
    )
    ids = [message_id(replace(posting, lists=lists), make.identity) for lists in (("a", "b"), ("b", "a"), ("a,", "b"))]

    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@bot.example.org")
    other = replace(make.identity, sender=Address("", "x@other.example.org"))
    assert message_id(posting, other).endswith("@other.example.org")


def test_the_id_is_for_ever_the_same_for_a_posting_and_a_kind(make: Maker) -> None:
    posting = make.posting()

    assert message_id(posting, make.identity) == message_id(posting, make.identity)
    assert message_id(posting, make.identity) != message_id(posting, make.identity, "recheck")
    assert message_id(posting, make.identity) != message_id(make.posting(revision=2), make.identity)


def test_without_the_key_the_id_cannot_be_told(make: Maker) -> None:
    posting = make.posting()
    ids = {message_id(posting, replace(make.identity, key=key)) for key in (b"a" * 32, b"b" * 32)}

    assert len(ids | {message_id(posting, make.identity)}) == 3


def test_the_key_is_not_shown(make: Maker) -> None:
    assert "secret-key" not in repr(replace(make.identity, key=b"secret-key"))
