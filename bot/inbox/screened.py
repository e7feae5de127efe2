# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive of a list that is not about Rust, of which only what may matter is kept: a look at the bytes decides.

A series is kept or dropped whole, because half a series is never reviewed: once one patch of a thread matters, the
mails of it that were dropped come after all, and what follows is kept.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, TypeVar

from bot.ports import Archive, Batch, RawMail

T = TypeVar("T")

_HELD: Final = 32 * 1024 * 1024
"""So many bytes of dropped mails are remembered; the parts of a series come within minutes."""

_MOST: Final = 20_000
_HEADER: Final = 64 * 1024
_IDS = re.compile(rb"^(message-id|references|in-reply-to):([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(rb"<([^<>\s]+)>")
_DIFF: Final = b"\ndiff --git "


class Screened:
    """bot.ports.Archive that lets through what `may_matter` says of the raw mail; the cursors are the archive's own.

    What it remembers of threads is lost with the process; then the parts that came before are missing, as on any list.
    """

    def __init__(self, archive: Archive, may_matter: Callable[[bytes], bool], held: int = _HELD) -> None:
        self.name = archive.name
        self._archive = archive
        self._may_matter = may_matter
        self._most = held
        self._size = 0
        self._dropped: OrderedDict[bytes, list[RawMail]] = OrderedDict()
        self._threads: OrderedDict[bytes, None] = OrderedDict()
        self._began: OrderedDict[bytes, bytes] = OrderedDict()

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        for batch in self._archive.batches(cursors, size):
            yield replace(batch, mails=tuple(kept for mail in batch.mails for kept in self._kept(mail)))

    def count(self, cursors: dict[str, str]) -> int:
        return self._archive.count(cursors)

    def _kept(self, mail: RawMail) -> Iterator[RawMail]:
        """The mail if it may matter, behind those of its thread that were dropped."""
        matters, thread = self._may_matter(mail.raw), self._thread(mail.raw)
        if matters and thread and _may_be_patch(mail.raw):
            _remember(self._threads, thread, None)
            for one in self._dropped.pop(thread, ()):
                self._size -= len(one.raw)
                yield one
        if matters or thread in self._threads:
            yield mail
        elif thread:
            self._drop(thread, mail)

    def _thread(self, raw: bytes) -> bytes:
        """The id that the mail's thread goes by: some gateways make even a first patch refer to what nobody has."""
        own, first = _ids(raw)
        thread = self._began.get(first, first)
        if own:
            _remember(self._began, own, thread)
        return thread

    def _drop(self, thread: bytes, mail: RawMail) -> None:
        self._dropped.setdefault(thread, []).append(mail)
        self._size += len(mail.raw)
        while self._size > self._most:
            _, forgotten = self._dropped.popitem(last=False)
            self._size -= sum(len(one.raw) for one in forgotten)


def _may_be_patch(raw: bytes) -> bool:
    return _DIFF in raw or b"base64" in raw.lower()


def _remember(memory: OrderedDict[bytes, T], key: bytes, value: T) -> None:
    memory[key] = value
    if len(memory) > _MOST:
        memory.popitem(last=False)


def _ids(raw: bytes) -> tuple[bytes, bytes]:
    """The mail's id, and that of the mail that began its thread as far as the header tells; nothing without ids."""
    header = raw[:_HEADER].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found = {name.lower(): _ID.findall(value) for name, value in reversed(_IDS.findall(header))}
    first = next((found[name] for name in (b"references", b"in-reply-to", b"message-id") if found.get(name)), [b""])
    return (found.get(b"message-id") or [b""])[0], first[0]
