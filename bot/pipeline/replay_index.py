# SPDX-License-Identifier: GPL-2.0-or-later
"""Group the mails of archives into threads. Workers read them; here only their slots, dates and digests are kept."""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import Final, NamedTuple

from bot.inbox.assemble import candidate, needs_recipients
from bot.inbox.thread import ThreadGrouping, relatives
from bot.mail.message import UnreadableMail
from bot.mail.parse import parse
from bot.pipeline.spool import Mails, Slot, Slots, SpooledMails, SpoolPlace, open_reader
from bot.pool.executor import ProcessExecutor
from bot.pool.guard import Crashed, StreamExecutor, guard
from bot.ports.running import Progress
from rules.lazy import dataclass, replace

_DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class UnreadableInput:
    """A mail that could not be read."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadingDone:
    """The event that all mails are read: the number of mails and the number of threads with patches."""

    mails: int
    threads: int


@dataclass(frozen=True, slots=True)
class ReplayThread:
    """The mails of a thread with patches that assembling needs, and the date of the first mail of the thread.

    The slots are those of all mails, `numbers` are the thread's own among them.
    """

    start: datetime
    numbers: "array[int]"
    all_slots: Slots
    place: SpoolPlace

    @property
    def mails(self) -> SpooledMails:
        return SpooledMails(self.place, tuple(self.all_slots[number] for number in self.numbers))


class _IndexedMail(NamedTuple):
    """What decides to which thread a mail belongs. An id is the digest of what it stands for.

    `sent` is its date in seconds since 1970, 0 if it is not known. `is_plain_reply` says that assembling needs the mail
    only if another one refers to it.
    """

    id: bytes
    related_ids: tuple[bytes, ...]
    sent: float
    is_patch: bool
    is_plain_reply: bool


class Indexer:
    """Reads all mails in the workers. What is kept of a mail here is its slot, its date and the digests of new ids."""

    def __init__(self, place: SpoolPlace, workers: StreamExecutor, reader: ProcessExecutor, progress: Progress) -> None:
        self._place = place
        self._workers = workers
        self._reader = reader
        self._progress = progress

    def index(
        self, pieces: Iterable[list[Slot]], threads_with_patches: list[ReplayThread]
    ) -> Iterator[UnreadableInput | Crashed | ReadingDone]:
        """Yield what cannot be read; add the threads with patches, in the order of their first dates."""
        grouping, slots = ThreadGrouping(), Slots()
        dates, patches, plain_replies = array("d"), bytearray(), bytearray()
        mails = 0
        origin = open_reader(self._place.path).origin
        for slot, mail in self._indexed(pieces):
            mails += 1
            if isinstance(mail, Crashed):
                yield Crashed(f"mail {origin(slot)}: {mail.reason}")
            elif isinstance(mail, UnreadableMail):
                yield UnreadableInput(origin(slot), mail.reason)
            elif grouping.add(mail.id, mail.related_ids):
                slots.append(slot)
                dates.append(mail.sent)
                patches.append(mail.is_patch)
                plain_replies.append(mail.is_plain_reply)
        for numbers in grouping.threads():
            if any(patches[number] for number in numbers):
                start = datetime.fromtimestamp(min(dates[number] for number in numbers), UTC)
                # The first mail names the thread in messages.
                needed = grouping.with_related(
                    [numbers[0], *(number for number in numbers if not plain_replies[number])]
                )
                threads_with_patches.append(ReplayThread(start, needed, slots, self._place))
        threads_with_patches.sort(key=lambda thread: thread.start)
        yield ReadingDone(mails, len(threads_with_patches))

    def _indexed(self, pieces: Iterable[list[Slot]]) -> Iterator[tuple[Slot, _IndexedMail | UnreadableMail | Crashed]]:
        """Yield all mails in order. The mails of a piece that exceeds a limit are read again, one after the other."""
        taken: deque[list[Slot]] = deque()
        spooled = (SpooledMails(self._place, piece) for piece in _noted(pieces, taken))
        for indexed in self._workers.stream(_index_mails, spooled):
            piece = taken.popleft()
            yield from zip(piece, self._singly(piece) if isinstance(indexed, Crashed) else indexed, strict=True)
            self._progress.advance(len(piece))

    def _singly(self, piece: Sequence[Slot]) -> Iterator[_IndexedMail | UnreadableMail | Crashed]:
        for mails in self._reader.map(_index_mails, [SpooledMails(self._place, [slot]) for slot in piece]):
            yield from [mails] if isinstance(mails, Crashed) else mails


def _noted(pieces: Iterable[list[Slot]], taken: deque[list[Slot]]) -> Iterator[list[Slot]]:
    for piece in pieces:
        taken.append(piece)
        yield piece


def _index_mails(mails: Mails) -> list[_IndexedMail | UnreadableMail | Crashed]:
    """Return what decides to which threads the mails belong."""
    return [guard("_index_mail", partial(_index_mail, raw)) for raw in mails.read()]


def _index_mail(raw: bytes) -> _IndexedMail | UnreadableMail:
    message = parse(raw, needs_recipients=lambda _: False)
    if isinstance(message, UnreadableMail):
        return replace(message, raw=b"")
    sent = 0.0 if message.date is None else message.date.timestamp()
    related_ids = tuple(map(_digest, relatives(message)))
    own_id, is_patch = _digest(message.message_id), candidate(message) is not None
    return _IndexedMail(own_id, related_ids, sent, is_patch, not needs_recipients(message))


def _digest(related_id: str) -> bytes:
    return blake2b(related_id.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
