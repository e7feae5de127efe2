# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetch mails by message-id, from an archive that holds all lists."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Final
from urllib.parse import quote

from bot.inbox.error import InboxError
from bot.inbox.http_client import HttpClient
from bot.inbox.http_pace import NOW
from bot.inbox.mailbox import split_mbox
from bot.mail.message import Message
from bot.mail.parse import MAX_SIZE, parse
from bot.mail.target import is_message_id
from bot.ports.raw_mail import RawMail
from bot.ports.running import Clock
from rules.lazy import re

BETWEEN_MAILS: Final = timedelta(seconds=5)
LARGEST_THREAD: Final = 64 * 1024 * 1024
MAX_SINGLE: Final = 4
"""The maximum number of missing mails fetched one by one; more are fetched with their thread, in one request."""

_KEY: Final = "mails"
_NUMBER: Final = re.compile(r"\d+")


class ArchiveLookup:
    """A client that fetches single mails and threads from `base`, such as https://lore.kernel.org/all.

    Two requests are at least five seconds apart, and none is made during the pause after a failure. Raises InboxError
    if a request has to wait longer, and for every response that is not the requested mail. `ids` reads the
    message-ids of mails, maybe in another process.
    """

    def __init__(
        self,
        base: str,
        http: HttpClient,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        ids: Callable[[Sequence[bytes]], Sequence[str | None]] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._http = http
        self._clock = clock
        self._sleep = sleep
        self._ids = ids or (lambda mails: [message_id_in(mail) for mail in mails])

    def mail(self, message_id: str) -> RawMail | None:
        """Return the mail with that id, or None if the archive does not have it."""
        url, content = self._get(message_id, "raw", MAX_SIZE + 1000)
        if content is None:
            return None
        mails = split_mbox(content)
        if len(mails) != 1 or list(self._ids(mails)) != [message_id]:
            raise InboxError(f"{url}: the answer is not the mail that was asked for")
        return RawMail(url, self._clock.now(), mails[0])

    def thread(self, message_id: str) -> tuple[RawMail, ...]:
        """Return all mails of the mail's thread, in the archive's order; none if the archive does not have it."""
        url, content = self._get(message_id, "t.mbox.gz", LARGEST_THREAD)
        if content is None:
            return ()
        mails = split_mbox(content)
        if message_id not in self._ids(mails):
            raise InboxError(f"{url}: the answer is not the thread that was asked for")
        now = self._clock.now()
        return tuple(RawMail(f"{url}#{at}", now, raw) for at, raw in enumerate(mails, 1))

    def missing(self, known: Mapping[int, str], absent: Sequence[int]) -> tuple[RawMail, ...]:
        """Return the missing parts that the archive has of a series with these known parts (index → message-id).

        Fetches single mails if their ids can be derived from the known ids, otherwise the whole thread.
        """
        derived = derive_ids(known, absent)
        if not derived or len(derived) > MAX_SINGLE:
            return self.thread(known[min(known)])
        mails = (self.mail(derived[index]) for index in sorted(derived))
        return tuple(mail for mail in mails if mail is not None)

    def _get(self, message_id: str, page: str, limit: int) -> tuple[str, bytes | None]:
        if not is_message_id(message_id):
            raise InboxError(f"{message_id!r} is not a message-id that an archive could be asked for")
        url = f"{self.base}/{quote(message_id, safe='@+=')}/{page}"
        wait = self._http.pace.claim(_KEY, BETWEEN_MAILS)
        if NOW < wait <= BETWEEN_MAILS:
            self._sleep(wait.total_seconds())
            wait = self._http.pace.claim(_KEY, BETWEEN_MAILS)
        if wait > NOW:
            minutes = ceil(wait.total_seconds() / 60)
            raise InboxError(f"{url}: not requested; the next request to this archive is allowed in {minutes} min")
        return url, self._http.get(url, _KEY, limit)


def derive_ids(known: Mapping[int, str], absent: Sequence[int]) -> dict[int, str]:
    """Return the message-ids of missing parts, if the known message-ids contain the part's index.

    Mailers number the mails of a series (`DATE.PID-3-author@…`, `…-v2-3-HASH@…`); the number must differ with the index
    in all known ids, which must be otherwise equal. Empty if there is no such number, or only one known id.
    """
    first, *others = sorted(known)
    if not others:
        return {}
    for match in _NUMBER.finditer(known[first]):
        before, after, offset = known[first][: match.start()], known[first][match.end() :], int(match[0]) - first
        width = len(match[0]) if match[0].startswith("0") else 0
        ids = {index: f"{before}{index + offset:0{width}d}{after}" for index in (*others, *absent)}
        if all(ids[index] == known[index] for index in others):
            return {index: ids[index] for index in absent if index + offset >= 0}
    return {}


def message_id_in(raw: bytes) -> str | None:
    """Return the message-id of a mail, or None if the mail is unreadable."""
    mail = parse(raw)
    return mail.message_id if isinstance(mail, Message) else None
