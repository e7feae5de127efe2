# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of a body, within the limits."""

import pytest

from bot.mail.mime import MAX_DEPTH, MAX_PARTS, Text, leaves, multipart_boundary, parts_of, read_body

TYPE = 'Multipart/Mixed; Boundary="a\\"b"'
BODY = (
    b'before\n--a"b\n\nfirst\n--a"b\r\nContent-Type: TEXT/html\r\n\r\n<p>\r\n'
    b'--a"b\nContent-Type: message/rfc822\n\nSubject: x\n\nin\n--a"b--\nafter\n--a"b\n\nno part\n'
)


def _nested(depth: int) -> bytes:
    if not depth:
        return b"\nend\n"
    boundary = b"b%d" % depth
    return b"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n%s--%s--\n" % (
        boundary, boundary, _nested(depth - 1), boundary)  # fmt: skip


def test_each_part_that_is_no_multipart_has_its_type_and_text() -> None:
    assert list(leaves({"content-type": TYPE}, BODY)) == [
        ("text/plain", "first"),
        ("text/html", "<p>"),
        ("message/rfc822", "Subject: x\n\nin"),
    ]
    assert list(leaves({"content-type": "text/plain"}, b"text")) == []


def test_the_types_of_the_parts_of_a_mail_are_told() -> None:
    assert parts_of([("Content-TYPE", TYPE)], b"Subject: x\r\n\r\n" + BODY) == (
        ("text/plain", ""), ("text/html", ""), ("message/rfc822", ""))  # fmt: skip
    assert parts_of([("Content-Type", TYPE)], b"no end of the header") == ()
    assert parts_of([("Content-Type", "Text/HTML; charset=x")], b"Subject: x\n\n<p>") == (("text/html", ""),)
    assert parts_of([("Subject", "x")], b"Subject: x\n\ntext") == (("text/plain", ""),)


def test_a_part_has_the_name_of_its_file() -> None:
    named = [("Content-Type", 'text/x-patch; name="b.patch"'), ("Content-Disposition", "attachment; filename=a.patch")]

    assert parts_of(named, b"Subject: x\n\n") == (("text/x-patch", "a.patch"),)
    assert parts_of(named[:1], b"Subject: x\n\n") == (("text/x-patch", "b.patch"),)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [(TYPE, 'a"b'), ("multipart/mixed; boundary=x ", "x"), ("multipart/mixed", ""), ("text/plain; boundary=x", None)],
)
def test_the_boundary_is_that_of_a_multipart(content_type: str, boundary: str | None) -> None:
    assert multipart_boundary(content_type) == boundary


@pytest.mark.parametrize(("depth", "count"), [(MAX_DEPTH, 1), (MAX_DEPTH + 1, 0)])
def test_parts_that_are_nested_too_deep_are_left_out(depth: int, count: int) -> None:
    header, _, body = _nested(depth).partition(b"\n\n")

    assert len(list(leaves({"content-type": header.decode().partition(": ")[2]}, body))) == count


@pytest.mark.parametrize(("parts", "count"), [(MAX_PARTS, MAX_PARTS), (MAX_PARTS + 1, 0)])
def test_a_body_of_too_many_parts_has_none(parts: int, count: int) -> None:
    body = b"--x\n\ntext\n" * parts + b"--x--\n"

    assert len(list(leaves({"content-type": "multipart/mixed; boundary=x"}, body))) == count


@pytest.mark.parametrize(
    ("signed", "text"),
    [
        ("- --- a/x\n- - one\n +two\n", "--- a/x\n- one\n +two\n"),
        ("--- a/x\n- one\n", "--- a/x\n- one\n"),  # this program does not escape dashes
    ],
)
def test_the_dashes_of_a_text_that_openpgp_signs_are_restored(signed: str, text: str) -> None:
    before, after = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: A\n\n", "\n-----BEGIN PGP SIGNATURE-----\n- x\n"

    assert Text(before + text + after, False) == read_body({}, (before + signed + after).encode())


DIFF = "--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    "content_type",
    ["text/x-patch", "text/x-diff", "application/octet-stream", "multipart/mixed", "multipart/mixed; x=y"],
)
def test_a_body_of_another_type_is_read_if_it_is_a_patch(content_type: str) -> None:
    assert Text("Why.\n" + DIFF, False) == read_body({"content-type": content_type}, f"Why.\n{DIFF}".encode())
    assert Text("", False) == read_body({"content-type": "text/html"}, f"Why.\n{DIFF}".encode())


def test_a_mail_may_be_nothing_but_another_mail() -> None:
    mail = f"Subject: x\n\nWhy.\n{DIFF}".encode()

    assert Text("Why.\n" + DIFF, False) == read_body({"content-type": "message/rfc822"}, mail)
    assert Text("", False) == read_body({"content-type": "message/rfc822"}, b"Subject: x\n\nWhy.\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Why.\n" + DIFF.replace("+b", "+b,\nwrapped"), "Why.\n"),
        ("Why.\n" + DIFF.replace("x.rs", "y.rs"), "Why.\n" + DIFF.replace("x.rs", "y.rs")),
        ("Why.\ndiff --git a/z b/z\nnew mode 100755\n", "Why.\ndiff --git a/z b/z\nnew mode 100755\n"),
    ],
)
def test_a_diff_that_is_also_attached_is_read_once(text: str, expected: str) -> None:
    parts = f"--b\n\n{text}\n--b\nContent-Type: text/x-patch\nContent-Disposition: attachment\n\n{DIFF}\n--b--\n"

    assert Text(expected + "\n" + DIFF, False) == read_body(
        {"content-type": "multipart/mixed; boundary=b"}, parts.encode()
    )
