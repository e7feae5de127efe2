# SPDX-License-Identifier: GPL-2.0-or-later
"""Group raw mails into conversations by the message-ids they name, within a bounded memory."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from bot.inbox.thread import run_of
from bot.mail.parse import MAX_HEADER_SIZE
from bot.ports.raw_mail import RawMail
from rules.lazy import dataclass, field, re

_FIELDS: Final = (b"\nmessage-id:", b"\nreferences:", b"\nin-reply-to:")
_FOLDED: Final = (b" ", b"\t")
_SPACE: Final = b" \t\n\r\v\f"
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
        if len(latest.ids) - share > share // 8:  # Dropping them one by one would move all others for each mail.
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
    header = _header(raw)
    lower = header.lower()
    message_ids, references, replied_to = (_ids_in(header, lower, name) for name in _FIELDS)
    own = message_ids[:1]
    runs = (run_of(mail_id.decode("utf-8", "surrogateescape")) for mail_id in own)
    return [
        *own,
        *references[:1],
        *references[1:][-_NEAREST:],
        *replied_to[:1],
        *(run.encode("utf-8", "surrogateescape") for run in runs if run),
    ]


def _header(raw: bytes) -> bytes:
    """Return the header of the mail after a line end. Searching literals is faster than an expression."""
    start = 0
    while raw.startswith((b"\r", b"\n"), start):
        start += 1
    end = start + MAX_HEADER_SIZE
    for blank in (b"\n\n", b"\n\r\n"):
        # Nearly no mail has a carriage return, which is found faster than a line end.
        position = raw.find(blank, start, end) if blank != b"\n\r\n" or raw.find(b"\r", start, end) >= 0 else -1
        end = position if position >= 0 else end
    return b"\n" + raw[start:end]


def _ids_in(header: bytes, lower: bytes, name: bytes) -> list[bytes]:
    """Return the ids in the fields with that name. `lower` is the header in lower case."""
    ids: list[bytes] = []
    at = lower.find(name)
    while at >= 0:
        start = at + len(name)
        end = header.find(b"\n", start)
        while end >= 0 and header.startswith(_FOLDED, end + 1):
            end = header.find(b"\n", end + 1)
        value = header[start:] if end < 0 else header[start:end]
        ids += [mail_id.translate(None, _SPACE) for mail_id in _ID.findall(value)]
        at = -1 if end < 0 else lower.find(name, end)
    return ids
