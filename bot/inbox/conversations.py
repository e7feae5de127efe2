# SPDX-License-Identifier: GPL-2.0-or-later
"""Who talks with whom, told from bytes: mails tied by the ids they name, as far back as a bounded memory reaches."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.inbox.thread import run_of
from bot.mail.parse import MAX_HEADER_SIZE
from bot.ports import RawMail

_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_FIELD: Final = re.compile(rb"\n(message-id|references|in-reply-to):([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE)
_ID: Final = re.compile(rb"<([^<>]+)>")
_NEAREST: Final = 50


@dataclass(slots=True, eq=False)
class Conversation:
    """Mails that refer to each other: whether one of them `matters`, and those that are `held` until one does."""

    ids: list[bytes] = field(default_factory=list)
    matters: bool = False
    held: dict[int, RawMail] = field(default_factory=dict)


class Conversations:
    """The conversations of late, of at most so many ids and holding at most so many bytes; the quiet are forgotten."""

    def __init__(self, most_ids: int, most_bytes: int) -> None:
        self._most_ids = most_ids
        self._most_bytes = most_bytes
        self._by_id: dict[bytes, Conversation] = {}
        self._all: OrderedDict[Conversation, None] = OrderedDict()
        self._holding: OrderedDict[Conversation, None] = OrderedDict()
        self._bytes = 0
        self._count = 0

    def of(self, ids: Iterable[bytes]) -> Conversation:
        """The conversation of these ids: a mail that names several that were apart makes them one."""
        named = dict.fromkeys(ids)
        found = dict.fromkeys(one for each in named if (one := self._by_id.get(each)) is not None)
        joined = max(found, key=lambda one: len(one.ids), default=None) or Conversation()
        for other in found:
            if other is not joined:
                self._join(joined, other)
        for each in named:
            if each not in self._by_id:
                self._by_id[each] = joined
                joined.ids.append(each)
        self._all[joined] = None
        self._all.move_to_end(joined)
        self._forget(joined)
        return joined

    def hold(self, one: Conversation, mail: RawMail) -> None:
        """Keep the mail for the day that the conversation matters, or until there is no room for it."""
        self._count += 1
        one.held[self._count] = mail
        self._bytes += len(mail.raw)
        self._holding[one] = None
        self._holding.move_to_end(one)
        while self._bytes > self._most_bytes:
            self.release(next(iter(self._holding)))

    def release(self, one: Conversation) -> list[RawMail]:
        """The mails that were held, in the order they came; they are held no more."""
        self._holding.pop(one, None)
        mails = [one.held[number] for number in sorted(one.held)]
        self._bytes -= sum(len(mail.raw) for mail in mails)
        one.held.clear()
        return mails

    def remove(self, raw: bytes) -> None:
        """Hold that mail no more."""
        for one in dict.fromkeys(self._by_id[each] for each in ids_of(raw) if each in self._by_id):
            mails = self.release(one)
            for mail in mails:
                if mail.raw != raw:
                    self.hold(one, mail)

    def _join(self, joined: Conversation, other: Conversation) -> None:
        for each in other.ids:
            self._by_id[each] = joined
        joined.ids += other.ids
        joined.held |= other.held
        joined.matters |= other.matters
        if self._holding.pop(other, other) is None:
            self._holding[joined] = None
        del self._all[other]

    def _forget(self, latest: Conversation) -> None:
        """Make room: a conversation loses its first ids where it has very many, else the quiet ones go."""
        share = max(1, self._most_ids // 10)
        for each in latest.ids[:-share]:
            del self._by_id[each]
        del latest.ids[:-share]
        while len(self._by_id) > self._most_ids:
            quiet, _ = self._all.popitem(last=False)
            self.release(quiet)
            for each in quiet.ids:
                del self._by_id[each]


def ids_of(raw: bytes) -> list[bytes]:
    """The mail's own id and what ties it to others: first and nearest references, and the run that sent it."""
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    blank = _BLANK_LINE.search(raw, start)
    header = raw[start : min(blank.start() if blank else len(raw), start + MAX_HEADER_SIZE)]
    named: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(b"\n" + header):
        named.setdefault(name.lower(), []).extend(b"".join(each.split()) for each in _ID.findall(value))
    own = named.get(b"message-id", [])[:1]
    references = named.get(b"references", [])
    runs = (run_of(each.decode("utf-8", "surrogateescape")) for each in own)
    return [
        *own,
        *references[:1],
        *references[1:][-_NEAREST:],
        *named.get(b"in-reply-to", [])[:1],
        *(run.encode("utf-8", "surrogateescape") for run in runs if run),
    ]
