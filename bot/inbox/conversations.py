# SPDX-License-Identifier: GPL-2.0-or-later
"""Group raw mails into conversations by the message-ids they name, within a bounded memory."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from bot.inbox.thread import run_of
from bot.mail.parse import MAX_HEADER_SIZE
from bot.ports.archive import RawMail
from rules.lazy import dataclass, field, re

_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_FIELD: Final = re.compile(rb"\n(message-id|references|in-reply-to):([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE)
_ID: Final = re.compile(rb"<([^<>]+)>")
_NEAREST: Final = 50


@dataclass(slots=True, eq=False)
class Conversation:
    """Mails that refer to each other. `matters` is set if one of them matters; until then they are `held`."""

    ids: list[bytes] = field(default_factory=list)
    matters: bool = False
    held: dict[int, RawMail] = field(default_factory=dict)


class Conversations:
    """The latest conversations, within limits of ids and of held bytes. The least recently used are forgotten first."""

    def __init__(self, max_ids: int, max_bytes: int) -> None:
        self._max_ids = max_ids
        self._max_bytes = max_bytes
        self._by_id: dict[bytes, Conversation] = {}
        self._all: OrderedDict[Conversation, None] = OrderedDict()
        self._holding: OrderedDict[Conversation, None] = OrderedDict()
        self._bytes = 0
        self._count = 0

    def of(self, ids: Iterable[bytes]) -> Conversation:
        """Return the conversation of these ids. Separate conversations that they name are joined."""
        named = dict.fromkeys(ids)
        conversations = dict.fromkeys(
            conversation for mail_id in named if (conversation := self._by_id.get(mail_id)) is not None
        )
        joined = max(conversations, key=lambda conversation: len(conversation.ids), default=None) or Conversation()
        for other in conversations:
            if other is not joined:
                self._join(joined, other)
        for mail_id in named:
            if mail_id not in self._by_id:
                self._by_id[mail_id] = joined
                joined.ids.append(mail_id)
        self._all[joined] = None
        self._all.move_to_end(joined)
        self._forget(joined)
        return joined

    def hold(self, conversation: Conversation, mail: RawMail) -> None:
        """Keep the mail until the conversation matters, or until the memory is full."""
        self._count += 1
        conversation.held[self._count] = mail
        self._bytes += len(mail.raw)
        self._holding[conversation] = None
        self._holding.move_to_end(conversation)
        while self._bytes > self._max_bytes:
            self.release(next(iter(self._holding)))

    def release(self, conversation: Conversation) -> list[RawMail]:
        """Return the held mails in order of arrival, and hold them no longer."""
        self._holding.pop(conversation, None)
        mails = [conversation.held[number] for number in sorted(conversation.held)]
        self._bytes -= sum(len(mail.raw) for mail in mails)
        conversation.held.clear()
        return mails

    def remove(self, raw: bytes) -> None:
        """Hold that mail no longer."""
        for conversation in dict.fromkeys(self._by_id[mail_id] for mail_id in ids_of(raw) if mail_id in self._by_id):
            mails = self.release(conversation)
            for mail in mails:
                if mail.raw != raw:
                    self.hold(conversation, mail)

    def _join(self, joined: Conversation, other: Conversation) -> None:
        for mail_id in other.ids:
            self._by_id[mail_id] = joined
        joined.ids += other.ids
        joined.held |= other.held
        joined.matters |= other.matters
        if self._holding.pop(other, other) is None:
            self._holding[joined] = None
        del self._all[other]

    def _forget(self, latest: Conversation) -> None:
        """Drop the first ids of a very large conversation, or else the least recently used conversations."""
        share = max(1, self._max_ids // 10)
        for mail_id in latest.ids[:-share]:
            del self._by_id[mail_id]
        del latest.ids[:-share]
        while len(self._by_id) > self._max_ids:
            quiet, _ = self._all.popitem(last=False)
            self.release(quiet)
            for mail_id in quiet.ids:
                del self._by_id[mail_id]


def ids_of(raw: bytes) -> list[bytes]:
    """Return the mail's id and the ids that relate it to others: first and nearest references, and its sending run."""
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    blank = _BLANK_LINE.search(raw, start)
    header = raw[start : min(blank.start() if blank else len(raw), start + MAX_HEADER_SIZE)]
    named: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(b"\n" + header):
        named.setdefault(name.lower(), []).extend(b"".join(mail_id.split()) for mail_id in _ID.findall(value))
    own = named.get(b"message-id", [])[:1]
    references = named.get(b"references", [])
    runs = (run_of(mail_id.decode("utf-8", "surrogateescape")) for mail_id in own)
    return [
        *own,
        *references[:1],
        *references[1:][-_NEAREST:],
        *named.get(b"in-reply-to", [])[:1],
        *(run.encode("utf-8", "surrogateescape") for run in runs if run),
    ]
