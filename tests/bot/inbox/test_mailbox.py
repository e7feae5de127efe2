# SPDX-License-Identifier: GPL-2.0-or-later
import os
import tracemalloc
from pathlib import Path

import pytest

from bot.inbox.error import InboxError
from bot.inbox.mailbox import MailFile, Mbox, StandardInput, load_file, split_mbox
from bot.inbox.maildir import Maildir
from bot.ports.archive import Archive
from bot.ports.raw_mail import Batch
from tests.growth import assert_linear

LINE = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
ONE = b"Subject: one\n\n>From here on.\n>>From there.\n"
TWO = b"Subject: two\n\nFrom nobody in particular.\n"
BOX = LINE + ONE + b"\n" + LINE + TWO + b"\n"


def texts(source: Archive, cursors: dict[str, str] | None = None, size: int = 500) -> list[bytes]:
    return [mail.raw for batch in source.batches(cursors or {}, size) for mail in batch.mails]


def cursors_of(source: Archive) -> dict[str, str]:
    return {batch.epoch: batch.cursor for batch in source.batches({})}


def test_an_mbox_is_split_at_its_lines_and_unescaped() -> None:
    assert [b"Subject: one\n\nFrom here on.\n>From there.\n", TWO] == split_mbox(BOX)


@pytest.mark.parametrize(
    "data",
    [ONE, b"From: a@example.org\n\nText.\n", b"From 0123456789 is not an mbox line\nSubject: x\n\n" + ONE, b"text"],
)
def test_what_is_no_mbox_is_one_mail(data: bytes) -> None:
    assert [data] == split_mbox(data)


def test_nothing_is_no_mail() -> None:
    assert [] == split_mbox(b"") == split_mbox(b"\n \n")


def test_an_mbox_is_read_once_and_then_what_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(BOX)
    source = Mbox(path)
    cursors = cursors_of(source)

    assert (2, [], 0) == (source.count({}), texts(source, cursors), source.count(cursors))

    path.write_bytes(BOX + LINE + b"Subject: three\n\n")

    assert ([b"Subject: three\n"], 1) == (texts(source, cursors), source.count(cursors))
    origins = [mail.origin for batch in source.batches(cursors) for mail in batch.mails]
    assert origins == [f"list.mbox@{len(BOX)}#1"]


def test_an_mbox_that_was_rewritten_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(BOX)
    cursors = cursors_of(Mbox(path))
    path.write_bytes(BOX.replace(b"two", b"too"))

    assert 2 == len(texts(Mbox(path), cursors))


def test_the_cursor_of_an_mbox_moves_with_its_last_mail_only(tmp_path: Path) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(BOX)
    first, last = Mbox(path).batches({}, 1)

    assert ("", True) == (first.cursor, last.cursor.startswith(f"{len(BOX)}:"))


def test_an_mbox_takes_little_more_memory_than_its_file(tmp_path: Path) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes((LINE + b"Subject: one\n\n" + b"Some text.\n" * 1_000 + b"\n") * 1_000)
    size = path.stat().st_size

    tracemalloc.start()
    try:
        cursors = {batch.epoch: batch.cursor for batch in Mbox(path).batches({}, size=10)}
        assert Mbox(path).count(cursors) == 0
        assert Mbox(path).count({}) == 1_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1.5 * size


def test_a_maildir_gives_what_was_delivered_behind_the_cursor(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "cur" / "1.a:2,S").write_bytes(ONE)
    (tmp_path / "tmp" / "9.half").write_bytes(b"Subj")
    (tmp_path / "cur" / ".hidden").write_bytes(b"no")
    source = Maildir(tmp_path)
    cursors = cursors_of(source)

    assert ([ONE], [], 0) == (texts(source), texts(source, cursors), source.count(cursors))

    (tmp_path / "tmp" / "2.b").write_bytes(TWO)
    os.utime(tmp_path / "tmp" / "2.b", (0, 0))
    (tmp_path / "tmp" / "2.b").rename(tmp_path / "new" / "2.b")

    assert ([TWO], [ONE, TWO], 1) == (texts(source, cursors), texts(source, size=1), source.count(cursors))


def test_standard_input_is_read_once() -> None:
    given = iter([BOX])
    source = StandardInput(lambda: next(given))

    assert (2, 2) == (source.count({}), len(texts(source)))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for source in (Mbox(tmp_path / "absent.mbox"), Maildir(tmp_path / "absent")):
        with pytest.raises(InboxError, match=r"absent.*: No such file"):
            texts(source)


@pytest.mark.parametrize("unit", [b"a00:00:00", b"00:00:00 ", b"2026 ", b"From ", b"\nFrom a ", b"\nFrom a 00:00:00 "])
def test_from_lines_cost_time_in_proportion_to_their_length(unit: bytes) -> None:
    assert_linear(lambda size: b"From: a\n\nFrom a" + unit * (size // len(unit)) + b"\n", split_mbox, 20_000)


def _maildir(path: Path, *names: str) -> Path:
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(parents=True)
    for name in names:
        (path / "new" / name).write_bytes(os.fsencode(f"Subject: {name}\n\n"))
    return path


def test_a_file_of_a_maildir_that_cannot_be_read_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _maildir(tmp_path / "mail", "1.a", "2.b", "3.c")

    def load(file: Path) -> MailFile:
        if file.name == "2.b":
            raise PermissionError(13, "Permission denied", str(file))
        return load_file(file)

    source, batches = Maildir(path), list[Batch]()
    with monkeypatch.context() as patched:
        patched.setattr("bot.inbox.maildir.load_file", load)
        with pytest.raises(InboxError, match=rf"^{path}/new/2.b: Permission denied$"):
            batches.extend(source.batches({}))
        with pytest.raises(InboxError, match=rf"^{path}/new/2.b: Permission denied$"):
            list(source.batches({batches[0].epoch: batches[0].cursor}))
    later = texts(source, {batches[0].epoch: batches[0].cursor})

    assert [b"Subject: 1.a\n\n", b"Subject: 3.c\n\n"] == [mail.raw for mail in batches[0].mails]
    assert [b"Subject: 2.b\n\n"] == later


def test_the_origin_of_a_file_whose_name_is_not_utf8_is_text_that_can_be_stored(tmp_path: Path) -> None:
    path = _maildir(tmp_path / "mail", "1.\udcff", "2.\udcfe")
    with (path / "new" / "2.\udcfe").open("r+b") as file:
        file.truncate(4_000_001)

    (batch,) = Maildir(path).batches({})
    (before,) = Maildir(path).before({batch.epoch: batch.cursor}, 10)

    assert [r"new/1.\xff"] == [mail.origin for mail in batch.mails] == [mail.origin for mail in before.mails]
    assert [r"2.\xfe"] == [mail.origin for mail in batch.unread]


def test_a_file_of_a_maildir_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = _maildir(tmp_path / "mail", "1.a", "2.b", "3.c")
    with (path / "new" / "2.b").open("r+b") as file:
        file.truncate(2_000_000_000)
    source = Maildir(path)

    (batch,) = source.batches({})

    assert [b"Subject: 1.a\n\n", b"Subject: 3.c\n\n"] == [mail.raw for mail in batch.mails]
    assert [("2.b", "larger than 4,000,000 bytes")] == [(mail.origin, mail.reason) for mail in batch.unread]
    for again in (source, Maildir(path)):
        assert not list(again.batches({batch.epoch: batch.cursor}))
        assert 2 == sum(len(earlier.mails) for earlier in again.before({batch.epoch: batch.cursor}, 10))
    (path / "new" / "2.b").rename(path / "cur" / "2.b:2,S")
    assert [mail.origin for mail in batch.unread] == [
        mail.origin for later in Maildir(path).batches({}) for mail in later.unread
    ]


def test_a_mail_of_an_mbox_that_is_too_large_is_no_mail_of_its_batch(tmp_path: Path) -> None:
    path = tmp_path / "list.mbox"
    path.write_bytes(BOX + LINE + b"Subject: three\n\n" + b"a" * 4_000_000 + b"\n\n" + LINE + b"Subject: four\n\n\n")

    (batch,) = Mbox(path).batches({})

    assert 3 == len(batch.mails)
    assert ["larger than 4,000,000 bytes"] == [mail.reason for mail in batch.unread]
    assert [] == texts(Mbox(path), {batch.epoch: batch.cursor})
    path.write_bytes(path.read_bytes().removeprefix(BOX))
    (rewritten,) = Mbox(path).batches({batch.epoch: batch.cursor})
    assert [mail.origin for mail in batch.unread] == [mail.origin for mail in rewritten.unread]
