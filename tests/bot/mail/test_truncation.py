# SPDX-License-Identifier: GPL-2.0-or-later
"""A mail whose end is missing says what it lacks; a whole mail lacks nothing."""

import base64
import quopri

import pytest

from bot.mail.truncation import MAX_SIZE, truncation

HEADER = b"From: Ada <ada@example.org>\nSubject: [PATCH v2 1/2] rust: led\n"
DIFFSTAT = b"Why.\n---\n a.rs | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n\n"
FILE = b"diff --git a/a.rs b/a.rs\nindex 1111111..2222222 100644\n--- a/a.rs\n+++ b/a.rs\n"
HUNK = b"@@ -1,3 +1,4 @@ fn f()\n fn f() {\n-    1\n+    2\n+    3\n }\n"
SIGNATURE = b"-- \n2.47.0\n"
DIFF = FILE + HUNK


def _patch(text: bytes, header: bytes = b"") -> bytes:
    return HEADER + header + b"\n" + text


def _encoded(encoding: str, text: bytes) -> bytes:
    header = f"Content-Transfer-Encoding: {encoding}\n".encode()
    return _patch(base64.encodebytes(text) if encoding == "base64" else quopri.encodestring(text), header)


@pytest.mark.parametrize(
    "raw",
    [
        _patch(DIFFSTAT + DIFF + SIGNATURE),
        _patch(DIFFSTAT + DIFF + SIGNATURE).replace(b"\n", b"\r\n"),
        _patch(DIFFSTAT + DIFF),
        _patch(DIFF + SIGNATURE),
        _patch(DIFFSTAT + DIFF + DIFF + SIGNATURE),
        _patch(DIFFSTAT + DIFF + b"\\ No newline at end of file\n"),
        _patch(DIFFSTAT + DIFF.replace(b"-    1", b"-\\ no marker") + b"--\n\nA list's footer.\n"),
        _patch(FILE + b"@@ -1 +1 @@\n-a\n+b\n" + SIGNATURE),
        _patch(FILE + b"@@ -1,2 +1,1 @@\n a\n---\n" + SIGNATURE),
        _patch(FILE + b"@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n" + SIGNATURE),
        _encoded("base64", DIFFSTAT + DIFF + SIGNATURE),
        _encoded("quoted-printable", DIFFSTAT + DIFF + SIGNATURE),
        _patch(b"--x\n\nWhy.\n--x--\n", b'Content-Type: multipart/mixed; boundary="x"\n'),
        HEADER.replace(b"1/2", b"0/2") + b"\nWhat it is about.\n",
        HEADER.replace(b"[PATCH", b"Re: [PATCH") + b"\nI agree.\n",
        HEADER.replace(b"[PATCH v2 1/2]", b"[ANNOUNCE]") + b"\nIt is here.\n",
        HEADER.replace(b"[PATCH v2 1/2]", b"PATCH") + b"\nIs it here?\n",
        b"From: Ada <ada@example.org>\n\nA mail without a subject.\n",
    ],
)
def test_a_whole_mail_lacks_nothing(raw: bytes) -> None:
    assert truncation(raw) == ""


@pytest.mark.parametrize(
    ("raw", "lack"),
    [
        (_patch(DIFFSTAT + DIFF)[:-1], "its last line has no end"),
        (HEADER, "its header has no end"),
        (HEADER + b"\n", "its text is missing"),
        (_patch(b"--x\n\nWhy.\n", b'Content-Type: multipart/mixed; boundary="x"\n'), "its last part has no end"),
        (_patch(b"--x\n\nWhy.\n", b"Content-Type: Multipart/Mixed; Boundary=x\n"), "its last part has no end"),
        (_patch(b"V2h5Lg\n", b"content-transfer-encoding: BASE64\n"), "its base64 has no end"),
        (_encoded("base64", b"Why."), "its last line has no end"),
        (_patch(b"Why=\r\n", b"Content-Transfer-Encoding: quoted-printable\n"), "its last line has no end"),
        (_patch(b"Why=\n\n", b"Content-Transfer-Encoding: quoted-printable\n"), "its last line has no end"),
        (_patch(b"Why.\n---\n"), "a patch without its diff"),
        (HEADER.replace(b"1/2", b"10/20") + b"\nWhy.\n", "a patch without its diff"),
        (HEADER.replace(b"PATCH v2 1/2", b"rfc patch") + b"\nWhy.\n", "a patch without its diff"),
        (_patch(DIFFSTAT + FILE), "the changes of its last file are missing"),
        (_patch(DIFF + b"diff --git a/b.rs b/b.rs\n"), "the changes of its last file are missing"),
        (
            _patch(DIFF + b"diff --git a/b.rs b/b.rs\nnew file mode 100644\n"),
            "the changes of its last file are missing",
        ),
        (_patch(DIFF.removesuffix(b" }\n")), "its last hunk has no end"),
        (_patch(FILE + b"@@ -1,2 +1,2 @@\n a\n-b\n"), "its last hunk has no end"),
        (_patch(FILE + b"@@ -1,2 +1,2 @@\n a\n+b\n"), "its last hunk has no end"),
        (_patch(DIFFSTAT.replace(b"2 ins", b"3 ins") + DIFF), "its diff has fewer changes than its diffstat"),
        (_patch(DIFFSTAT.replace(b"1 del", b"2 del") + DIFF), "its diff has fewer changes than its diffstat"),
        (_patch(b" 2 files changed, 3 insertions(+)\n" + DIFF), "its diff has fewer changes than its diffstat"),
        (_patch(b" 2 files changed, 2 deletions(-)\n" + DIFF), "its diff has fewer changes than its diffstat"),
        (_patch(DIFFSTAT + DIFF + b"-- \n"), "its signature is missing"),
        (_patch(DIFFSTAT + DIFF + b"-- \n" + b"\n" * 9 + b"2.47.0\n"), "its signature is missing"),
    ],
)
def test_a_truncated_mail_says_what_it_lacks(raw: bytes, lack: str) -> None:
    assert truncation(raw) == lack


@pytest.mark.parametrize(
    ("text", "lack"),
    [
        (DIFF, "nothing shows the end of its diff"),
        (DIFFSTAT + DIFF, ""),
        (DIFF + SIGNATURE, ""),
        (b"\n".join([b" " + b"x" * 99 + b" 1 file changed", DIFF]), "nothing shows the end of its diff"),
    ],
)
def test_a_diff_that_shows_no_end_is_truncated_where_proof_is_asked_for(text: bytes, lack: str) -> None:
    assert truncation(_patch(text), proof=True) == lack
    assert truncation(_patch(text)) == ""


def test_a_damaged_hunk_proves_nothing() -> None:
    assert truncation(_patch(FILE + b"@@ -1,9 +1,9 @@\n a\nwrapped by a mailer\n+b\n")) == ""


def test_a_mail_that_is_too_large_to_be_parsed_is_not_read() -> None:
    start = _patch(FILE + b"@@ -1,9 +1,9 @@\n")

    assert truncation(start + b"+" * (MAX_SIZE - len(start) - 1) + b"\n") == "its last hunk has no end"
    assert truncation(start + b"+" * (MAX_SIZE - len(start)) + b"\n") == ""
