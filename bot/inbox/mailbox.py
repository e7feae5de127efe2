# SPDX-License-Identifier: GPL-2.0-or-later
"""Mail in files: an mbox, a Maildir, a single mail or patch, standard input."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.inbox.error import InboxError
from bot.ports import Batch, RawMail

MAX_FILE: Final = 1_000_000_000

# As git's mailsplit knows it: an address, a time with a colon between digits, a year.
_FROM_LINE = re.compile(rb"^From \S+[^\n]*\d\d:\d\d:\d\d[^\n]*\d{4}[^\n]*\n", re.MULTILINE)
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


class Mbox:
    """An mbox file (mboxrd, mboxo), a single mail, or a patch.

    The cursor is the size that was read and a digest of those bytes: what is appended later is new, and a file that was
    rewritten is read again. A mail arrived when the file was last changed: the dates in it are the senders'.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = name or str(path)

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """The mails behind the cursor, in the file's order."""
        data, arrived = _read(self.path)
        yield from _batches(self.name, data, arrived, cursors.get(self.path.name, ""), self.path.name, size)

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """The last mails that the cursor stands for, in the file's order."""
        data, arrived = _read(self.path)
        cursor = cursors.get(self.path.name, "")
        mails = split_mbox(data[: _known(data, cursor)])
        last = range(max(0, len(mails) - most), len(mails))
        raw = tuple(RawMail(f"{self.path.name}@0#{at + 1}", arrived, mails[at]) for at in last)
        yield Batch(self.name, self.path.name, cursor, raw)

    def count(self, cursors: dict[str, str]) -> int:
        """How many mails stand behind the cursor."""
        data, _ = _read(self.path)
        return len(split_mbox(data[_known(data, cursors.get(self.path.name, "")) :]))


class StandardInput:
    """Mails on standard input or another stream, read once."""

    def __init__(self, read: Callable[[], bytes] | None = None, name: str = "-") -> None:
        self.name = name
        self._read = read or sys.stdin.buffer.read
        self._data: bytes | None = None

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """All mails that stood there; the cursor makes nothing of a stream old but the same bytes."""
        yield from _batches(self.name, self._bytes(), datetime.now(UTC), cursors.get("-", ""), "-", size)

    def count(self, cursors: dict[str, str]) -> int:
        """How many mails stood there."""
        data = self._bytes()
        return len(split_mbox(data[_known(data, cursors.get("-", "")) :]))

    def _bytes(self) -> bytes:
        if self._data is None:
            self._data = self._read()
        return self._data


class Maildir:
    """A Maildir: every file in `cur` and `new` is a mail.

    The cursor is the change time (ctime) of the newest file read and its name, and mails are given in that order: a
    delivery, a move and a copy all get a new one. A mail arrived when its file was last written.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self.name = name or str(path)

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """The mails that were delivered behind the cursor, oldest first."""
        cursor = cursors.get("maildir", "")
        yield from self._batches([each for each in self._files() if each[0] > cursor], size)

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """The last mails that were delivered up to the cursor, oldest first."""
        cursor = cursors.get("maildir", "")
        known = [each for each in self._files() if each[0] <= cursor]
        yield from self._batches(known[max(0, len(known) - most) :], 100)

    def count(self, cursors: dict[str, str]) -> int:
        """How many files stand behind the cursor."""
        cursor = cursors.get("maildir", "")
        return sum(key > cursor for key, _ in self._files())

    def _batches(self, files: Sequence[tuple[str, Path]], size: int) -> Iterator[Batch]:
        for start in range(0, len(files), size):
            mails: list[RawMail] = []
            for _, path in files[start : start + size]:
                data, arrived = _read(path)
                mails.append(RawMail(f"{path.parent.name}/{path.name}", arrived, data))
            last, _ = files[min(start + size, len(files)) - 1]
            yield Batch(self.name, "maildir", last, tuple(mails))

    def _files(self) -> list[tuple[str, Path]]:
        """All files with the cursor that each of them is, sorted."""
        found: list[tuple[str, Path]] = []
        try:
            for directory in ("cur", "new"):
                for path in (self.path / directory).iterdir():
                    if not path.name.startswith(".") and path.is_file():
                        key = f"{path.stat().st_ctime_ns:020d} {path.name}"
                        found.append((key, path))
        except OSError as error:
            raise InboxError(f"{self.path}: {error.strerror or error}") from error
        return sorted(found)


def split_mbox(data: bytes) -> list[bytes]:
    """The mails of an mbox, `From ` lines removed and one level of `>From ` unescaped; what is no mbox is one mail."""
    marks = list(_FROM_LINE.finditer(data))
    if not marks or data[: marks[0].start()].strip():
        return [data] if data.strip() else []
    ends = [mark.start() for mark in marks[1:]] + [len(data)]
    mails = (data[mark.end() : end] for mark, end in zip(marks, ends, strict=True))
    return [_ESCAPED.sub(rb"\1", mail.removesuffix(b"\n")) for mail in mails]


def _batches(source: str, data: bytes, arrived: datetime, cursor: str, epoch: str, size: int) -> Iterator[Batch]:
    known = _known(data, cursor)
    mails = split_mbox(data[known:])
    behind = f"{len(data)}:{hashlib.sha256(data).hexdigest()}"
    for start in range(0, len(mails), size):
        chunk = mails[start : start + size]
        raw = tuple(RawMail(f"{epoch}@{known}#{start + at}", arrived, mail) for at, mail in enumerate(chunk, 1))
        # Only behind the last one is there a cursor: before it, a reader that was stopped starts again.
        yield Batch(source, epoch, behind if start + size >= len(mails) else cursor, raw)


def _known(data: bytes, cursor: str) -> int:
    """How many bytes of the data the cursor stands for; 0 where those bytes are others now."""
    length, _, digest = cursor.partition(":")
    if not length.isdecimal() or int(length) > len(data):
        return 0
    return int(length) if hashlib.sha256(data[: int(length)]).hexdigest() == digest else 0


def _read(path: Path) -> tuple[bytes, datetime]:
    try:
        status = path.stat()
        if status.st_size > MAX_FILE:
            raise InboxError(f"{path}: larger than {MAX_FILE:,} bytes; split it, or use a public-inbox archive")
        return path.read_bytes(), datetime.fromtimestamp(status.st_mtime, UTC)
    except OSError as error:
        raise InboxError(f"{path}: {error.strerror or error}") from error
