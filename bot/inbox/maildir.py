# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails in a Maildir."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.inbox.error import InboxError
from bot.inbox.mailbox import MAX_READS, SETTLED, MailFile, Writers, load_file, sha256
from bot.mail.parse import MAX_SIZE, TOO_LARGE
from bot.ports.raw_mail import Batch, DeletedMail, RawMail, UnreadMail
from bot.review.render.text import count
from rules.lazy import dataclass, re

if TYPE_CHECKING:
    from pathlib import Path

_GROUP = re.compile(r"([0-9a-f]{2})=([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A listed file of a Maildir; the change time is in nanoseconds."""

    path: "Path"
    size: int
    changed: int

    @property
    def unique(self) -> str:
        """The name up to the colon, which does not change when the file is moved and gets flags."""
        return self.path.name.partition(":")[0]

    @property
    def origin(self) -> str:
        """The folder and the name. A byte that is not UTF-8, which no database stores as text, is escaped."""
        name = f"{self.path.parent.name}/{self.path.name}"
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    @property
    def unread_origin(self) -> str:
        """The part of the origin that does not change: a mail that is not read is known only by it."""
        return self.origin.partition("/")[2].partition(":")[0]

    @property
    def order(self) -> tuple[int, str]:
        """The sort key: the time of delivery, if the name begins with one, and the name."""
        seconds = self.unique.partition(".")[0]
        return int(seconds) if len(seconds) < 16 and seconds.isdecimal() else 0, self.unique


class _Names:
    """The files that were read: their sizes by the constant part of their names.

    The text form is a sum of hashes for each of 256 groups of files, so that its length is bounded.
    """

    MARK: Final = "names"

    def __init__(self, entries: Iterable[_Entry] = ()) -> None:
        self.sizes: dict[str, int] = {}
        self._sums: dict[int, int] = {}
        for entry in entries:
            self.add(entry.unique, entry.size)

    def add(self, unique: str, size: int) -> None:
        self.drop(unique)
        self.sizes[unique] = size
        self._toggle(unique, size)

    def drop(self, unique: str) -> None:
        size = self.sizes.pop(unique, None)
        if size is not None:
            self._toggle(unique, size)

    def among(self, entries: Iterable[_Entry]) -> "_Names":
        """Return the entries in groups that are the same in both."""
        listed = _Names(entries)
        same = {group for group, value in listed._sums.items() if value == self._sums.get(group)}
        return _Names(entry for entry in entries if _group(entry.unique, entry.size)[0] in same)

    def text(self) -> str:
        return " ".join([self.MARK, *(f"{group:02x}={value:016x}" for group, value in sorted(self._sums.items()))])

    @classmethod
    def parse(cls, text: str) -> "_Names":
        """Parse the text form, which has no names."""
        names = cls()
        for word in text.split()[1:]:
            if group := _GROUP.fullmatch(word):
                names._sums[int(group[1], 16)] = int(group[2], 16)
        return names

    def _toggle(self, unique: str, size: int) -> None:
        group, value = _group(unique, size)
        self._sums[group] = self._sums.get(group, 0) ^ value
        if not self._sums[group]:
            del self._sums[group]


class Maildir:
    """A Maildir: every file in `cur` and `new` is a mail. The constant part of its name and its size identify it.

    Timestamps do not decide which files are new. The process remembers the names that it read, and the cursor has a
    digest for each group of names. After a restart the files of a changed group are read again, and the store ignores
    the mails that it knows. A mail arrived when its file was last written. A file that is too large is not read.
    """

    def __init__(self, path: "Path", writers: Writers | None = None) -> None:
        self.path = path
        self.name = str(path)
        self._writers = writers
        self._names = _Names()
        self._behind: str | None = None

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield the mails after the cursor, in the order of their names.

        Raises InboxError at the end if files cannot be read. They are tried again in the next round.
        """
        cursor = cursors.get("maildir", "")
        files = _Files(self.path)
        names = self._known(cursor, files)
        due = _due_files(names, files)
        errors: list[InboxError] = []
        for start in range(0, len(due), size):
            self._behind = None
            mails: list[RawMail] = []
            replaced: list[DeletedMail] = []
            unread: list[UnreadMail] = []
            for entry in due[start : start + size]:
                if entry.size > MAX_SIZE:
                    names.add(entry.unique, entry.size)
                    arrived = datetime.fromtimestamp(entry.changed / 10**9, UTC)
                    unread.append(UnreadMail(entry.unread_origin, arrived, TOO_LARGE))
                    continue
                try:
                    file = files.read(entry)
                except InboxError as error:
                    errors.append(error)
                    continue
                if file is None or self._unfinished(file):
                    continue
                mails.append(RawMail(entry.origin, file.written, file.data))
                before = names.sizes.get(entry.unique)
                if before is not None and before < len(file.data):
                    replaced.append(DeletedMail(f"{entry.origin}, which goes on", file.data[:before]))
                names.add(entry.unique, len(file.data))
            cursor = self._remember(names)
            yield Batch(self.name, "maildir", cursor, tuple(mails), tuple(replaced), unread=tuple(unread))
        if names.sizes and self._remember(names) != cursor:
            yield Batch(self.name, "maildir", self._remember(names), ())
        if errors:
            more = f" (and {count(len(errors) - 1, 'more file')})" if len(errors) > 1 else ""
            raise InboxError(f"{errors[0]}{more}")

    def before(self, cursors: dict[str, str], most: int) -> Iterator[Batch]:
        """Return the last mails before the cursor, in the order of their names."""
        cursor = cursors.get("maildir", "")
        files = _Files(self.path)
        names = self._known(cursor, files)
        known = (files.entries[unique] for unique, size in names.sizes.items() if size <= MAX_SIZE)
        last = sorted(known, key=lambda entry: entry.order)
        for start in range(max(0, len(last) - most), len(last), 100):
            read = ((entry, files.read(entry)) for entry in last[start : start + 100])
            mails = (RawMail(entry.origin, file.written, file.data) for entry, file in read if file is not None)
            yield Batch(self.name, "maildir", cursor, tuple(mails))

    def count(self, cursors: dict[str, str]) -> int:
        """Return the number of files after the cursor."""
        files = _Files(self.path)
        return len(_due_files(self._known(cursors.get("maildir", ""), files), files))

    def _known(self, cursor: str, files: "_Files") -> _Names:
        """Return the files before the cursor that still exist."""
        entries = files.entries
        if cursor == self._behind:
            for unique in self._names.sizes.keys() - entries.keys():
                self._names.drop(unique)
            return self._names
        if cursor.partition(" ")[0] == _Names.MARK:
            return _Names.parse(cursor).among(entries.values())
        # A cursor of an old version: the change time of the newest file that was read, and its name.
        return _Names(entry for entry in entries.values() if f"{entry.changed:020d} {entry.path.name}" <= cursor)

    def _remember(self, names: _Names) -> str:
        self._names, self._behind = names, names.text()
        return self._behind

    def _unfinished(self, file: MailFile) -> bool:
        """Return whether a writer may still write the file in place, instead of moving it here from `tmp`."""
        if self._writers is None or self._writers.clock.now() - file.changed >= SETTLED:
            return False
        from bot.mail.truncation import truncation

        reason = truncation(file.data, proof=not self._writers.once)
        if reason:
            from bot.log import LogEvent, event

            event(LogEvent.MAIL_INCOMPLETE, "debug", list=str(self.path), reason=reason)
        return bool(reason)


def maildir_folders(path: "Path") -> "list[Path]":
    """Return the folders in which the mails of a Maildir are."""
    return [folder for folder in (path / "new", path / "cur") if folder.is_dir()]


class _Files:
    """The files of a Maildir by the constant part of their names, listed again when one of them was moved."""

    def __init__(self, path: "Path") -> None:
        self._path = path
        self._listings = 0
        self.entries: dict[str, _Entry] = {}
        self._list()

    def read(self, entry: _Entry) -> MailFile | None:
        """Read the file, under its new name if it was moved; None if it is not found."""
        while True:
            current = self.entries.get(entry.unique)
            try:
                return None if current is None else load_file(current.path)
            except FileNotFoundError:
                if self._listings > MAX_READS:
                    return None
                self._list()
            except OSError as error:
                raise InboxError(f"{entry.path}: {error.strerror or error}") from error

    def _list(self) -> None:
        """List `new` before `cur`: a file that is moved meanwhile goes from the one to the other."""
        self._listings += 1
        self.entries = {}
        directories = 0
        for directory in ("new", "cur"):
            try:
                with os.scandir(self._path / directory) as files:
                    directories += 1
                    entries = (_entry(self._path / directory, file) for file in files)
                    self.entries |= {entry.unique: entry for entry in entries if entry is not None}
            except FileNotFoundError as error:
                if directory == "cur" and not directories:
                    raise InboxError(f"{self._path}: {error.strerror or error}") from error
            except OSError as error:
                raise InboxError(f"{self._path}: {error.strerror or error}") from error


def _entry(directory: "Path", file: "os.DirEntry[str]") -> _Entry | None:
    """Return the entry of the file; None if it is not a mail or does not exist any more."""
    try:
        if file.name.startswith(".") or not file.is_file():
            return None
        status = file.stat()
    except FileNotFoundError:
        return None
    return _Entry(directory / file.name, status.st_size, status.st_ctime_ns)


def _due_files(names: _Names, files: _Files) -> list[_Entry]:
    due = (entry for entry in files.entries.values() if names.sizes.get(entry.unique) != entry.size)
    return sorted(due, key=lambda entry: entry.order)


def _group(unique: str, size: int) -> tuple[int, int]:
    """Return the group of a file, and its summand in the group's sum."""
    digest = sha256(f"{unique}/{size}".encode("utf-8", "surrogateescape"))
    return digest[0], int.from_bytes(digest[1:9])
