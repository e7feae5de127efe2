# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

from bot.pipeline.draft import message_id
from tests.bot.review.factories import Maker


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
