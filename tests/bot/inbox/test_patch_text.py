# SPDX-License-Identifier: GPL-2.0-or-later
import gzip
from pathlib import Path

import pytest

from bot.inbox.error import InboxError
from bot.inbox.patch_text import PatchDirectory, mails_of_texts, plain_text
from bot.mail.message import Message
from bot.mail.parse import parse

DIFF = b"diff --git a/rust/a.rs b/rust/a.rs\n--- a/rust/a.rs\n+++ b/rust/a.rs\n@@ -1 +1 @@\n-a\n+b\n"


def commit(number: int, *, minute: int = 0, more: bytes = b"") -> bytes:
    return (
        b"commit %040x\n%sAuthor: Ada <ada@example.org>\nDate:   Mon Mar 2 09:%02d:00 2026 +0000\n\n"
        b"    rust: title %d\n    \n    Why.\n\n%s\n" % (number, more, minute, number, DIFF)
    )


def mails(*texts: bytes) -> list[Message]:
    read = [parse(mail) for mail in mails_of_texts(texts)]
    patches = [mail for mail in read if isinstance(mail, Message) and DIFF.decode() in mail.body]
    assert len(patches) == len(read)
    return patches


def test_a_commit_of_git_show_becomes_a_mail() -> None:
    (mail,) = mails(commit(1))

    assert mail.subject == "[PATCH] rust: title 1"
    assert mail.author is not None and mail.author.address == "ada@example.org"
    assert mail.date is not None and mail.date.minute == 0
    assert mail.body.startswith("Why.\n---\ndiff --git ")


@pytest.mark.parametrize("order", [(2, 1), (1, 2)])
def test_commits_of_git_log_are_a_series_oldest_first(order: tuple[int, int]) -> None:
    text = b"".join(commit(number, minute=number) for number in order)

    assert [mail.subject for mail in mails(text)] == ["[PATCH 1/2] rust: title 1", "[PATCH 2/2] rust: title 2"]


def test_a_merge_has_a_line_more_in_its_header() -> None:
    (mail,) = mails(commit(1, more=b"Merge: 1234567 89abcde\n"))

    assert mail.subject == "[PATCH] rust: title 1"


def test_other_forms_become_mails() -> None:
    hg = b"# HG changeset patch\n# User Ada <ada@example.org>\n# Date 1 0\nrust: title\n\nWhy.\n\n" + DIFF

    assert [mail.subject for mail in mails(hg)] == ["[PATCH] rust: title"]
    assert [mail.subject for mail in mails(b"rust: title\n\nWhy.\n\n" + DIFF)] == ["[PATCH] rust: title"]
    assert [mail.subject for mail in mails(b"1234567 rust: title\n" + DIFF)] == ["[PATCH] rust: title"]
    assert [mail.subject for mail in mails(DIFF)] == ["[PATCH] a diff without a mail"]


def test_the_summary_above_a_diff_is_no_message() -> None:
    stat = b" a/b.rs | 2 +-\n c.png  | Bin 0 -> 12 bytes\n 2 files changed, 1 insertion(+), 1 deletion(-)\n"
    raw = b":100644 100644 1234567 89abcde M\ta/b.rs\n create mode 100644 c.png\n\n"

    (mail,) = mails(stat + raw + DIFF)
    (other,) = mails(b"rust: title\n\nWhy.\n---\n" + stat + b"\n" + DIFF)

    assert mail.subject == "[PATCH] a diff without a mail"
    assert mail.body.startswith("\n---\ndiff ")
    assert other.body.startswith("Why.\n---\ndiff ")


def test_a_mail_stays_as_it_is() -> None:
    mail = b"From: ada@example.org\nSubject: rust: title\n\n" + DIFF

    assert mails_of_texts([mail]) == [mail]
    assert mails_of_texts([b"hello\nworld\n"]) == [b"hello\nworld\n"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_mail_may_begin_with_any_field(end: bytes) -> None:
    fields = (b"Return-Path: <a@example.org>", b"X-To: b@example.org,", b"\tc@example.org", b"From: a@example.org")
    mail = end.join((*fields, b"Subject: rust: title", b"", DIFF))

    assert mails_of_texts([mail]) == [mail]
    assert [mail.subject for mail in mails(b"rust: title\nFrom: a\n\n" + DIFF)] == ["[PATCH] rust: title"]
    assert [mail.subject for mail in mails(b"X: y\nno field\nTo: a\nFrom: a\n" + DIFF)] == ["[PATCH] X: y"]


def test_texts_of_other_encodings_are_plain() -> None:
    text = commit(1).decode()

    assert plain_text(text.encode("utf-16")) == text.encode()
    assert plain_text(b"\xef\xbb\xbf" + text.encode()) == text.encode()
    assert plain_text(text.replace("\n", "\r").encode()) == text.encode()
    assert plain_text(b"\x1b[33m" + text.encode() + b"\x1b[m") == text.encode()
    assert plain_text(gzip.compress(text.encode())) == text.encode()


def test_an_escape_within_a_mail_is_text() -> None:
    mail = b"Subject: x\n\n+\x1b[31m\n"

    assert plain_text(mail) == mail


@pytest.mark.parametrize("cut", [5, 40])
def test_a_damaged_gzip_file_is_an_error(cut: int) -> None:
    with pytest.raises(ValueError, match="gzip"):
        plain_text(gzip.compress(commit(1))[:cut])


def test_a_directory_is_read_in_the_order_of_quilt_or_of_the_names(tmp_path: Path) -> None:
    for name in ("b.patch", "a.diff", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode() + b"\n\n" + DIFF)

    assert titles(tmp_path) == ["[PATCH 1/2] a.diff", "[PATCH 2/2] b.patch"]

    (tmp_path / "series").mkdir()

    assert titles(tmp_path) == ["[PATCH 1/2] a.diff", "[PATCH 2/2] b.patch"]

    (tmp_path / "series").rmdir()
    (tmp_path / "series").write_text("# first\nb.patch -p1\n\na.diff\n")

    assert titles(tmp_path) == ["[PATCH 1/2] b.patch", "[PATCH 2/2] a.diff"]


def test_a_directory_without_patches_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="no files"):
        titles(tmp_path)

    (tmp_path / "series").write_text("gone.patch\n")

    with pytest.raises(InboxError, match=r"gone\.patch"):
        titles(tmp_path)


def titles(directory: Path) -> list[str]:
    batches = PatchDirectory(directory).batches({})
    read = (parse(mail.raw) for batch in batches for mail in batch.mails)
    return [mail.subject for mail in read if isinstance(mail, Message)]
