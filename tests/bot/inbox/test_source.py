# SPDX-License-Identifier: GPL-2.0-or-later
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.inbox.git_commits import write_git_archive
from bot.inbox.mailbox import Mbox, StandardInput
from bot.inbox.maildir import Maildir
from bot.inbox.source import open_source


def test_a_source_is_known_by_what_stands_there(tmp_path: Path) -> None:
    write_git_archive(tmp_path / "list.git", [])
    write_git_archive(tmp_path / "epochs" / "git" / "0.git", [])
    (tmp_path / "maildir" / "new").mkdir(parents=True)
    (tmp_path / "one.patch").write_bytes(b"Subject: x\n\n")

    kinds = [type(open_source(tmp_path / name)) for name in ("list.git", "epochs", "maildir", "one.patch")]

    assert [GitArchive, GitArchive, Maildir, Mbox] == kinds
    assert isinstance(open_source("-"), StandardInput)


def test_what_is_no_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(InboxError, match="absent: no such file"):
        open_source(tmp_path / "absent")
    with pytest.raises(InboxError, match="neither a public-inbox archive"):
        open_source(tmp_path)
    with pytest.raises(InboxError, match="neither a file nor a directory"):
        open_source("/dev/null")


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    source = open_source(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as writer:
        writer.submit((tmp_path / "pipe").write_bytes, b"Subject: x\n\n")

        assert 1 == source.count({})
        assert [b"Subject: x\n\n"] == [mail.raw for batch in source.batches({}) for mail in batch.mails]
