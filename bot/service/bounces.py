# SPDX-License-Identifier: GPL-2.0-or-later
"""Process mails that arrive after we sent a mail: bounces, copies, and foreign mails with our message-ids."""

from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import Final

from bot.log import LogEvent, event
from bot.mail.bounce import Bounce, bounce
from bot.mail.copy import is_copy
from bot.mail.envelope import is_authentic
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.reply import MESSAGE_ID_DIGITS
from bot.pool.guard import Crashed, Executor, InlineExecutor, StoppedError
from bot.ports.installation import Claim
from bot.ports.mails import MailStatus
from bot.ports.outbox import BounceStore, DeliveryEvent
from bot.ports.running import Clock
from rules.lazy import dataclass, field, re

_MAILS: Final = 500
_OUR_ID = re.compile(rf"[0-9a-f]{{{MESSAGE_ID_DIGITS}}}@")


@dataclass(frozen=True, slots=True)
class BounceAddress:
    """The address where bounces arrive, with a place for the token, and the key that makes tokens.

    Without a place for the token, no bounce is authentic.
    """

    address: str = ""
    key: bytes = field(default=b"", repr=False)


class BounceJob:
    """Process each received mail once. Checks between two batches whether to stop.

    `own` is the sender's address of our mails: their ids end in its domain, and bounces without a token may go to it.
    """

    def __init__(
        self,
        store: BounceStore,
        own: str,
        clock: Clock,
        stop: Event,
        executor: Executor | None = None,
        bounces: BounceAddress | None = None,
    ) -> None:
        self._store = store
        self._bounces = bounces or BounceAddress()
        self._own = own.lower()
        self._end = f"@{own.rpartition('@')[2].lower()}"
        self._clock = clock
        self._stop = stop
        self._executor = executor or InlineExecutor()

    def run(self) -> tuple[DeliveryEvent, ...]:
        """Return the new bounces and copies, in order of arrival."""
        news: list[DeliveryEvent] = []
        while not self._stop.is_set() and (mails := self._store.unchecked_for_bounces(_MAILS)):
            try:
                results = self._classify(mails)
            except StoppedError:
                break
            events = [item for item in results if isinstance(item, DeliveryEvent)]
            claims = [item for item in results if isinstance(item, Claim)]
            new = self._store.record_delivery_events(mails[-1].id, events, claims, self._clock.now())
            for item in new:
                _log(item)
            news += new
        return tuple(news)

    def _classify(self, mails: Sequence[MailStatus]) -> list[DeliveryEvent | Claim | None]:
        end = self._end.encode("ascii", "replace")
        named = [
            mail for mail in mails if end in mail.mail.raw.lower()
        ]  # A cheap filter: few mails name our domain, and parsing costs more.
        results: list[DeliveryEvent | Claim | None] = []
        read_own = partial(read_bounce, self._own, self._bounces.address)
        for status, read in zip(named, self._executor.map(read_own, named), strict=True):
            if isinstance(read, Crashed):
                event(
                    LogEvent.BOUNCE_UNREADABLE, "warning", mail=status.id, origin=status.mail.origin, reason=read.reason
                )
            elif isinstance(read, Bounce):
                results.append(self._bounced(read))
            else:
                results.append(self._in_our_name(read, status) if read is not None else None)
        return results

    def _bounced(self, bounced: Bounce) -> DeliveryEvent | None:
        """Return the bounce of a mail of ours, "unverified" if it does not have the mail's token."""
        our_mail = self._store.mail(bounced.message_id)
        if our_mail is None or our_mail.message_id != bounced.message_id:
            return None
        is_ours = self._bounces.key and is_authentic(
            bounced.tokens, self._bounces.key, our_mail.message_id, our_mail.envelope_to
        )
        return DeliveryEvent(bounced.message_id, "bounce" if is_ours else "unverified", detail=bounced.why)

    def _in_our_name(self, message: Message, status: MailStatus) -> DeliveryEvent | Claim | None:
        """Classify a mail whose message-id is in our domain.

        Only the text tells a copy of our mail from a mail of somebody else: a list may rewrite From. A mail that is not
        in the outbox is a claim if its From and its id are as in our mails.
        """
        our_mail = self._store.mail(message.message_id)
        author = message.author.key if message.author else "nobody"
        if our_mail is None or our_mail.message_id != message.message_id:
            is_claim = author == self._own and _OUR_ID.match(message.message_id)
            answers = message.in_reply_to or ""
            return Claim(message.message_id, answers, status.mail.arrived, status.id) if is_claim else None
        (copied,) = (
            self._executor.map(partial(is_copy, content=our_mail.content), [message]) if our_mail.content else (True,)
        )
        if copied is not True:  # If retention removed our text, the message-id alone decides.
            return DeliveryEvent(message.message_id, "foreign", status.source, f"{status.mail.origin} from {author}")
        return DeliveryEvent(message.message_id, "copy", f"{status.source} {' '.join(message.list_ids)}".rstrip())


def _log(item: DeliveryEvent) -> None:
    """Log a bounce, or what the operator should know of a mail under one of our message-ids."""
    if item.kind in {"foreign", "repeat"}:
        event(LogEvent.NOTICE, "warning", kind=item.kind, message_id=item.message_id, place=item.place)
    else:
        event(LogEvent.BOUNCE, "warning", kind=item.kind, message_id=item.message_id, reason=item.detail)


def read_bounce(own: str, bounces: str, status: MailStatus) -> Message | Bounce | None:
    """Return a mail with a message-id of our domain as it is, and a bounce to us as a Bounce; None for other mails.

    `own` is our address, `bounces` our bounce address.
    """
    message = parse(status.mail.raw)
    if not isinstance(message, Message):
        return None
    if message.message_id.lower().endswith(f"@{own.rpartition('@')[2]}"):
        return message
    report = bounce(message, bounces)
    is_to_us = own in {address.key for address in message.to} or (report is not None and bool(report.tokens))
    return report if is_to_us else None
