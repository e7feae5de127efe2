# SPDX-License-Identifier: GPL-2.0-or-later
"""Screen the archive of a list that is not about Rust: keep only mails whose raw bytes may matter.

A thread is kept or dropped as a whole, because an incomplete series is never reviewed: once one patch matters, the
earlier mails of the thread are kept as well, and so are all later ones. A mail that is not a patch is treated like its
thread.
"""

from collections.abc import Callable, Iterator

from bot.inbox.conversations import Conversations, ids_of
from bot.ports.archive import Archive, History, Remote
from bot.ports.raw_mail import Batch, RawMail
from rules.bindings.mail_filter import is_encoded
from rules.lazy import dataclass, replace


@dataclass(frozen=True, slots=True)
class ScreeningLimits:
    """How much of threads that do not matter yet is remembered; the parts of a series arrive within minutes.

    `mails` is how many are read again where the memory is lost, as by a restart.
    """

    size: int = 32 * 1024 * 1024
    ids: int = 50_000
    mails: int = 10_000


class ScreenedArchive:
    """A bot.ports.Archive of the mails for which `may_matter` is true; the cursors are those of the screened archive.

    The remembered threads must end at the cursors of a request. If they do not, because the process is new or the last
    batch was not stored, the latest mails before the cursors are read again. A source without a history, such as a
    pipe, cannot be read again, so earlier parts of a series are missing then.
    """

    def __init__(
        self, archive: Archive, may_matter: Callable[[bytes], bool], memory: ScreeningLimits | None = None
    ) -> None:
        self.name = archive.name
        self._archive = archive
        self._may_matter = may_matter
        self._memory = memory or ScreeningLimits()
        self._behind: dict[str, str] = {}
        self._forget()

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        if cursors != self._behind:
            self._forget()
            if isinstance(self._archive, History):
                for batch in self._archive.before(cursors, self._memory.mails):
                    self._passed(batch)
            self._behind = dict(cursors)
        for batch in self._archive.batches(cursors, size):
            passed = self._passed(batch)
            self._behind[batch.epoch] = batch.cursor
            yield passed

    def count(self, cursors: dict[str, str]) -> int:
        return self._archive.count(cursors)

    @property
    def is_failing(self) -> bool:
        return isinstance(self._archive, Remote) and self._archive.is_failing

    def _forget(self) -> None:
        self._conversations = Conversations(self._memory.ids, self._memory.size)

    def _passed(self, batch: Batch) -> Batch:
        mails = tuple(released for mail in batch.mails for released in self._release(mail))
        for deleted in batch.deleted:
            self._conversations.remove(deleted.raw)
        return replace(batch, mails=mails)

    def _release(self, mail: RawMail) -> Iterator[RawMail]:
        """Yield the held mails of its thread and then the mail, if one of them may matter; otherwise hold the mail."""
        ids = ids_of(mail.raw)
        if not ids:
            if self._matters(mail):
                yield mail
            return
        conversation = self._conversations.of(ids)
        # A mail of a thread that matters is kept whatever it has, so its bytes are not searched.
        conversation.matters = conversation.matters or self._matters(mail)
        if conversation.matters:
            yield from self._conversations.release(conversation)
            yield mail
        else:
            self._conversations.hold(conversation, mail)

    def _matters(self, mail: RawMail) -> bool:
        return _may_be_patch(mail.raw) and self._may_matter(mail.raw)


def _may_be_patch(raw: bytes) -> bool:
    """Return whether the mail has a diff, or content that cannot be searched."""
    if b"\ndiff --git " in raw or b"\n@@ -" in raw:
        return True
    return is_encoded(raw)
