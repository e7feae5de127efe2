# SPDX-License-Identifier: GPL-2.0-or-later
"""The text and headers of our mails, whatever their form."""

import email
from email.message import EmailMessage

import pytest

from bot.ports.web import OurMail
from bot.web.mails import mail_headers, mail_text
from tests.bot.web.conftest import NOW

TEXT = "Zwölf unsafe blocks.\n\nFrom here on it is wrong.\n" + "a long line " * 40 + "\n"


def _mail(content: bytes) -> OurMail:
    return OurMail("o@example.org", "review", "sent", "", content, NOW, NOW)


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("is_multipart", [False, True])
def test_the_text_comes_back_from_each_form(encoding: str, *, is_multipart: bool) -> None:
    message = EmailMessage()
    message["Subject"] = "Re: Zwölf"
    message["To"] = "hidden@example.org"
    message.set_content(TEXT, cte=encoding)
    if is_multipart:
        message.add_alternative("<p>other</p>", subtype="html")
    content = message.as_bytes()

    assert mail_text(_mail(content)).rstrip("\n") == TEXT.rstrip("\n")
    assert mail_headers(_mail(content)) == [("Subject", "Re: Zwölf")]


@pytest.mark.parametrize("content", [b"", b"no header", b"Subject: x\n", b"Subject: x\n\n", b"\n\nSubject: x\n"])
def test_damaged_content_is_read_as_by_the_parser_of_whole_mails(content: bytes) -> None:
    whole = email.message_from_bytes(content)
    payload = whole.get_payload(decode=True)
    assert isinstance(payload, bytes)

    assert mail_text(_mail(content)) == payload.decode()
