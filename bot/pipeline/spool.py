# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw mails of a whole archive in a temporary file, so that neither memory nor pipes have to hold them."""

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Final, NamedTuple

_SIZE_BYTES: Final = 4  # of the length of an origin, which stands between the origin and the mail


class Slot(NamedTuple):
    """Where a mail is in the spool."""

    offset: int
    length: int


class Slots:
    """Many slots, in 16 bytes each."""

    def __init__(self) -> None:
        self._offsets = array("q")
        self._lengths = array("q")

    def append(self, slot: Slot) -> None:
        self._offsets.append(slot.offset)
        self._lengths.append(slot.length)

    def __getitem__(self, number: int) -> Slot:
        return Slot(self._offsets[number], self._lengths[number])


class Spool:
    """A file of raw mails and their origins. `put` returns slots; other processes read a slot by the file's path."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0

    def put(self, mails: Iterable[tuple[str, bytes]]) -> list[Slot]:
        """Write the mails, each with its origin, and return their slots."""
        slots = []
        for origin, raw in mails:
            name = origin.encode("utf-8", "surrogateescape")
            self._file.write(b"".join((name, len(name).to_bytes(_SIZE_BYTES, "big"), raw)))
            self._end += len(name) + _SIZE_BYTES
            slots.append(Slot(self._end, len(raw)))
            self._end += len(raw)
        self._file.flush()
        return slots


class Reader:
    """A reader of a spool's slots, for any process."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def get(self, slot: Slot) -> bytes:
        """Return the mail in the slot."""
        return os.pread(self._descriptor, slot.length, slot.offset)

    def origin(self, slot: Slot) -> str:
        """Return where the mail in the slot came from."""
        end = slot.offset - _SIZE_BYTES
        length = int.from_bytes(os.pread(self._descriptor, _SIZE_BYTES, end), "big")
        return os.pread(self._descriptor, length, end - length).decode("utf-8", "surrogateescape")


open_reader = lru_cache(maxsize=1)(Reader)
"""Return the reader of the spool at a path. Each process opens it once."""


class SpoolPlace(NamedTuple):
    """The path of a spool, and for workers of a cluster the paths of the git archives from which its mails come."""

    path: str
    archives: tuple[str, ...]


class SpooledMails(NamedTuple):
    """Mails in a spool.

    A worker of a cluster cannot read the spool. It reads the mails in the archives, or gets their bytes.
    """

    place: SpoolPlace
    slots: Sequence[Slot]

    def read(self) -> Iterator[bytes]:
        """Yield the raw mails."""
        return map(open_reader(self.place.path).get, self.slots)

    def origin(self, number: int) -> str:
        """Return where a mail came from."""
        return open_reader(self.place.path).origin(self.slots[number])

    @property
    def size(self) -> int:
        return sum(slot.length for slot in self.slots)

    def reference(self) -> "SentMails":
        if not self.place.archives:
            return self.copy()
        from bot.inbox.epochs import commit_of

        reader = open_reader(self.place.path)
        mails = [commit_of(reader.origin(slot)) or reader.get(slot) for slot in self.slots]
        return SentMails(self.place.archives, mails)

    def copy(self) -> "SentMails":
        return SentMails((), list(self.read()))


class SentMails(NamedTuple):
    """Mails that were sent to a worker of a cluster: each its bytes, or its commit in one of the git archives."""

    archives: tuple[str, ...]
    mails: Sequence[bytes | str]

    def received(self) -> "ReceivedMails":
        """Return the mails with their bytes. Raises InboxError if one is in no archive on this machine."""
        from bot.inbox.git_commits import open_commits

        return ReceivedMails(
            [mail if isinstance(mail, bytes) else open_commits(self.archives).read(mail) for mail in self.mails]
        )


class ReceivedMails(NamedTuple):
    """Mails that a worker of a cluster has."""

    mails: Sequence[bytes]

    def read(self) -> Iterator[bytes]:
        """Yield the raw mails."""
        return iter(self.mails)


Mails = SpooledMails | ReceivedMails
