# SPDX-License-Identifier: GPL-2.0-or-later
"""Encoded postings come back equal, with or without their texts, whatever is in them."""

import json
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from zstandard import ZstdCompressor

from bot.mail.address import Address
from bot.mail.posting import Complete, Defective, FollowUp, Part, Posting, State, Waiting
from bot.mail.posting_codec import (
    EncodedPosting,
    PostingBytes,
    decode_posting,
    encode_posting,
    is_encoded_posting,
    mail_rows,
    posting_head,
    without_texts,
)
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series, Unreadable
from tests.fakes.earlier_posting import texts_of, zlib_posting

ADA, BOB = Address("Ada \udce4", "ada@example.org"), Address("", "bob@example.org")
DATE = datetime(2026, 3, 1, 12, 30, 0, 5, tzinfo=timezone(timedelta(hours=2)))
LINES = (Line("use a;", 3, 3), Line("let a = 1;", 4, None), Line("let \x0c a = '\udcff';", None, 4), Line("}", 5, 5))
DIFF = " use a;\n-let a = 1;\n+let \x0c a = '\udcff';\n }\n"
BODY = "let a = 1;\n"
HUNK = Hunk.of(3, 3, 3, 3, "fn b()", LINES)
CHANGE = FileChange("a.rs", "b.rs", (HUNK,), "1" * 12, "2" * 40, True, True, True, True)


def _posting(*hunks: Hunk, body: str = f"log\n---\n@@ -3,3 +3,3 @@\n{DIFF}-- \n", **changes: Any) -> Posting:
    patch = Patch(1, "a", "log", ("Link: x",), "notes", (replace(CHANGE, hunks=hunks), CHANGE), None)
    broken = Patch(2, "b", damage=Unreadable("hunk is short", 7))
    series = Series("a", (patch, broken), 3, "cover", "c" * 40, "id", ("RFC",), ("d" * 40,), ("x@example.org",))
    cover = Part(0, "0@x", "a", ADA, (BOB, ADA), (BOB,), None, None, (), "cover \udc80")
    first = Part(1, "1@x", "a", BOB, (ADA,), (), DATE, "0@x", ("r@x", "0@x"), body, ("list@example.org",))
    posting = Posting(
        "0@x", ("list@example.org",), series, (cover, first), ADA, DATE, 2, Complete(), "topic", True,
        (FollowUp(1, "Acked-by: Bob", "f@x"),),
    )  # fmt: skip
    return replace(posting, **changes)


def test_only_the_wanted_patches_have_hunks() -> None:
    posting = _posting(HUNK)
    second = replace(posting.series.patches[0], index=3)
    posting = replace(posting, series=replace(posting.series, patches=(*posting.series.patches, second)))
    value = encode_posting(posting)

    first, broken, other = decode_posting(value, patches=(1,)).series.patches

    assert (first, broken) == posting.series.patches[:2]
    assert other == without_texts(posting).series.patches[2]
    assert decode_posting(value, patches=(0, 1, 3)) == posting
    assert [part.body for part in decode_posting(value, patches=(1, 3)).parts] == ["", posting.parts[1].body]
    assert decode_posting(value, patches=()) == without_texts(posting)
    without_parts = replace(posting, parts=())
    assert decode_posting(encode_posting(without_parts), patches=(1, 3)) == without_parts


@pytest.mark.parametrize(
    "text", ["", "\\", 'a "b" \\" c', '\\\\"', "],[", '"],["', "\udc80 é \U0001f980\n", "x" * 900_000 + '"']
)
def test_texts_that_are_left_out_hide_no_other(text: str) -> None:
    posting = _posting(HUNK)
    parts = (replace(posting.parts[0], body=text), *posting.parts[1:])
    posting = replace(posting, parts=(*parts, replace(posting.parts[0], index=2, body=text)))
    value = encode_posting(posting)

    for wanted in ((), (1,), (0, 2), (0, 1, 2)):
        decoded = decode_posting(value, patches=wanted)
        bodies = [part.body if part.index in wanted else "" for part in posting.parts]
        assert [part.body for part in decoded.parts] == bodies
        assert (decoded.series == posting.series) == (1 in wanted)


@pytest.mark.parametrize("state", [Complete(), Waiting((2, 3)), Defective("two patches have the number 1")])
@pytest.mark.parametrize("date", [None, DATE, datetime(2026, 3, 1, tzinfo=UTC)])
def test_a_posting_comes_back_equal(state: State, date: datetime | None) -> None:
    posting = _posting(HUNK, state=state, date=date)
    value = encode_posting(posting)

    assert is_encoded_posting(value)
    assert decode_posting(value) == posting
    assert decode_posting(value, with_texts=False) == without_texts(posting) == EncodedPosting.of(posting).posting
    assert encode_posting(decode_posting(value)) == value == EncodedPosting.of(posting).value


@pytest.mark.parametrize("patches", [None, (), (1,), (0, 1, 2)])
def test_a_posting_of_an_earlier_version_comes_back_equal(patches: Collection[int] | None) -> None:
    posting = _posting(HUNK)
    value = zlib_posting(posting)

    assert is_encoded_posting(value)
    assert decode_posting(value, patches=patches) == decode_posting(encode_posting(posting), patches=patches)
    assert decode_posting(value, with_texts=False) == without_texts(posting)
    assert mail_rows(value) == frozenset()


def test_a_posting_refers_to_the_mails_for_its_texts() -> None:
    posting = _posting(HUNK, body=f"log\n{DIFF}" + "x" * 100_000)
    cover, first = (part.body.encode("utf-8", "surrogatepass") for part in posting.parts)
    mails = {"1@x": (7, b"Subject: a\n\n" + first), "0@x": (8, b"of another text"), "other@x": (9, cover)}
    value = encode_posting(posting, mails)
    asked = []

    def read(rows: Collection[int]) -> dict[int, bytes]:
        asked.append(set(rows))
        return {row: raw for row, raw in mails.values() if row in rows}

    assert texts_of(value)[0] == [[0, 0, len(cover)], [7, 12, 12 + len(first)]]
    assert texts_of(value)[2] == cover
    assert mail_rows(value) == {7}
    assert (decode_posting(value, read), PostingBytes(value, read).decode()) == (posting, posting)
    assert decode_posting(value, read, patches=(0,)).parts[0].body == posting.parts[0].body
    assert asked == [{7}, {7}]  # the text of the cover letter is in no mail
    with pytest.raises(LookupError):
        decode_posting(value)


def _encoded(encoding: str, body: bytes) -> bytes:
    return f"Subject: a\nContent-Transfer-Encoding: {encoding}\n\n".encode() + body


@pytest.mark.parametrize(
    ("encode", "header"),
    [(partial(b2a_qp, istext=True), "quoted-printable"), (encodebytes, "base64")],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_text_may_be_encoded_in_its_mail(encode: Callable[[bytes], bytes], header: str, line_end: bytes) -> None:
    hunk = replace(HUNK, text=" use é = a;\n-let a = 1;\n+let a = 2;\n }\n")
    posting = _posting(hunk, body=f"log = é\n---\n@@ -3,3 +3,3 @@\n{hunk.text}-- \n")
    raw = _encoded(header, encode(posting.parts[1].body.encode().replace(b"\n", line_end)))
    value = encode_posting(posting, {"1@x": (7, raw)})

    assert texts_of(value)[0][1] == [7, raw.index(b"\n\n") + 2, len(raw), header]
    assert texts_of(value)[2] == posting.parts[0].body.encode("utf-8", "surrogatepass")
    assert decode_posting(value, lambda _: {7: raw}) == posting
    assert decode_posting(value, lambda _: {7: raw[:-9]}).parts[1].body == ""


@pytest.mark.parametrize(
    "raw",
    [
        _encoded("quoted-printable", b"another=20text"),
        _encoded("base64", b"a"),
        _encoded("base64", b"YW5vdGhlcg=="),
        _encoded("8bit", b2a_qp(BODY.encode())),
        b"quoted-printable",
    ],
)
def test_a_text_that_its_mail_does_not_have_is_in_the_posting(raw: bytes) -> None:
    posting = _posting(HUNK, body=BODY)
    value = encode_posting(posting, {"1@x": (7, raw)})

    assert mail_rows(value) == frozenset()
    assert decode_posting(value) == posting


@pytest.mark.parametrize("raw", [{}, {7: b""}, {7: b"a part of the mail"}])
def test_a_part_whose_mail_was_removed_has_neither_text_nor_hunks(raw: dict[int, bytes]) -> None:
    posting = _posting(HUNK)
    body = posting.parts[1].body.encode("utf-8", "surrogatepass")

    decoded = decode_posting(encode_posting(posting, {"1@x": (7, body)}), lambda _: raw)

    without = without_texts(posting)
    assert decoded == replace(without, parts=(posting.parts[0], without.parts[1]))


def test_no_field_is_empty_in_the_posting_that_comes_back_equal() -> None:
    posting = _posting(HUNK)
    values = (posting, posting.series, posting.series.patches[0], CHANGE, HUNK, posting.parts[1])
    empty = {(type(value).__name__, field.name) for value in values for field in fields(value) if not getattr(value, field.name)}  # fmt: skip  # noqa: E501
    assert empty == {("Patch", "damage"), ("Part", "cc")}


def test_a_hunk_is_a_range_of_the_text_of_its_mail() -> None:
    _, ((first, second), _), _ = texts_of(encode_posting(_posting(HUNK)))
    start = _posting().parts[1].body.index(DIFF)
    assert first == [[3, 3, 3, 3, "fn b()", [start, start + len(DIFF)]]]
    assert second == [[3, 3, 3, 3, "fn b()", DIFF]]  # the mail has these lines once


@pytest.mark.parametrize(
    "hunk",
    [
        replace(HUNK, text=""),
        replace(HUNK, text=" \n"),
        replace(HUNK, text="+\n-\n \r\n"),
    ],
)
@pytest.mark.parametrize("body", ["", "another text"])
def test_lines_that_the_mail_does_not_have_as_they_are_come_back_equal(hunk: Hunk, body: str) -> None:
    posting = _posting(hunk, HUNK, hunk, body=body)
    assert decode_posting(encode_posting(posting)) == posting


def test_a_text_is_searched_for_a_few_hunks_only() -> None:
    class Text(str):
        searches = 0

        def find(self, *arguments: Any) -> int:
            Text.searches += 1
            return super().find(*arguments)

    posting = _posting(*[HUNK] * 99, body="")
    part = replace(posting.parts[1], body=Text("none of them"))
    encode_posting(replace(posting, parts=(posting.parts[0], part)))
    assert Text.searches == 3


def test_the_head_has_the_addresses_and_no_text() -> None:
    head = posting_head(encode_posting(_posting(HUNK)))
    assert b"ada@example.org" in head
    assert b"let a" not in head


def test_a_field_that_was_added_later_gets_its_default() -> None:
    value = encode_posting(_posting(HUNK))
    end = 5 + int.from_bytes(value[1:5], "big")
    head = json.loads(posting_head(value))
    change = head[3][1][0][5][0]
    assert change.pop() is True
    shorter = ZstdCompressor().compress(json.dumps(head).encode())
    posting = decode_posting(value[:1] + len(shorter).to_bytes(4, "big") + shorter + value[end:])
    assert posting.series.patches[0].changes[0] == replace(CHANGE, hunks=(HUNK,), ends_without_newline_after=False)
