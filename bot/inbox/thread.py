# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mails belong together, by the ids they refer to; in memory, for what is read once."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from bot.mail.message import Message
from bot.mail.subject import count_and_title

BURST: Final = timedelta(minutes=10)
"""Parts of one series that were mailed one by one are at most so far apart."""

_MAX_STEM: Final = 60

# git send-email: the second, the process, the number in this run, the sender; b4: the day, the slug, ..., a hash.
_RUN = re.compile(r"(?=[^\s@]++@\S)(\d{14}\.\d+|\d{8}-[\w.-]+-v\d+)-\d+-([^\s@]++@\S++)")


def relatives(message: Message) -> tuple[str, ...]:
    """Return the ids that tie the mail to others of its thread: what it refers to, and what was sent together with it.

    An id with a `*` in it is no mail's id. It ties together series that were sent without threading, or with a hole in
    it: by the run that sent them, if the message-ids tell, and by author, count, subsystem and time.
    """
    run = run_of(message.message_id)
    return (*message.references, *((run,) if run else ()), *_burst(message))


def stem(title: str) -> str:
    """Return the subsystem that a title begins with: `rust` of `rust: list: add a cursor`."""
    return title.partition(":")[0].strip().lower()[:_MAX_STEM]


def _burst(message: Message) -> Iterator[str]:
    """Yield what parts of one series have in common; two that were sent within half of `BURST` share at least one."""
    count, title = count_and_title(message.subject)
    if count < 2 or message.author is None or message.date is None:
        return
    half = int(message.date.timestamp() / (BURST.total_seconds() / 2))
    for start in (half - 1, half):
        yield f"{message.author.key} *{count} {stem(title)} {start}"


def run_of(message_id: str) -> str | None:
    """The run of git send-email or b4 that made the id; None if it was made otherwise."""
    run = _RUN.fullmatch(message_id)
    return f"{run[1]}-*-{run[2]}" if run else None


def threads(messages: Iterable[Message]) -> tuple[tuple[Message, ...], ...]:
    """The messages by thread, in the order they came, threads by their first message.

    Two mails are of one thread if one refers to the other, both to a third, here or not, or if one run sent both. Of
    several with one message-id only the first is kept. Mails that refer to themselves or in a circle are a thread too.
    """
    kept = {message.message_id: message for message in reversed(tuple(messages))}
    sets = _Sets()
    for message in kept.values():
        for relative in relatives(message):
            sets.join(message.message_id, relative)
    found: dict[str, list[Message]] = {}
    for message in reversed(kept.values()):
        found.setdefault(sets.root(message.message_id), []).append(message)
    return tuple(tuple(thread) for thread in found.values())


class _Sets:
    """Disjoint sets of ids."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, item: str) -> str:
        path = []
        while (above := self._parent.get(item, item)) != item:
            path.append(item)
            item = above
        for passed in path:
            self._parent[passed] = item
        return item

    def join(self, one: str, other: str) -> None:
        self._parent[self.root(one)] = self.root(other)
