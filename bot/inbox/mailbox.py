# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails in a file or a stream: an mbox, a single mail or patch, standard input."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.inbox.error import InboxError
from bot.mail.parse import MAX_SIZE, TOO_LARGE
from bot.ports.raw_mail import Batch, DeletedMail, RawMail, UnreadMail
from rules.lazy import cached_property, dataclass, re, replace

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports.running import Clock

MAX_FILE: Final = 1_000_000_000  # bytes
SETTLED: Final = timedelta(minutes=1)
"""A file that did not change for this long is complete."""
MAX_READS: Final = 3  # of a file that changes or moves meanwhile

# As in git's mailsplit: an address, a time with a colon between digits, a year.
_FROM_LINE = re.compile(rb"^From \S[^\n]*+\n", re.MULTILINE)
_TIME = re.compile(rb"\d\d:\d\d:\d\d")
_YEAR = re.compile(rb"\d{4}")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Writers:
    """How to treat a followed source that may still be written to.

    The end of a file counts once nothing changed for a minute. With `once`, when this process will not look again, it
    also counts where it does not look cut.
    """

    clock: "Clock"
    once: bool = False


class Mbox:
    """An mbox file (mboxrd, mboxo), a single mail, or a patch.

    The cursor is a number of bytes, up to the end of a mail, and a digest of them. Appended mails are new, and a
    rewritten file is read again. If the last mail grows after it was read, because its writer paused, the longer mail
    replaces it. A mail arrived when the file was last changed, because senders choose the dates in their mails.
    """

    def __init__(self, path: "Path | str", writers: Writers | None = None) -> None:
        self.path = path
        self.name = str(path)
        self._writers = writers
        self._epoch = os.path.basename(path)  # noqa: PTH119 a check of a patch does not load pathlib
        self._rests: tuple[object, datetime] | None = None

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield the mails after the cursor, in the file's order."""
        file = _read(self.path)
        cursor = cursors.get(self._epoch, "")
        due = self._due(file, cursor)
        yield from due.batches(self.name, self._epoch, file.written, cursor, size)

    def mails(self) -> list[RawMail]:
        """Return all mails, in the file's order."""
        file = _read(self.path)
        return self._due(file, "").raw_mails(self._epoch, file.written)

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """Return the last mails before the cursor, in the file's order."""
        file = _read(self.path)
        cursor = cursors.get(self._epoch, "")
        mails = split_mbox(file.data[: _known(file.data, cursor)])
        last = range(max(0, len(mails) - most), len(mails))
        raw = tuple(RawMail(f"{self._epoch}@0#{at + 1}", file.written, mails[at]) for at in last)
        yield Batch(self.name, self._epoch, cursor, raw)

    def count(self, cursors: dict[str, str]) -> int:
        """Return the number of mails after the cursor."""
        return len(self._due(_read(self.path), cursors.get(self._epoch, "")).spans)

    def size(self) -> int:
        """Return the size of the file in bytes."""
        try:
            return os.stat(self.path).st_size  # noqa: PTH116 a check of a patch does not load pathlib
        except OSError as error:
            raise InboxError(f"{self.path}: {error.strerror or error}") from error

    def _due(self, file: "MailFile", cursor: str) -> "_Due":
        if self._writers is None:
            return _Due.of(file.data, cursor)
        now = self._writers.clock.now()
        due = _Due.of(file.data[: max(_without_mark(file.data), _known(file.data, cursor))], cursor)
        if self._settled(file, now) or not due.spans:
            return due
        reason = _unfinished(due)
        if not reason and (self._writers.once or now - file.written >= SETTLED):
            return due
        from bot.log import LogEvent, event

        event(
            LogEvent.MAIL_INCOMPLETE,
            "warning" if self._writers.once else "debug",
            list=str(self.path),
            reason=reason or "the file is less than a minute old",
        )
        return due.without_last()

    def _settled(self, file: "MailFile", now: datetime) -> bool:
        """Return whether the file has not changed for a minute; a time in the future means that the clock was set."""
        if self._rests is None or self._rests[0] != file.state or self._rests[1] > now:
            self._rests = (file.state, min(file.changed, now))
        return now - self._rests[1] >= SETTLED


class StandardInput:
    """The mails on standard input or another stream, read once."""

    def __init__(self, read: Callable[[], bytes] | None = None, name: str = "-") -> None:
        self.name = name
        self._read = read or sys.stdin.buffer.read

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield all mails of the stream, unless the cursor is that of the same bytes."""
        cursor = cursors.get("-", "")
        yield from _Due.of(self._data, cursor).batches(self.name, "-", datetime.now(UTC), cursor, size)

    def mails(self) -> list[RawMail]:
        """Return all mails of the stream."""
        return _Due.of(self._data, "").raw_mails("-", datetime.now(UTC))

    def count(self, cursors: dict[str, str]) -> int:
        """Return the number of mails in the stream."""
        return len(_Due.of(self._data, cursors.get("-", "")).spans)

    def size(self) -> int:
        """Return the number of bytes in the stream; waits for its end."""
        return len(self._data)

    @cached_property
    def _data(self) -> bytes:
        return self._read()


def split_mbox(data: bytes) -> list[bytes]:
    """Split an mbox into mails without `From ` lines and one level of `>From ` escapes; other data is one mail."""
    return [_mail(data, span) for span in _spans(data)]


@dataclass(frozen=True, slots=True)
class _Span:
    """The position of a mail in a file: its `From ` line, its first byte, its end, and the start of the next mail."""

    mark: int
    start: int
    end: int
    following: int

    @property
    def boxed(self) -> bool:
        return self.mark < self.start


def _has_date(data: bytes, start: int, end: int) -> bool:
    """Return whether the line has a time and a year after the sender, like the `From ` line of an mbox."""
    time = _TIME.search(data, start + len(b"From ?"), end)
    return time is not None and _YEAR.search(data, time.end(), end) is not None


def _spans(data: bytes) -> list[_Span]:
    may_be_mbox = data.startswith(b"From ") or b"\nFrom " in data
    lines = (mark.span() for mark in _FROM_LINE.finditer(data)) if may_be_mbox else ()
    marks = [line for line in lines if _has_date(data, *line)]
    if not marks or data[: marks[0][0]].strip():
        text = data.strip() and not _begins_mark(data)
        return [_Span(0, 0, len(data), len(data))] if text else []
    following = [*marks[1:], (len(data), len(data))]
    spans = (_Span(mark, start, *after) for (mark, start), after in zip(marks, following, strict=True))
    return [span for span in spans if span.start < span.end]


def _mail(data: bytes, span: _Span) -> bytes:
    """Return the mail at that position."""
    return _unescaped(data[span.start : span.end], boxed=span.boxed)


def _unescaped(mail: bytes, *, boxed: bool) -> bytes:
    """Return the mail without the final blank line and the escapes of an mbox."""
    if not boxed:
        return mail
    return _ESCAPED.sub(rb"\1", mail[:-1] if mail.endswith((b"\n\n", b"\n\r\n")) or mail == b"\n" else mail)


@dataclass(frozen=True, slots=True)
class _Due:
    """The mails of an mbox after the first `known` bytes, and the end of the last one.

    `replaced` is what was read of the first of them when it was not complete.
    """

    data: bytes
    known: int
    spans: tuple[_Span, ...]
    end: int
    replaced: bytes | None = None

    @classmethod
    def of(cls, data: bytes, cursor: str) -> "_Due":
        known = _known(data, cursor)
        spans = _spans(data)
        first = next((at for at, span in enumerate(spans) if known < span.following), len(spans))
        replaced = None
        if first < len(spans) and spans[first].start < known:
            span = spans[first]
            replaced = _unescaped(data[span.start : known], boxed=span.boxed)
            if replaced == _mail(data, span):
                replaced = None
                first += 1
        return cls(data, known, tuple(spans[first:]), len(data), replaced)

    def without_last(self) -> "_Due":
        """Return the same without the last mail, which is read when it is complete."""
        replaced = self.replaced if len(self.spans) > 1 else None
        return replace(self, spans=self.spans[:-1], end=max(self.known, self.spans[-1].mark), replaced=replaced)

    def raw_mails(self, epoch: str, arrived: datetime, start: int = 0, size: int | None = None) -> list[RawMail]:
        """Return the mails from an index on, at most `size`."""
        spans = enumerate(self.spans[start:][:size], start + 1)
        return [RawMail(f"{epoch}@{self.known}#{number}", arrived, _mail(self.data, span)) for number, span in spans]

    def batches(self, source: str, epoch: str, arrived: datetime, cursor: str, size: int) -> Iterator[Batch]:
        behind = f"{self.end}:{sha256(memoryview(self.data)[: self.end]).hex()}"
        for start in range(0, len(self.spans), size):
            part = self.raw_mails(epoch, arrived, start, size)
            raw = tuple(mail for mail in part if len(mail.raw) <= MAX_SIZE)
            unread = tuple(_unread(epoch, mail) for mail in part if len(mail.raw) > MAX_SIZE)
            replaced = self.replaced if start == 0 else None
            deleted = () if replaced is None else (DeletedMail(f"{part[0].origin}, which goes on", replaced),)
            # Only the last mail has a cursor: a reader that stopped before it starts again.
            is_last = start + size >= len(self.spans)
            yield Batch(source, epoch, behind if is_last else cursor, raw, deleted, unread=unread)


def _unread(epoch: str, mail: RawMail) -> UnreadMail:
    """Return a mail that is too large. Its origin has its digest: its number changes when the file is rewritten."""
    return UnreadMail(f"{epoch}@{sha256(mail.raw).hex()[:16]}", mail.arrived, TOO_LARGE)


def _known(data: bytes, cursor: str) -> int:
    """Return the number of bytes before the cursor; 0 if those bytes have changed."""
    length, _, digest = cursor.partition(":")
    if not length.isdecimal() or int(length) > len(data):
        return 0
    return int(length) if sha256(memoryview(data)[: int(length)]).hex() == digest else 0


def _without_mark(data: bytes) -> int:
    """Return the end of the data without an incomplete last `From ` line."""
    line = data.rfind(b"\n") + 1
    boxed = data.lstrip().startswith(b"From ")
    return line if boxed and _begins_mark(data[line:]) and data[:line].endswith((b"\n\n", b"\n\r\n")) else len(data)


def _begins_mark(line: bytes) -> bool:
    """Return whether this may be the beginning of an incomplete `From ` line."""
    return b"\n" not in line and (line.startswith(b"From ") or b"From ".startswith(line))


def _unfinished(due: _Due) -> str:
    """Return why the last mail looks incomplete; in an mbox a blank line follows each mail."""
    from bot.mail.truncation import truncation

    span = due.spans[-1]
    mail = due.data[span.start : span.end]
    reason = truncation(mail)
    return reason or ("" if not span.boxed or mail.endswith((b"\n\n", b"\n\r\n")) else "no blank line ends it")


@dataclass(frozen=True, slots=True)
class MailFile:
    """The bytes of a file at one moment, with its modification time and its status-change time."""

    data: bytes
    state: tuple[int, ...]
    written: datetime
    changed: datetime


def _read(path: "Path | str") -> MailFile:
    try:
        return load_file(path)
    except OSError as error:
        raise InboxError(f"{path}: {error.strerror or error}") from error


def load_file(path: "Path | str") -> MailFile:
    """Read the file as of one moment; read it again if it changed meanwhile, unless it only grew."""
    for _ in range(MAX_READS):
        with open(path, "rb") as file:  # noqa: PTH123 a check of a patch does not load pathlib
            before = os.fstat(file.fileno())
            if before.st_size > MAX_FILE:
                raise InboxError(f"{path}: larger than {MAX_FILE:,} bytes; split it, or use a public-inbox archive")
            data = file.read(before.st_size)
            after = os.fstat(file.fileno())
            if _state(before) != _state(after):
                file.seek(0)
                if len(data) < before.st_size or file.read(before.st_size) != data:
                    continue
        changed = max(after.st_mtime, after.st_ctime)
        return MailFile(data, _state(after), _moment(after.st_mtime), _moment(changed))
    raise InboxError(f"{path}: it changes while it is read; it is read in the next round")


def _state(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def sha256(data: bytes | memoryview) -> bytes:
    """Return the SHA-256 digest, by which cursors tell whether what was read has changed."""
    import hashlib

    return hashlib.sha256(data).digest()
