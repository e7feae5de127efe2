# SPDX-License-Identifier: GPL-2.0-or-later
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.mail.outgoing import Outgoing
from bot.outbox.error import OutboxError
from bot.outbox.folder import Folder

CONTENT = b"Subject: x\n\nFrom here: \xff\r\n.\n"


def _mail(message_id: str = "0123abcd@bot.example.org") -> Outgoing:
    return Outgoing(message_id, "p@x", "review", "b@x", ("a@x",), CONTENT, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_very_bytes_are_in_one_file(tmp_path: Path) -> None:
    where = Folder(tmp_path / "var" / "outbox").deliver(_mail())

    assert Path(where).read_bytes() == CONTENT
    assert [path.name for path in Path(where).parent.iterdir()] == ["0123abcd.eml"]


def test_again_is_the_same_file_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    assert folder.deliver(_mail()) == folder.deliver(_mail())
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("wrong", ["../../etc/x@y", "@y", ".hidden@y", "a/b@y", "\0@y"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(OutboxError, match="gives no file name"):
        Folder(tmp_path).deliver(_mail(wrong))

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "0123abcd.eml").mkdir()

    with pytest.raises(OutboxError, match=r"cannot write .*0123abcd\.eml: Is a directory"):
        Folder(tmp_path).deliver(_mail())

    assert [path.name for path in tmp_path.iterdir()] == ["0123abcd.eml"]


def test_a_file_in_the_way_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("")

    with pytest.raises(OutboxError, match="cannot write"):
        Folder(tmp_path / "outbox").deliver(_mail())
