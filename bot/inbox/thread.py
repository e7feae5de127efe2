# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mails belong together, by the ids they refer to; in memory, for what is read once."""

from collections.abc import Iterable

from bot.mail.message import Message


def threads(messages: Iterable[Message]) -> tuple[tuple[Message, ...], ...]:
    """The messages by thread, in the order they came, threads by their first message.

    Two mails are of one thread if one refers to the other or both to a third, here or not. Of several with one
    message-id only the first is kept. Mails that refer to themselves or in a circle are a thread like any other.
    """
    kept = {message.message_id: message for message in reversed(tuple(messages))}
    sets = _Sets()
    for message in kept.values():
        for reference in message.references:
            sets.join(message.message_id, reference)
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
