# SPDX-License-Identifier: GPL-2.0-or-later
"""Open the mail source at a path."""

import os
from typing import TYPE_CHECKING

from bot.inbox.error import InboxError
from bot.inbox.mailbox import Mbox, StandardInput, Writers
from bot.inbox.patch_text import PatchDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports.archive import Archive


def open_source(path: "Path | str", writers: Writers | None = None, *, patches: bool = False) -> "Archive":
    """Return the source at that path: a public-inbox archive, a Maildir, a file or pipe of mails.

    `-` is standard input. Without `writers` the source counts as complete. With `patches` any other directory is one of
    patch files. Raises InboxError, naming the path, if it cannot be read.
    """
    if str(path) == "-":
        return StandardInput()
    name = os.fspath(path)
    if os.path.normpath(name) == name and os.path.isfile(name):  # noqa: PTH113 pathlib need not be loaded for it
        return Mbox(path, writers=writers)
    from pathlib import Path

    path = Path(path)
    try:
        if path.is_dir():
            return _directory(path, writers, patches=patches)
        if path.is_file():
            return Mbox(path, writers=writers)
        if path.is_fifo():
            return StandardInput(path.read_bytes, str(path))
        missing = not path.exists()
    except OSError as error:
        raise InboxError(f"{path}: {error.strerror or error}") from error
    raise InboxError(f"{path}: {'no such file or directory' if missing else 'neither a file nor a directory'}")


def _directory(path: "Path", writers: Writers | None, *, patches: bool) -> "Archive":
    from bot.inbox.epochs import is_git_archive
    from bot.inbox.git_archive import GitArchive
    from bot.inbox.maildir import Maildir

    if is_git_archive(path):
        return GitArchive(path)
    if (path / "cur").is_dir() or (path / "new").is_dir():
        return Maildir(path, writers=writers)
    if patches:
        return PatchDirectory(path)
    raise InboxError(
        f"{path}: neither a public-inbox archive (a git repository, or epochs 0.git, 1.git, ...) nor a Maildir"
    )
