# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of a mail of ours has its whole text, whatever a list changed around it."""

import pytest

from bot.mail.copy import is_copy
from bot.mail.message import Message
from bot.mail.parse import parse

OURS = b"From: patchwarden <bot@example.org>\nSubject: Re: x\n\nThe comment is missing.\n\n> +    unsafe {\n"


def _message(raw: bytes) -> Message:
    message = parse(raw)
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (OURS, True),
        (OURS.replace(b"From: patchwarden <bot@", b"From: patchwarden via list <list@"), True),
        (OURS.replace(b"Re: x", b"[list] Re: x") + b"\n--\nThe list's footer\n", True),
        (OURS.replace(b"\n", b"\r\n"), True),
        (OURS.replace(b"comment is", b"comment\nis"), True),
        (OURS.replace(b"missing", b"there"), False),
        (OURS.partition(b"> +")[0], False),
        (b"Subject: y\n\nThanks.\n", False),
    ],
)
def test_a_copy_has_the_whole_text(raw: bytes, expected: bool) -> None:
    assert is_copy(_message(raw), OURS) is expected


@pytest.mark.parametrize("ours", [b"", b"Subject: no text\n\n\n"])
def test_a_mail_without_text_has_no_copies(ours: bytes) -> None:
    assert not is_copy(_message(OURS), ours)
