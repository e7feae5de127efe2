# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders are watched without polling, and what cannot be watched says why."""

import errno
import os
from pathlib import Path
from queue import SimpleQueue

import pytest
from inotify_simple import INotify

import bot.watch
from bot.watch import WRITES, Watcher, WatchError

PATIENCE = 120.0
Calls = SimpleQueue[tuple[str, bool]]


def _listen(calls: Calls, name: str, is_closed: bool) -> None:
    calls.put((name, is_closed))


def _wait(calls: Calls, expected: tuple[str, bool]) -> None:
    while calls.get(timeout=PATIENCE) != expected:
        pass


def test_an_entry_that_is_written_renamed_or_deleted_is_reported(tmp_path: Path) -> None:
    calls = Calls()
    with Watcher() as watcher:
        watcher.add(tmp_path, lambda name, is_closed: _listen(calls, name, is_closed))
        (tmp_path / "a").write_bytes(b"x")
        _wait(calls, ("a", True))
        (tmp_path / "a").rename(tmp_path / "b")
        _wait(calls, ("b", True))
        (tmp_path / "b").unlink()
        _wait(calls, ("b", True))


def test_a_write_to_an_open_file_is_reported_as_such(tmp_path: Path) -> None:
    calls = Calls()
    with Watcher() as watcher, (tmp_path / "a").open("wb", buffering=0) as file:
        watcher.add(tmp_path, lambda name, is_closed: _listen(calls, name, is_closed), WRITES)
        file.write(b"x")
        assert calls.get(timeout=PATIENCE) == ("a", False)


def test_a_folder_that_is_made_again_is_watched_again(tmp_path: Path) -> None:
    folder, calls = tmp_path / "folder", Calls()
    with Watcher() as watcher:
        for _ in range(2):
            folder.mkdir()
            watcher.add(folder, lambda name, is_closed: _listen(calls, name, is_closed))
            (folder / "a").write_bytes(b"x")
            _wait(calls, ("a", True))
            (folder / "a").unlink()
            folder.rmdir()
            _wait(calls, ("", True))


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "max_user_watches"), (errno.ENOENT, os.strerror(errno.ENOENT))]
)
def test_a_folder_that_cannot_be_watched_says_why(
    tmp_path: Path, number: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: INotify, path: Path, mask: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(INotify, "add_watch", refuse)

    with Watcher() as watcher, pytest.raises(WatchError, match=reason):
        watcher.add(tmp_path, lambda name, is_closed: None)


def test_without_an_instance_there_is_no_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> INotify:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(bot.watch, "INotify", refuse)

    with pytest.raises(WatchError, match="max_user_instances"):
        Watcher()


@pytest.mark.parametrize(
    ("mounts", "is_local"),
    [
        ("1 0 0:1 / / rw - ext4 /dev/a rw\n", True),
        ("1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {folder} rw shared:1 - nfs4 host:/mail rw\n", False),
        ("1 0 0:1 / / rw - nfs4 host:/ rw\n2 1 0:2 / {folder} rw - xfs /dev/b rw\n", True),
        ("1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {folder}2 rw - nfs4 host:/mail rw\n", True),
        ("2 1 0:2 / {folder} rw - ext4 /dev/a rw\n3 2 0:3 / {folder} rw - fuse.sshfs host: rw\n", False),
    ],
    ids=["the root", "a mount of its own", "a local mount on a shared one", "a similar name", "a hidden mount"],
)
def test_only_a_local_file_system_is_watched(
    tmp_path: Path, mounts: str, is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    table = tmp_path / "mountinfo"
    table.write_text(mounts.format(folder=str(folder).replace(" ", "\\040")))
    monkeypatch.setattr(bot.watch, "MOUNTS", table)

    with Watcher() as watcher:
        if is_local:
            watcher.add(folder, lambda name, is_closed: None)
        else:
            with pytest.raises(WatchError, match="other machines"):
                watcher.add(folder, lambda name, is_closed: None)
