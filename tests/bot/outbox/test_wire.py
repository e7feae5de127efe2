# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.outbox.wire import unfit, wire

MAIL = b"Subject: x\n\nbody\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: b\n\nc\n", b"a: b\r\n\r\nc\r\n"),
        (b"a: b\r\n\r\nc\r\n", b"a: b\r\n\r\nc\r\n"),
        (b"a: b\n\nno newline", b"a: b\r\n\r\nno newline\r\n"),
        (b"a: b\n\nmixed\r\n\n", b"a: b\r\n\r\nmixed\r\n\r\n"),
    ],
)
def test_every_line_ends_in_crlf(content: bytes, expected: bytes) -> None:
    assert wire(content) == expected


@pytest.mark.parametrize(
    "content",
    [
        MAIL,
        MAIL + "größer\n".encode(),
        MAIL + b".\n..\n",
        MAIL + b"x" * 998 + b"\n",
        MAIL.replace(b"\n", b"\r\n") + "größer\r\n".encode() + b"x" * 998 + b"\r\n",
    ],
)
def test_a_mail_of_ours_is_fit(content: bytes) -> None:
    assert unfit(content, 20_000) == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (MAIL + b"a\r.\rb\n", "a bare carriage return"),
        (MAIL + b"a\r\r\nb", "a bare carriage return"),
        (MAIL + b"\0", "a NUL"),
        (MAIL + b"x" * 999, "a line longer than 998 octets"),
        (b"Subject: \xc3\xa4\n\nb", "a header that is not ASCII"),
        (b"x\n" * 20_000, "larger than 20,000 bytes"),
    ],
)
def test_what_servers_read_differently_is_unfit(content: bytes, expected: str) -> None:
    assert unfit(content, 20_000) == expected
