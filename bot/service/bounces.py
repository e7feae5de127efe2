# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes back of our mails: bounces, copies, and mails of others under our message-ids."""

import logging
import re
from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import Final

from bot.mail.bounce import bounce
from bot.mail.copy import is_copy
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.reply import MESSAGE_ID_DIGITS
from bot.pool.guard import Crashed, Executor, InlineExecutor, StoppedError
from bot.ports import BounceStore, Claim, Clock, IngestResult, ReturnedMail

_MAILS: Final = 500
_OUR_ID = re.compile(rf"[0-9a-f]{{{MESSAGE_ID_DIGITS}}}@")

log = logging.getLogger(__name__)


class BounceJob:
    """Looks at each mail that came once; between two batches it looks whether it is to stop.

    `own` is the sender's address of our mails: bounces go to it, and their ids end in its domain.
    """

    def __init__(
        self, store: BounceStore, own: str, clock: Clock, stop: Event, executor: Executor | None = None
    ) -> None:
        self._store = store
        self._own = own.lower()
        self._end = f"@{own.rpartition('@')[2].lower()}"
        self._clock = clock
        self._stop = stop
        self._executor = executor or InlineExecutor()

    def run(self) -> tuple[ReturnedMail, ...]:
        """What was news, in order."""
        news: list[ReturnedMail] = []
        while not self._stop.is_set() and (mails := self._store.unreturned(_MAILS)):
            try:
                found = self._look(mails)
            except StoppedError:
                break
            returned = [item for item in found if isinstance(item, ReturnedMail)]
            claims = [item for item in found if isinstance(item, Claim)]
            news += self._store.note_returned(mails[-1].id, returned, claims, self._clock.now())
        for item in news:
            log.warning("%s: %s %s", item.message_id, item.kind, item.detail or item.place)
        return tuple(news)

    def _look(self, mails: Sequence[IngestResult]) -> list[ReturnedMail | Claim | None]:
        end = self._end.encode("ascii", "replace")
        named = [mail for mail in mails if end in mail.mail.raw.lower()]  # nearly no mail; what follows costs more
        found: list[ReturnedMail | Claim | None] = []
        for kept, read in zip(named, self._executor.map(partial(read_return, self._own), named), strict=True):
            if isinstance(read, Crashed):
                log.error("mail %s cannot be read: %s", kept.mail.origin, read.reason)
            else:
                found.append(self._in_our_name(read, kept) if isinstance(read, Message) else read)
        return found

    def _in_our_name(self, message: Message, kept: IngestResult) -> ReturnedMail | Claim | None:
        """Return what a mail is that bears an id of our domain.

        Only the text tells a copy of our mail from a mail of somebody else: a list may rewrite From. A mail that is not
        in the outbox is a claim if its From and its id are as in our mails.
        """
        ours = self._store.mail(message.message_id)
        author = message.author.key if message.author else "nobody"
        if ours is None or ours.message_id != message.message_id:
            is_claim = author == self._own and _OUR_ID.match(message.message_id)
            answers = message.in_reply_to or ""
            return Claim(message.message_id, answers, kept.mail.arrived, kept.id) if is_claim else None
        (copied,) = self._executor.map(partial(is_copy, ours=ours.content), [message]) if ours.content else (True,)
        if copied is not True:  # without our text, which retention may have removed, the id alone decides
            return ReturnedMail(message.message_id, "foreign", kept.source, f"{kept.mail.origin} from {author}")
        return ReturnedMail(message.message_id, "copy", f"{kept.source} {' '.join(message.list_ids)}".rstrip())


def read_return(own: str, kept: IngestResult) -> Message | ReturnedMail | None:
    """The mail if its id is of the domain of our address `own`, else the bounce that it is; None for other mail."""
    message = parse(kept.mail.raw)
    if not isinstance(message, Message):
        return None
    if message.message_id.lower().endswith(f"@{own.rpartition('@')[2]}"):
        return message
    bounced = bounce(message) if own in {address.key for address in message.to} else None
    return None if bounced is None else ReturnedMail(bounced.message_id, "bounce", detail=bounced.why)
