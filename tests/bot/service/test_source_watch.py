# SPDX-License-Identifier: GPL-2.0-or-later
"""Local sources are read when they change, and in each round where they cannot be watched."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest
from inotify_simple import INotify

from bot.service.source_watch import SourceWatcher
from bot.watch import Watcher
from tests.fakes.events import Events
from tests.fakes.mails import append_mail, git_archive, mail

PATIENCE = 120.0
LONG = 1000.0


class Watched:
    """A watched source, and the changes that it reported."""

    def __init__(self, path: Path, watcher: Watcher | None, settled_seconds: float) -> None:
        self.path = path
        self._changes = SimpleQueue[bool]()
        self.sources = SourceWatcher(
            {str(path): path}, watcher, lambda: self._changes.put(True), settled_seconds=settled_seconds
        )

    def take(self) -> bool:
        return self.sources.take(str(self.path))

    def wait(self) -> None:
        """Wait until a change is reported and the source counts as changed."""
        while True:
            self._changes.get(timeout=PATIENCE)
            if self.take():
                return

    def read(self) -> None:
        """Take the source until it does not count as changed any more."""
        while self.take():
            pass


@contextmanager
def watched(path: Path, settled_seconds: float = LONG) -> Iterator[Watched]:
    with Watcher() as watcher:
        source = Watched(path, watcher, settled_seconds)
        source.read()
        try:
            yield source
        finally:
            source.sources.close()


def test_an_archive_is_read_at_first_and_then_after_each_new_mail(tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [mail("1@x")])
    with watched(archive) as source:
        assert not source.take()
        for number in (2, 3):
            append_mail(archive, mail(f"{number}@x"))
            source.wait()


def test_a_mail_after_the_refs_were_packed_is_noticed(tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [mail("1@x")])
    with watched(archive) as source:
        subprocess.run(["git", "-C", str(archive), "pack-refs", "--all"], check=True)
        source.wait()
        source.read()
        append_mail(archive, mail("2@x"))
        source.wait()


def test_a_new_epoch_is_noticed(tmp_path: Path) -> None:
    git_archive(tmp_path / "list" / "git" / "0.git", [mail("1@x")])
    with watched(tmp_path / "list") as source:
        epoch = git_archive(tmp_path / "list" / "git" / "1.git", [mail("2@x")])
        source.wait()
        source.read()
        append_mail(epoch, mail("3@x"))
        source.wait()


def test_an_archive_that_is_deleted_and_made_again_is_watched_again(tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "list.git", [mail("1@x")])
    with watched(archive) as source:
        shutil.rmtree(archive)
        source.wait()
        git_archive(archive, [mail("1@x")])
        source.wait()
        source.read()
        append_mail(archive, mail("2@x"))
        source.wait()


def test_an_archive_in_a_folder_that_was_deleted_too_is_polled_until_it_is_watched_again(tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "folder" / "list.git", [mail("1@x")])
    with watched(archive) as source:
        shutil.rmtree(archive.parent)
        source.wait()
        while source.sources.is_watched(str(archive)):  # until the events of the last deleted files
            source.wait()
        assert source.take()
        git_archive(archive, [mail("1@x")])
        assert source.take()
        source.read()
        assert not source.take()
        append_mail(archive, mail("2@x"))
        source.wait()


@pytest.mark.parametrize("folder", ["new", "cur"])
def test_a_mail_in_a_maildir_is_noticed(tmp_path: Path, folder: str) -> None:
    for name in ("tmp", "new", "cur"):
        (tmp_path / "box" / name).mkdir(parents=True)
    with watched(tmp_path / "box") as source:
        (tmp_path / "box" / "tmp" / "1").write_bytes(mail("1@x"))
        (tmp_path / "box" / "tmp" / "1").rename(tmp_path / "box" / folder / "1")
        source.wait()


def test_a_mail_in_an_mbox_is_noticed_and_the_last_one_is_read_when_the_file_is_settled(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(b"")
    with watched(box, settled_seconds=0.5) as source:
        source.wait()  # It was read when it was new, and may have a mail that was not complete.
        with box.open("ab") as file:
            file.write(mail("1@x"))
        source.wait()
        source.wait()


def test_a_change_of_another_file_is_none_of_the_mbox(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.write_bytes(b"")
    with watched(box) as source:
        (tmp_path / "other").write_bytes(b"x")
        (tmp_path / "box.lock").write_bytes(b"x")
        box.write_bytes(b"x")
        source.wait()
        source.read()
        assert not source.take()


def test_a_source_that_could_not_be_read_is_read_again(tmp_path: Path) -> None:
    with watched(git_archive(tmp_path / "list.git", [mail("1@x")])) as source:
        source.sources.put_back(str(source.path))
        assert source.take()
        assert not source.take()


def test_where_no_watch_is_left_a_source_is_polled_and_one_warning_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    def refuse(self: INotify, path: Path, mask: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    archive = git_archive(tmp_path / "list.git", [mail("1@x")])
    with Watcher() as watcher:
        source = Watched(archive, watcher, LONG)
        with monkeypatch.context() as exhausted:
            exhausted.setattr(INotify, "add_watch", refuse)
            assert all([source.take(), source.take(), source.take()])
        assert [source.take(), source.take()] == [True, False]

    warnings = [record for record in events.caplog.records if record.levelname == "WARNING"]
    assert [record.getMessage() for record in warnings] == ["archive-unwatched"]
    assert "max_user_watches" in events.named("archive-unwatched")[0]["reason"]
    assert events.names()[-1] == "archive-watched"


def test_without_a_watcher_and_for_a_list_on_the_network_each_round_reads(tmp_path: Path) -> None:
    source = Watched(git_archive(tmp_path / "list.git", [mail("1@x")]), None, LONG)

    assert all(source.take() for _ in range(3))
    assert source.sources.take("https://lore.kernel.org/rust-for-linux")
