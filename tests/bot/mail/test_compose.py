# SPDX-License-Identifier: GPL-2.0-or-later
import email
import email.charset
import email.policy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.mail.address import Address
from bot.mail.compose import ComposeRefused, compose, recipients
from bot.mail.reply import Reply

REPLY = Reply(
    message_id="0123456789abcdef@bot.example.org",
    date="Mon, 02 Mar 2026 09:30:00 +0000",
    sender=Address("patchwarden", "patchwarden@bot.example.org"),
    to=(Address("Ada Author", "ada@example.org"),),
    cc=(Address("", "list@example.org"),),
    subject="Re: [PATCH v2 1/3] rust: led: add a driver",
    in_reply_to="20260302.1@example.org",
    references=("20260302.0@example.org", "20260302.1@example.org"),
    body="A remark.\n",
    headers=(("Auto-Submitted", "auto-generated"), ("X-Patchwarden-Version", "0.1.0")),
)
NAMES = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Patchwarden-Version",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]


def _composed(**changes: object) -> bytes:
    mail = compose(replace(REPLY, **changes))  # type: ignore[arg-type]  # a field each
    assert isinstance(mail, bytes)
    return mail


def test_a_plain_mail() -> None:
    expected = b"""\
From: patchwarden <patchwarden@bot.example.org>
To: Ada Author <ada@example.org>
Cc: list@example.org
Subject: Re: [PATCH v2 1/3] rust: led: add a driver
Date: Mon, 02 Mar 2026 09:30:00 +0000
Message-ID: <0123456789abcdef@bot.example.org>
In-Reply-To: <20260302.1@example.org>
References: <20260302.0@example.org>
 <20260302.1@example.org>
Auto-Submitted: auto-generated
X-Patchwarden-Version: 0.1.0
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

A remark.
"""

    assert expected == _composed()


@pytest.mark.parametrize("length", [60, 79, 200, 900])
def test_a_long_message_id_is_neither_encoded_nor_broken(length: int) -> None:
    long = "x" * length + "@example.org"
    mail = _composed(in_reply_to=long, references=("first@example.org", long))

    assert f"\nIn-Reply-To: <{long}>\n".encode() in mail
    assert f"\nReferences: <first@example.org>\n <{long}>\n".encode() in mail


@pytest.mark.parametrize("odd", ["a@b@example.org", "no-domain", "20240816183129.a2=?utf-8?q?x?=@nj.example.org"])
def test_an_odd_message_id_stays_as_it_is(odd: str) -> None:
    assert f"\nIn-Reply-To: <{odd}>\n".encode() in _composed(in_reply_to=odd)


def test_names_and_subjects_beyond_ascii_are_encoded_and_come_back() -> None:
    name, subject = (
        "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS} \N{CJK UNIFIED IDEOGRAPH-4E2D}",
        "Re: [PATCH] rust: " + "\N{SNOWMAN} snow " * 20,
    )
    mail = _composed(to=(Address(name, "zoe@example.org"),), subject=subject)

    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    assert mail.partition(b"\n\n")[0].isascii()
    assert (subject.strip(), f"{name} <zoe@example.org>") == (parsed["Subject"], parsed["To"])
    assert max(map(len, mail.partition(b"\n\n")[0].split(b"\n"))) <= 78


def test_a_long_subject_is_folded_and_comes_back() -> None:
    subject = "Re: [PATCH v12 33/44] " + "rust: led: a very long subject indeed " * 5

    parsed = email.message_from_bytes(_composed(subject=subject), policy=email.policy.default)
    assert subject.strip() == parsed["Subject"]


@pytest.mark.parametrize(
    ("words", "lines"),
    [((33, 33), (67,)), ((33, 34), (33, 34)), ((67, 37, 37), (67, 75)), ((67, 37, 38), (67, 37, 38))],
)
def test_a_line_of_a_header_has_at_most_76_characters(words: tuple[int, ...], lines: tuple[int, ...]) -> None:
    """The name of the header is on the first line, a blank begins each further line."""
    mail = _composed(subject=" ".join("x" * length for length in words))

    subject = mail.decode().partition("\nSubject: ")[2].partition("\nDate")[0]
    assert tuple(len(line) for line in subject.split("\n ")) == lines


def test_what_looks_encoded_is_encoded_once_more() -> None:
    subject = "Re: =?utf-8?q?=0D=0ABcc:_evil@example.org?="

    parsed = email.message_from_bytes(_composed(subject=subject), policy=email.policy.default)
    assert subject == parsed["Subject"]
    assert NAMES == parsed.keys()


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("Ada Author", "Ada Author"),
        ("Author, Ada", '"Author, Ada"'),
        ('A "B" \\ C', '"A \\"B\\" \\\\ C"'),
        ("a@b.example.org", '"a@b.example.org"'),
        ("Ada\r\nBcc: evil@example.org", '"Ada Bcc: evil@example.org"'),
        ("Ada\u202e\x1b", "Ada"),
        ("\n", None),
    ],
)
def test_names_are_phrases(name: str, phrase: str | None) -> None:
    expected = "ada@example.org" if phrase is None else f"{phrase} <ada@example.org>"

    assert f"\nTo: {expected}\n".encode() in _composed(to=(Address(name, "ada@example.org"),))


@pytest.mark.parametrize(
    "address",
    [
        "ada",
        "ada@example.org\nBcc: x@y",
        "a b@example.org",
        "<ada@example.org>",
        "a@b,c@d",
        "\u00e4@example.org",
        "-o@x",
        "a@-x",
        "",
    ],
)
def test_a_recipient_who_is_no_plain_address_is_left_out(address: str) -> None:
    assert NAMES == email.message_from_bytes(_composed(to=(Address("", address), *REPLY.to))).keys()
    assert ComposeRefused("no recipient has a plain address") == compose(replace(REPLY, to=(Address("", address),)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *(
            ({"in_reply_to": text}, "the message-id of the answered mail cannot stand in a header")
            for text in ("a b@example.org", "a>\nBcc: x@example.org", "x" * 978, "")
        ),
        ({"message_id": "\u00e4@example.org"}, "our message-id cannot stand in a header"),
        *(
            ({"date": text}, "the date is not one of a mail")
            for text in ("today", "Mon, 02 Mar 2026 09:30:00 +0000\nBcc: x@example.org")
        ),
        ({"headers": (("Bcc", "x@example.org"),)}, "a header that no mail of ours has: ['Bcc']"),
        (
            {"headers": (("List-Id", "x"), ("X-A: b\nBcc", "x@example.org"))},
            r"a header that no mail of ours has: ['X-A: b\nBcc']",
        ),
        ({"sender": Address("", "nobody")}, "the sender's address is not plain"),
        ({"to": ()}, "no recipient has a plain address"),
    ],
)
def test_what_no_header_can_hold_is_refused(changes: dict[str, object], reason: str) -> None:
    assert ComposeRefused(reason) == compose(replace(REPLY, **changes))  # type: ignore[arg-type]  # a field each


def test_references_that_no_header_can_hold_are_left_out() -> None:
    mail = _composed(references=("a b", "x>\nBcc: <y", "20260302.1@example.org"))

    assert b"\nReferences: <20260302.1@example.org>\nAuto" in mail


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("plain\n", "7bit"),
        ("Gr\u00fc\u00dfe\n", "8bit"),
        ("x" * 998 + "\n", "7bit"),
        ("x" * 999 + "\n", "quoted-printable"),
    ],
)
def test_the_body_is_never_base64_and_comes_back(body: str, encoding: str) -> None:
    mail = _composed(body=body)

    parsed = email.message_from_bytes(mail)
    assert encoding == parsed["Content-Transfer-Encoding"]
    assert body.encode() == parsed.get_payload(decode=True)
    assert max(map(len, mail.split(b"\n"))) <= 998


def test_what_utf_8_cannot_encode_is_replaced() -> None:
    html = compose(replace(REPLY, body="x\udcff\n"), "<p>y\udcff</p>")

    assert _composed(body="x\udcff\r\ny\0\rz\n").endswith(b"\n\nx?\ny\nz\n")
    assert isinstance(html, bytes)
    assert b"\n\nx?\n--" in html
    assert b"<p>y?</p>" in html


def test_a_mail_with_html_has_both_forms_and_starts_a_thread() -> None:
    """The boundary comes from the text alone, so that the same mail has the same bytes."""
    text, html = "Gr\u00fc\u00dfe\n\nEnd.\n\n", f"<p>{'long ' * 300}\u2713</p>"
    reply = replace(REPLY, body=text, in_reply_to="", references=())
    mail = compose(reply, html)

    assert isinstance(mail, bytes)
    assert mail == compose(reply, html)
    assert mail.isascii()
    assert mail.endswith(b"--\n")
    assert max(map(len, mail.split(b"\n"))) <= 76
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    assert [name for name in NAMES if name not in {"In-Reply-To", "References"}] == parsed.keys()
    assert (parsed.get_content_type(), parsed["Content-Transfer-Encoding"]) == ("multipart/alternative", "7bit")
    parts = parsed.iter_parts()
    assert [(part.get_content_type(), part.get_content().rstrip("\n"), part.defects) for part in parts] == [
        ("text/plain", text.rstrip("\n"), []),
        ("text/html", html, []),
    ]
    others = compose(reply, "<p>x</p>"), compose(replace(reply, body="x\n"), html)
    assert all(isinstance(other, bytes) and str(parsed.get_boundary()).encode() not in other for other in others)


def test_the_envelope_names_each_plain_address_once() -> None:
    ada, bela = Address("Ada", "ada@example.org"), Address("", "bela@example.org")
    reply = replace(REPLY, to=(ada, Address("", "no address")), cc=(bela, replace(ada, name="A")))

    assert recipients(reply) == ("ada@example.org", "bela@example.org")


def test_other_libraries_do_not_change_the_bytes() -> None:
    reply = replace(REPLY, subject="Re: Gr\u00fc\u00dfe", body="Gr\u00fc\u00dfe\n")
    before = compose(reply)
    email.charset.add_charset("utf-8", None)
    try:
        after = compose(reply)
    finally:
        email.charset.add_charset("utf-8", email.charset.SHORTEST, email.charset.BASE64, "utf-8")

    assert before == after


ANY = st.text(st.one_of(st.characters(), st.sampled_from(list('\r\n\0 :<>@,=?"\\\x85\u2028\u202e'))), max_size=80)


@settings(max_examples=500, deadline=None)
@given(ANY, ANY, ANY, ANY, ANY, ANY)
def test_whatever_goes_in_the_set_of_headers_is_fixed(
    name: str, address: str, subject: str, ids: str, value: str, body: str
) -> None:
    reply = replace(
        REPLY,
        to=(Address(name, address), Address(name, "ada@example.org")),
        cc=(Address(name, address), *REPLY.cc),
        subject=subject,
        references=(ids, *REPLY.references),
        body=body,
        headers=(("Auto-Submitted", "auto-generated"), ("X-Patchwarden-Version", value)),
    )
    mail = compose(reply)

    assert isinstance(mail, bytes)
    head, _, content = mail.partition(b"\n\n")
    assert NAMES == email.message_from_bytes(mail).keys()
    assert head.isascii()
    assert b"\r" not in mail
    assert b"\0" not in content
    assert max(map(len, mail.split(b"\n"))) <= 998
    assert mail == compose(reply)
