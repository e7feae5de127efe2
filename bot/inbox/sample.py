# SPDX-License-Identifier: GPL-2.0-or-later
"""The bundled sample: mails of invented people, stored beside this file, unpacked to an archive on first use."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from bot.inbox.git_archive import GitArchive
from bot.mail.parse import parse
from bot.ports.archive import Archive
from bot.ports.raw_mail import RawMail
from bot.temporary import temporary_folder

_STARTED: Final = datetime(2026, 11, 1, tzinfo=UTC)
_DELAY: Final = timedelta(seconds=20)


def sample(directory: Path) -> Archive:
    """Return the sample archive under that directory. Raises InboxError if it cannot be written."""
    return GitArchive(unpack(directory), name="sample")


def unpack(directory: Path) -> Path:
    """Unpack the sample to a public-inbox archive, `0.git` in that directory, if it is missing or outdated there."""
    from bot.inbox.git_commits import write_git_archive

    path = directory / "0.git"
    try:
        with temporary_folder(directory) as scratch:
            unpacked = scratch / "0.git"
            write_git_archive(unpacked, _mails())
            if _tip(path) != _tip(unpacked):
                if path.exists():
                    path.rename(scratch / "old.git")
                unpacked.rename(path)
    except OSError as error:
        raise InboxError(f"{directory}: the sample archive cannot be written: {error.strerror or error}") from error
    return path


def _tip(path: Path) -> str:
    head = path / "refs" / "heads" / "master"
    return head.read_text("ascii") if head.is_file() else ""


def _mails() -> Iterator[RawMail]:
    """Return the bundled mails by number; each arrived shortly after it was sent, none before its predecessor."""
    arrived = _STARTED
    folder = files("bot.inbox") / "sample_mails"
    for file in sorted(folder.iterdir(), key=lambda path: path.name):
        raw = file.read_bytes()
        date = getattr(parse(raw), "date", None)
        arrived = max(arrived, date or arrived) + _DELAY
        yield RawMail(file.name, arrived, raw)
