# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.mail.bounce import Bounce, bounce
from bot.mail.message import Message
from bot.mail.parse import parse
from tests.fakes.bounces import dsn

OURS = "0123456789abcdef@bot.example.org"


def _bounce(raw: bytes) -> Bounce | None:
    message = parse(raw)
    assert isinstance(message, Message)
    return bounce(message)


def test_a_failure_names_our_mail_and_says_why() -> None:
    assert Bounce(OURS, "5.1.1; smtp; 550 5.1.1 <gone@example.org>: no such user") == _bounce(dsn(OURS))


@pytest.mark.parametrize("part", ["message/rfc822", "text/rfc822-headers", "message/global-headers"])
def test_the_original_may_be_its_header_alone(part: str) -> None:
    bounce = _bounce(dsn(OURS, original=part))

    assert bounce is not None
    assert OURS == bounce.message_id


def test_crlf_is_read_alike() -> None:
    assert _bounce(dsn(OURS)) == _bounce(dsn(OURS).replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", ""])
def test_what_is_no_failure_is_no_bounce(action: str) -> None:
    assert _bounce(dsn(OURS, action=action)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"multipart/report", b"multipart/mixed"),
        (b"message/delivery-status", b"text/plain"),
        (b"Message-ID: <0123456789abcdef", b"X-Message-ID: <0123456789abcdef"),
        (b"Message-ID: <0123456789abcdef@bot.example.org>", b"Message-ID: <a b> <c>"),
        (b"=_bound", b""),
    ],
)
def test_a_mail_that_is_no_whole_report_is_no_bounce(old: bytes, new: bytes) -> None:
    assert old in dsn(OURS)

    assert _bounce(dsn(OURS).replace(old, new, 1)) is None


def test_what_a_server_says_is_one_short_line() -> None:
    bounce = _bounce(dsn(OURS, why="550 \x1b[31mred\n " + "x" * 999))

    assert bounce is not None
    assert len(bounce.why) == 200
    assert bounce.why.isprintable()


def test_only_the_originals_own_header_is_read() -> None:
    raw = dsn("victim@bot.example.org").replace(b"Message-ID: <victim@", b"\nMessage-ID: <victim@")

    assert _bounce(raw) is None
