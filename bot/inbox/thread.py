# SPDX-License-Identifier: GPL-2.0-or-later
"""Find the mails that belong to one thread, by the ids that they refer to. Everything is in memory."""

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bot.mail.message import Message
from bot.mail.subject import count_and_title
from rules.lazy import re

if TYPE_CHECKING:
    from array import array

BURST: Final = timedelta(minutes=10)
"""Maximum time between parts of one series that were sent separately."""

_MAX_STEM: Final = 60

# An id of git send-email has the second, the process, a number and the sender. An id of b4 has the day, slug and hash.
_RUN = re.compile(r"(?=[^\s@]++@\S)(\d{14}\.\d+|\d{8}-[\w.-]+-v\d+)-\d+-([^\s@]++@\S++)")
# Git, stgit and mutt begin an id with the second, b4 with the day.
_TIME = re.compile(r"(20\d{6})(?:(\d{6})\.|-)")


def relatives(message: Message) -> tuple[str, ...]:
    """Return the ids that connect the mail with others of its thread.

    They are the message-ids that it refers to, and ids with a `*`, which are not message-ids. The latter connect the
    parts of a series that were sent without threading, or of which a mail is missing: by the run that sent them, if the
    message-ids show it, and by author, number of patches and time.
    """
    run = run_of(message.message_id)
    answered = message.in_reply_to
    cut = answered is not None and answered not in message.references  # of an overlong list
    return (*message.references, *((answered,) if cut else ()), *((run,) if run else ()), *_burst(message))


def stem(title: str) -> str:
    """Return the subsystem that a title begins with: `rust` of `rust: list: add a cursor`."""
    return title.partition(":")[0].strip().lower()[:_MAX_STEM]


def _burst(message: Message) -> Iterator[str]:
    """Yield ids that the parts of a series share. Two parts sent within half of `BURST` share at least one."""
    count, _ = count_and_title(message.subject)
    if count < 2 or message.author is None or message.date is None:
        return
    half = int(message.date.timestamp() / (BURST.total_seconds() / 2))
    for start in (half - 1, half):
        yield f"{message.author.key} *{count} {start}"


def run_of(message_id: str) -> str | None:
    """Return the run of git send-email or b4 that created the message-id, None if it is from another program."""
    run = _RUN.fullmatch(message_id)
    return f"{run[1]}-*-{run[2]}" if run else None


def id_time(message_id: str) -> datetime | None:
    """Return the time that a message-id begins with, the end of the day if it has the day alone; None without one."""
    match = _TIME.match(message_id)
    try:
        return None if match is None else datetime.strptime(f"{match[1]}{match[2] or 235959}Z", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None


def threads(messages: Iterable[Message]) -> tuple[tuple[Message, ...], ...]:
    """Return the mails by thread, in the order of arrival. Threads are in the order of their first mails.

    Two mails belong to one thread if one refers to the other, if both refer to the same mail, even an unknown one, or
    if one run sent both. Of several mails with one message-id only the first counts. Mails may refer to themselves or
    in a circle.
    """
    unique = {message.message_id: message for message in reversed(tuple(messages))}
    ordered = tuple(reversed(unique.values()))
    if len(ordered) == 1:
        return (ordered,)
    grouping = ThreadGrouping()
    for message in ordered:
        grouping.add(message.message_id, relatives(message))
    return tuple(tuple(ordered[number] for number in numbers) for numbers in grouping.threads())


class ThreadGrouping:
    """Group mails to threads by the ids that connect them. Of a mail only its new ids are kept, and numbers of ids.

    The number of a mail counts the mails in the order in which they were added, from 0.
    """

    def __init__(self) -> None:
        from array import array

        self._numbers: dict[Hashable, int] = {}  # by id
        self._parents = array("i")  # disjoint sets (union-find) of the numbers of ids
        self._mail_of = array("i")  # by number of an id, the mail that has it, or -1
        self._mails = array("i")  # the number of the own id of each mail
        self._related = array("i")  # the numbers of the related ids of all mails
        self._related_ends = array("q", [0])  # by mail, where those of the mail before it end, and its own begin

    def add(self, own_id: Hashable, related_ids: Iterable[Hashable]) -> bool:
        """Add a mail, and return whether it is the first with its id. Another one is ignored.

        Two mails belong to one thread if they share an id.
        """
        own = self._number(own_id)
        if self._mail_of[own] >= 0:
            return False
        self._mail_of[own] = len(self._mails)
        self._mails.append(own)
        for related_id in related_ids:
            number = self._number(related_id)
            self._related.append(number)
            self._parents[self._root(number)] = self._root(own)
        self._related_ends.append(len(self._related))
        return True

    def with_related(self, mails: Iterable[int]) -> "array[int]":
        """Return the numbers of these mails and of all that they refer to, directly or through others, in order."""
        reached = set(mails)
        waiting = list(reached)
        for mail in waiting:
            related = self._related[self._related_ends[mail] : self._related_ends[mail + 1]]
            new = {self._mail_of[number] for number in related} - reached - {-1}
            reached |= new
            waiting += new
        result = self._mails[:0]
        result.extend(sorted(reached))
        return result

    def threads(self) -> "list[array[int]]":
        """Return the numbers of the mails of each thread, in order."""
        by_root: dict[int, array[int]] = {}
        for mail, own in enumerate(self._mails):
            by_root.setdefault(self._root(own), self._mails[:0]).append(mail)
        return list(by_root.values())

    def _number(self, item: Hashable) -> int:
        number = self._numbers.setdefault(item, len(self._parents))
        if number == len(self._parents):
            self._parents.append(number)
            self._mail_of.append(-1)
        return number

    def _root(self, number: int) -> int:
        parents, path = self._parents, []
        while (parent := parents[number]) != number:
            path.append(number)
            number = parent
        for passed in path:
            parents[passed] = number
        return number
