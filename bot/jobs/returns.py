# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes back of our mails: a bounce, or a list's second copy; the brakes look at it before the next mail."""

import logging
from threading import Event
from typing import Final

from bot.jobs.isolation import Broken, isolated
from bot.mail.bounce import bounce
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.ports import Clock, Kept, Returned, Returns

_MAILS: Final = 500

log = logging.getLogger(__name__)


class Returning:
    """Looks at each mail that came once; between two batches it looks whether it is to stop.

    `own` is the sender's address of our mails: bounces go to it, and their ids end in its domain.
    """

    def __init__(self, store: Returns, own: str, clock: Clock, stop: Event) -> None:
        self._store = store
        self._own = own.lower()
        self._end = f"@{own.rpartition('@')[2].lower()}"
        self._clock = clock
        self._stop = stop

    def run(self) -> tuple[Returned, ...]:
        """What was news, in order."""
        news: list[Returned] = []
        while not self._stop.is_set() and (mails := self._store.unreturned(_MAILS)):
            found = [returned for mail in mails if (returned := self._look(mail)) is not None]
            news += self._store.note_returned(mails[-1].id, found, self._clock.now())
        for one in news:
            log.warning("%s: %s %s", one.message_id, one.kind, one.detail or one.place)
        return tuple(news)

    def _look(self, kept: Kept) -> Returned | None:
        raw = kept.mail.raw
        if self._end.encode("ascii", "replace") not in raw.lower():  # nearly all mail; what follows costs more
            return None
        message = isolated(f"mail {kept.mail.origin}", lambda: parse(raw))
        if not isinstance(message, Message):
            return None
        if message.message_id.lower().endswith(self._end):
            return Returned(message.message_id, "copy", f"{kept.source} {' '.join(message.list_ids)}".rstrip())
        if self._own not in {address.key for address in message.to}:
            return None
        bounced = isolated(f"bounce {kept.mail.origin}", lambda: bounce(message))
        return (
            None
            if bounced is None or isinstance(bounced, Broken)
            else Returned(bounced.message_id, "bounce", detail=bounced.why)
        )
