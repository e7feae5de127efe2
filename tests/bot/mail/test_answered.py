# SPDX-License-Identifier: GPL-2.0-or-later
"""Which part of a posting a mail of ours replies to, and whom it is for."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.mail.address import Address
from bot.mail.answered import answered_part, authors_of
from bot.mail.outgoing import Outgoing
from tests.bot.review.factories import AUTHOR, Maker

POSTING = Maker().posting((Maker().patch(1), Maker().patch(2)), cover=True)


@pytest.mark.parametrize(
    ("header", "index"),
    [
        ("In-Reply-To: <v1.0@example.org>", 0),
        ("In-Reply-To: <v1.2@example.org>", 2),
        ("in-reply-to:\n <v1.2@example.org>", 2),
        ("In-Reply-To: <other@example.org>", None),
        ("References: <v1.2@example.org>", None),
        ("Subject: x\n\nIn-Reply-To: <v1.2@example.org>", None),
    ],
)
def test_a_mail_replies_to_the_part_that_its_header_names(header: str, index: int | None) -> None:
    part = answered_part(f"{header}\n\ntext\n".encode(), POSTING)

    assert (None if part is None else part.index) == index


def test_a_mail_is_for_the_authors_of_the_series_and_of_the_answered_part() -> None:
    mail = Outgoing("1@x", "p@x", "review", "b@x", (), b"", datetime(2026, 1, 1, tzinfo=UTC), author="bela@example.org")
    part = replace(POSTING.parts[0], author=Address("Cleo", "Cleo@example.org"))

    assert authors_of(mail, POSTING, part) == {"bela@example.org", AUTHOR.key, "cleo@example.org"}
    assert authors_of(mail, POSTING, None) == {"bela@example.org", AUTHOR.key}
    assert authors_of(mail, None, None) == {"bela@example.org"}
