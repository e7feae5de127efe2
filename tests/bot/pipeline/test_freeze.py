# SPDX-License-Identifier: GPL-2.0-or-later
"""The first state of a mail: who has to look at it before it leaves, and when it is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from bot.mail.address import Address
from bot.mail.compose import ComposeRefused
from bot.mail.outgoing import REVIEW, Outgoing
from bot.mail.reply import Reply
from bot.pipeline.freeze import MailTerms, freeze, review_terms
from bot.review.consent import Consent, Mode
from tests.bot.review.factories import Maker
from tests.fakes.contexts import consenting

NOW: Final = datetime(2026, 3, 3, tzinfo=UTC)
ADA, BOT = Address("Ada", "ada@example.org"), Address("patchwarden", "bot@bot.example.org")
REPLY: Final = Reply(
    message_id="1@bot.example.org",
    date="Mon, 02 Mar 2026 09:00:00 +0000",
    sender=BOT,
    to=(ADA,),
    cc=(Address("", "list@example.org"), ADA),
    subject="Re: [PATCH] a",
    in_reply_to="1@x",
    references=("1@x",),
    body="The comment is missing.\n",
)


def _frozen(reply: Reply, mode: Mode, reason: str = "") -> Outgoing:
    mail = freeze(reply, MailTerms(REVIEW, ADA.key, mode, NOW, "1@x", ("list@example.org",), reason))
    assert isinstance(mail, Outgoing)
    return mail


@pytest.mark.parametrize(
    ("body", "mode", "expected"),
    [
        ("Fine.\n", Mode.DRY_RUN, ("queued", "embargo")),
        ("Fine.\n", Mode.LIST, ("queued", "embargo")),
        ("Fine.\n", Mode.MODERATE, ("held", "waits for approval")),
        ("Fixes: 1\nFrom: x\n", Mode.LIST, ("held", "line 1: a trailer; line 2: a header")),
        ("Fixes: 1\n", Mode.MODERATE, ("held", "line 1: a trailer")),
    ],
)
def test_what_is_held_says_why(body: str, mode: Mode, expected: tuple[str, str]) -> None:
    mail = _frozen(replace(REPLY, body=body), mode, "embargo")

    assert expected == (mail.state, mail.reason)
    assert (mode.value, NOW) == (mail.mode, mail.due)


def test_the_envelope_names_each_recipient_once() -> None:
    mail = _frozen(REPLY, Mode.LIST)

    assert mail.envelope_to == ("ada@example.org", "list@example.org")
    assert mail.envelope_from == "bot@bot.example.org"


def test_a_frozen_mail_has_what_was_agreed_and_the_text_as_html() -> None:
    terms = MailTerms("digest", ADA.key, Mode.LIST, NOW, "1@x", ("list@example.org",))

    plain, html = freeze(REPLY, terms), freeze(REPLY, terms, "<p>The comment is missing.</p>")

    assert isinstance(plain, Outgoing)
    assert isinstance(html, Outgoing)
    assert b"text/html" not in plain.content
    assert b"text/html" in html.content
    assert (plain.message_id, plain.kind, plain.posting_id) == ("1@bot.example.org", "digest", "1@x")
    assert (plain.author, plain.lists) == (ADA.key, ("list@example.org",))


def test_what_cannot_be_composed_is_refused() -> None:
    terms = MailTerms(REVIEW, ADA.key, Mode.LIST, NOW)

    assert isinstance(freeze(replace(REPLY, to=()), terms), ComposeRefused)


@pytest.mark.parametrize(
    ("arrived", "due", "reason"),
    [
        (NOW, NOW + timedelta(hours=6), "embargo"),
        (NOW - timedelta(hours=5), NOW + timedelta(hours=1), "embargo"),
        (NOW - timedelta(hours=6), NOW, ""),
        (NOW - timedelta(days=6), NOW, ""),
    ],
)
def test_a_review_is_due_after_the_embargo(make: Maker, arrived: datetime, due: datetime, reason: str) -> None:
    context = consenting(Consent(Mode.LIST, embargo=timedelta(hours=6)))()
    posting = make.posting()

    terms = review_terms(posting, context, REVIEW, arrived, NOW)

    assert (due, reason) == (terms.due, terms.reason)
    assert (REVIEW, posting.author.key, posting.message_id) == (terms.kind, terms.author, terms.posting_id)
    assert context.lists_of(posting) == terms.lists
