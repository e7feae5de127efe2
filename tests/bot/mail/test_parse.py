# SPDX-License-Identifier: GPL-2.0-or-later
import gzip
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.mail.address import Address
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import parse, parse_date
from tests.growth import assert_linear, repeated

HEAD = b"From: Ada <ada@example.org>\nMessage-ID: <1@example.org>\nSubject: [PATCH] x\n"
DIFF = b"diff --git a/x.rs b/x.rs\n--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-a\n+b\n"


def read(raw: bytes) -> Message:
    mail = parse(raw)
    assert isinstance(mail, Message), mail
    return mail


def reason(raw: bytes) -> str:
    mail = parse(raw)
    assert isinstance(mail, UnreadableMail)
    assert raw is mail.raw
    return mail.reason


def test_recipients_are_read_if_they_are_needed() -> None:
    raw = HEAD + b"To: bob@example.org\n\ntext\n"

    assert parse(raw, needs_recipients=lambda mail: "text" not in mail.body) == replace(read(raw), to=())


def test_an_ordinary_mail() -> None:
    mail = read(
        b"From: =?utf-8?q?B=C3=A9la?= <bela@example.org>\nTo: Rust <rust@lists.example.org>,\n\tada@example.org\n"
        b"Cc: undisclosed-recipients:;\nReply-To: bela@example.net\nSubject: =?utf-8?q?Re=3A?=\n [PATCH]   x\n"
        b"Date: Mon, 02 Nov 2026 09:14:00 +0100\nMessage-ID: <2@example.org>\nIn-Reply-To: <1@example.org>\n"
        b"References: <0@example.org>\n\t<1@example.org>\nList-Id: Rust <rust.lists.example.org>\nX-Odd: a\n\nText.\r\n"
    )

    assert Address("Béla", "bela@example.org") == mail.author
    assert (Address("Rust", "rust@lists.example.org"), Address("", "ada@example.org")) == mail.to
    assert mail.cc == ()
    assert ("Re: [PATCH] x", "2@example.org", "1@example.org") == (mail.subject, mail.message_id, mail.in_reply_to)
    assert ("0@example.org", "1@example.org") == mail.references
    assert datetime(2026, 11, 2, 8, 14, tzinfo=UTC) == mail.date
    assert (("rust.lists.example.org",), ("rust@lists.example.org",)) == (mail.list_ids, mail.lists)
    assert ("Text.\n", False, "a", None) == (mail.body, mail.flowed, mail.header("x-odd"), mail.header("X-None"))


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        (b"<2024.nj@shetty@example.org>", "2024.nj@shetty@example.org"),
        (b"\n <folded@example.org>", "folded@example.org"),
        (b"<a b@example.org>", "ab@example.org"),
        (b"bare@example.org", "bare@example.org"),
        (b'<x$(id)"@x>', 'x$(id)"@x'),
        (b"<first@example.org> <second@example.org>", "first@example.org"),
    ],
)
def test_ids_are_kept_as_archives_know_them(given_id: bytes, expected: str) -> None:
    assert expected == read(b"From: a@example.org\nMessage-ID: " + given_id + b"\n\nText.\n").message_id


def test_a_mail_without_an_id_gets_one_of_its_bytes() -> None:
    first, again, other = (read(b"From: a@example.org\n\n" + text).message_id for text in (b"one", b"one", b"two"))

    assert first == again != other
    assert first.endswith("@no-message-id.invalid")


def test_of_two_in_reply_to_the_first_counts() -> None:
    mail = read(b"From: a@example.org\nIn-Reply-To: <1@example.org>\nIn-Reply-To: <2@example.org>\n\nText.\n")

    assert ("1@example.org", ("1@example.org", "2@example.org")) == (mail.in_reply_to, mail.references)


def test_two_senders_are_none() -> None:
    assert read(b"From: a@example.org\nFrom: b@example.org\n\nText.\n").author is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 02 Nov 2026 09:14:00 +0100", datetime(2026, 11, 2, 8, 14, tzinfo=UTC)),
        ("Mon, 02 Nov 2026 09:14:00 -0000", datetime(2026, 11, 2, 9, 14, tzinfo=UTC)),
        ("Mon, 02 Nov 2026 09:14:00 XYZ", datetime(2026, 11, 2, 9, 14, tzinfo=UTC)),
        ("Mon, 02 Nov 2026 09:14:00 +1600", datetime(2026, 11, 2, 9, 14, tzinfo=UTC)),
        ("2 Nov 2026 09:14", datetime(2026, 11, 2, 9, 14, tzinfo=UTC)),
        ("Mon, 02 Nov 200000000000000000000000 09:14:00 +0100", None),
        ("Mon, 31 Feb 2026 09:14:00 +0100", None),
        ("Tue, 29 Feb 2028 23:59:59 +0000", datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("Tue, 19 Jan 2038 03:14:08 +0000", datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 +0000", None),
        ("yesterday", None),
        ("", None),
        ("Mon, 02 Nov 2026 " + "0" * 5000, None),
    ],
)
def test_dates(value: str, expected: datetime | None) -> None:
    assert expected == parse_date(value)


@given(
    st.sampled_from(["Mon, ", "", "mon, ", "Xyz, "]),
    st.integers(0, 33),
    st.sampled_from(["Jan", "Feb", "Dec", "dec", "Foo"]),
    st.sampled_from([999, 1969, 1970, 2024, 2026, 2999]),
    st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    st.sampled_from(["+0000", "-0000", "+0530", "-0830", "+1401", "-1360", "+9999", "GMT", "+01", "+0100 (CET)"]),
)
def test_usual_dates_are_read_as_the_standard_library_reads_them(
    weekday: str, day: int, month: str, year: int, time: tuple[int, int, int], zone: str
) -> None:
    hour, minute, second = time
    usual = f"{weekday}{day} {month} {year} {hour:02}:{minute:02}:{second:02} {zone}"

    assert parse_date(usual) == parse_date(f"{usual}   ")  # blanks at the end are unusual


@pytest.mark.parametrize(
    ("content", "body", "expected"),
    [
        (b"charset=utf-8", "é".encode(), "é"),
        (b"charset=iso-8859-1", "é".encode("latin-1"), "é"),
        (b"charset=us-ascii", "é".encode(), "é"),
        (b"charset=y", "é".encode(), "é"),
        (b"charset=undefined", b"\xff", "ÿ"),
        (b"charset=utf-8", b"\xff only this", "ÿ only this"),
        (b"charset=utf-8", "éééééé".encode() + b"\xff", "éééééé\ufffd"),
        (b"charset=gb2312", "漢".encode("gbk"), "漢"),
        (b"charset=idna", b"\xff", "ÿ"),
        (b'charset="a\x00b"', b"\xff", "ÿ"),
        (b"charset=utf-16", b"ab", "ab"),
    ],
)
def test_charsets_that_lie_give_way(content: bytes, body: bytes, expected: str) -> None:
    assert expected == read(HEAD + b"Content-Type: text/plain; " + content + b"\n\n" + body).body


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        (b"quoted-printable", b"a =3D =\nb\n", "a = b\n"),
        (b"QUOTED-PRINTABLE", b"=C3=A9=\r\n\r\n", "é\n"),
        (b"base64", b64encode("é\r\nb".encode()), "é\nb"),
        (b"base64", b"w6k", "é"),
        (b"base64", b"!w6=k!\n", "é"),
        (b"base64", b"A", ""),
        (b"x-unknown", b"text", "text"),
    ],
)
def test_transfer_encodings(encoding: bytes, body: bytes, expected: str) -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: " + encoding + b"\n\n" + body

    assert expected == read(raw).body


def test_crlf_and_nul_and_an_mbox_line_on_top() -> None:
    mail = read(b">From x Thu Jan  1 00:00:00 1970\r\n" + HEAD.replace(b"\n", b"\r\n") + b"\r\none\r\nt\0wo\r\n")

    assert ("1@example.org", "one\ntwo\n") == (mail.message_id, mail.body)


def test_header_text_holds_no_control_and_no_direction() -> None:
    mail = read(
        b"From: a@example.org\n"
        b"Subject: =?utf-8?q?a=0D=0ABcc=3A_x=00=1B[31m=E2=80=AEb?= \x07c\xc2\x85\xe2\x80\x8b\xff\n\n"
    )

    assert mail.subject.isprintable()
    assert mail.subject.startswith("a Bcc: x[31mb c")


def test_neighbouring_encoded_words_are_one_text() -> None:
    assert "漢字" == read(b"Subject: =?utf-8?b?5ryi5a0=?=\n =?utf-8?b?lw==?=\n\n").subject
    assert "a =?utf-8?x?b?= b" == read(b"Subject: a =?utf-8?x?b?= b\n\n").subject


def test_the_first_text_counts_and_attached_patches_follow() -> None:
    raw = (
        HEAD + b'Content-Type: multipart/mixed; boundary="b b"\n\nPreamble.\n--b b\n'
        b"Content-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain\n\nSay why.\n"
        b"--c\nContent-Type: text/html\n\n<p>Say why.</p>\n--c--\n--b b\nContent-Type: text/plain\n\nA footer.\n--b b\n"
        b'Content-Type: application/octet-stream; name="x.patch"\nContent-Transfer-Encoding: base64\n\n'
        + b64encode(DIFF)
        + b'\n--b b\nContent-Type: image/png; name="x.png"\n\n\x89PNG\n--b b--\nEpilogue.\n'
    )

    assert f"Say why.\n{DIFF.decode()}" == read(raw).body


ATTACHED = {
    "a name in encoded pieces": b"application/octet-stream;\n name*0*=utf-8''a%2E;\n name*1*=patch\n\n" + DIFF,
    "no name": b"text/x-diff\n\n" + DIFF,
    "gzip": b"application/gzip\nContent-Transfer-Encoding: base64\n\n" + b64encode(gzip.compress(DIFF)),
    "a mail": b"message/rfc822\n\nFrom: ada@example.org\nSubject: x\n\nWhy.\n" + DIFF,
    "a mail with an attachment": (
        b"message/rfc822\n\nSubject: x\nContent-Type: multipart/mixed; boundary=c\n\n"
        b"--c\nContent-Type: application/x-patch\n\n" + DIFF + b"\n--c--"
    ),
}


@pytest.mark.parametrize("part", ATTACHED.values(), ids=ATTACHED)
def test_an_attached_patch_is_known_by_its_content(part: bytes) -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n--b\nContent-Type: " + part + b"\n--b--\n"

    body = read(raw).body

    assert body.startswith("See.\n") and DIFF.decode().strip() in body


def test_a_gzip_file_is_unpacked_up_to_a_limit() -> None:
    packed = b64encode(gzip.compress(DIFF + b"x" * 9_000_000))
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/gzip\n"

    assert len(read(head + b"Content-Transfer-Encoding: base64\n\n" + packed + b"\n--b--\n").body) <= 4_000_000
    assert read(head + b"\n\x1f\x8b\x08damaged\n--b--\n").body == ""


def test_mail_without_text_has_none() -> None:
    assert "" == read(HEAD + b"Content-Type: text/html\n\n<p>x</p>").body
    assert "" == read(HEAD + b"Content-Type: multipart/mixed; boundary=b\n\nno part").body
    assert "" == read(HEAD).body


def test_flowed_text_is_noted_and_left_alone() -> None:
    mail = read(HEAD + b"Content-Type: text/plain; format=flowed\n\n  stuffed \nline\n")

    assert ("  stuffed \nline\n", True) == (mail.body, mail.flowed)


def nested(levels: int) -> bytes:
    parts = (b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (at, at + 1) for at in range(1, levels))
    return HEAD + b"Content-Type: multipart/mixed; boundary=b1\n\n" + b"".join(parts) + b"--b%d\n\ndeep\n" % levels


def test_limits() -> None:
    multipart = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"

    assert "deep" == read(nested(8)).body.strip()
    assert "parts nested deeper than 8" == reason(nested(9)) == reason(nested(3000))
    assert "more than 100 parts" == reason(multipart + b"--b\n\nx\n" * 101)
    assert "larger than 4,000,000 bytes" == reason(HEAD + b"\n" + b"x" * 4_000_000)
    assert "header larger than 256,000 bytes" == reason(b"X-Long: " + b"x" * 256_000 + b"\n\n")
    assert "header of more than 4,000 lines" == reason(b"X: y\n" * 4002 + b"\n")
    assert "more than 2,000 encoded words" == reason(b"Subject: " + b"=?utf-8?q?a?= " * 2001 + b"\n\n")
    assert "no mail header" == reason(b"") == reason(b"just text\n")


def test_an_unreadable_mail_keeps_the_id_it_claims() -> None:
    mail = parse(nested(9))

    assert isinstance(mail, UnreadableMail)
    assert "1@example.org" == mail.message_id


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("From: ", "("),
        ("Subject: =?utf-8?q?", "a"),
        ("Subject: ", "=?utf-8?q?"),
        ("Subject: ", "=?undefined?q?=FF?= =?hex?b?////?= "),
        ("References: ", "<a@b> "),
        ("Content-Type: text/plain", ";a=b"),
        ('Content-Type: text/plain;a="', '\\"'),
        ('Content-Type: multipart/mixed; boundary="(a+)+$', "(a+)+$"),
        ("Date: Mon, ", "0"),
        ("List-Id: <", "a."),
    ],
)
def test_hostile_headers_are_read_in_linear_time(header: str, unit: str) -> None:
    def make(size: int) -> bytes:
        return HEAD + repeated(unit, header)(size).encode() + b"\n\n" + DIFF

    assert "1@example.org" == read(make(10_000)).message_id
    assert_linear(make, parse, 50_000)


def test_references_are_bounded_and_keep_both_ends() -> None:
    mail = read(HEAD + b"References: " + b"".join(b"<%d@b> " % at for at in range(5000)) + b"\n\n")

    assert (200, "0@b", "4999@b") == (len(mail.references), mail.references[0], mail.references[-1])


_LINES = st.sampled_from(
    [
        b"Subject: =?utf-8?b?w6k=?=",
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: text/plain; charset=iso-2022-jp",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: quoted-printable",
        b"From: a <a@example.org>",
        b"Date: Mon, 02 Nov 2026 09:14:00 +9999",
        b"--b",
        b"--b--",
        b"",
        b" folded",
    ]
)


@given(st.lists(_LINES | st.binary(max_size=30), max_size=12).map(b"\n".join))
@example(b"Content-Type: multipart/mixed; boundary=b\n\n")
@example(b"\n\n\nSubject")
@example(b"Subject: \xed\xa0\x80")
@example(b"Content-Type: x; charset=undefined\nno field \xff")
@example(b"Content-Type: x; charset=punycode\nno field \xff")
@example(b"Content-Type: x; charset=unicode-escape\nno field \xff\\ud800")
@example(b"Content-Type: x; charset*=utf-8''utf-8\nno field \xff")
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    mail = parse(raw)

    if isinstance(mail, Message):
        mail.body.encode()
        assert mail.subject.isprintable()
        assert mail.message_id
        assert all((mail.header(key) or "").isprintable() for key, _ in mail.headers)
    else:
        assert mail.reason
