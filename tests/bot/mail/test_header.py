# SPDX-License-Identifier: GPL-2.0-or-later
"""The fields of a header are those of the standard library's parser: the contract with it."""

from email.parser import BytesHeaderParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.header import MAX_HEADERS, Header, read_fields

USUAL = (
    b"Subject: [PATCH] x",
    b"Subject:x\nTo: a@example.org,\n\tb@example.org\nto:\n",
    b"References:\n <1@example.org>\n <2@example.org>\nX-Odd: \t a \nEmpty:",
    b"Subject: caf\xc3\xa9 \xff\nX!#: a: b\x0b\x1c\x85\n \n\t\nA: \n b",
    b"Sub\0ject: a\0b",
)
UNUSUAL = (
    *(b"", b" a: b", b"no field", b"A: b\nno field\nC: d", b"From x\nA: b", b"A: b\nFrom x\nC: d", b"A: b\nFrom x"),
    *(b":a\nB: c", b"A: b\r\nC: d", b"A: b\rC: d", b"A : b", b"A: b\n\nC: d", b"\xe9: a", b"A: b\n"),
)
PIECES = st.sampled_from(
    [*USUAL, *UNUSUAL, b"\n", b"\n ", b"\n\t", b":", b" ", b"\r\n", b"\0", b"From a", b"A", b"\xe9"]
)
NAMES = st.sampled_from([b"Received: a", b"RECEIVED: b\n c", b"Return-Path: <>", b"auto-SUBMITTED: no", b"To:\n a"])


def of_stdlib(block: bytes) -> tuple[list[tuple[str, str]], object]:
    message = BytesHeaderParser().parsebytes(block.replace(b"\0", b"") + b"\n\n")
    # Before Python 3.12.8, a value that begins on the next line keeps white space at its start.
    fields = [(name, str(value).lstrip(" \t\r\n")) for name, value in message.raw_items()]
    return fields, message.get_payload()


@pytest.mark.parametrize("block", [*USUAL, *UNUSUAL])
def test_fields_are_read_as_the_standard_library_reads_them(block: bytes) -> None:
    assert read_fields(block) == of_stdlib(block)


@given(st.lists(PIECES, max_size=6).map(b"".join))
def test_any_bytes_are_read_as_the_standard_library_reads_them(block: bytes) -> None:
    assert read_fields(block) == of_stdlib(block)


@pytest.mark.parametrize("block", USUAL)
def test_a_usual_header_is_read_without_the_standard_library(block: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = of_stdlib(block.rstrip(b"\n"))
    monkeypatch.setattr("email.parser.BytesHeaderParser", None)

    assert read_fields(block.rstrip(b"\n")) == expected


@given(st.lists(st.one_of(PIECES, NAMES), max_size=6).map(b"\n".join))
def test_values_are_those_of_the_fields_with_that_name(block: bytes) -> None:
    fields, rest = of_stdlib(block)
    header = Header(block)

    for name in ("subject", "to", "received", "x-odd", "auto-submitted", "return-path"):
        wanted = [value.lstrip() for key, value in fields if key.lower() == name]
        assert [value.lstrip() for value in header.values(name)] == wanted
    assert bool(header) == bool(fields)
    assert (header.rest, list(header.fields)) == (rest, fields)


def test_only_the_first_fields_of_a_long_header_count() -> None:
    last = Header(b"A: b\n" * (MAX_HEADERS - 1) + b"Subject: x")
    assert last.values("subject") == ["x"]
    assert Header(b"A: b\n" + last.block).values("subject") == []
