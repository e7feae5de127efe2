# SPDX-License-Identifier: GPL-2.0-or-later
"""The series of a given mail as a source, fetched from an archive on first use."""

from collections.abc import Callable, Iterator, Sequence

from bot.inbox.assemble import assemble
from bot.inbox.completion import ArchiveLookup
from bot.inbox.error import InboxError
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.ports.raw_mail import Batch, Provenance, RawMail

Select = Callable[[str, Sequence[RawMail]], Sequence[RawMail]]
"""A function that selects the mails of a mail's series from its thread. Raises InboxError."""


def select_series(message_id: str, thread: Sequence[RawMail]) -> tuple[RawMail, ...]:
    """Return the mails of the posting that the mail is a part of, in the order of the thread.

    Raises InboxError if the mail cannot be read, or is not part of a series.
    """
    read = [(mail, parse(mail.raw)) for mail in thread]
    known = [(mail, message) for mail, message in read if isinstance(message, Message)]
    if not known:
        raise InboxError("the archive has no such mail")
    for posting in assemble([message for _, message in known]):
        parts = {part.message_id for part in posting.parts}
        if message_id in parts:
            return tuple(mail for mail, message in known if message.message_id in parts)
    raise InboxError("neither a patch nor a cover letter")


class RemoteSeries:
    """The mails of the one posting that a mail is a part of, whatever else is in its thread.

    `select` looks for them in the thread, maybe in another process. Raises InboxError where the archive does not
    answer, has no such mail, or the mail is not part of a series.
    """

    def __init__(self, message_id: str, completion: ArchiveLookup, select: Select = select_series) -> None:
        self.message_id = message_id
        self.name = f"{completion.base}/{message_id}"
        self._completion = completion
        self._select = select

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:  # noqa: ARG002 a series comes whole
        """Yield the mails in the archive's order; none if the cursor says that they were read."""
        if not cursors:
            yield Batch(self.name, "series", self.message_id, self._mails(), provenance=Provenance.FOUND)

    def count(self, cursors: dict[str, str]) -> int:  # noqa: ARG002 as above
        """Return 0: the number is unknown before the fetch."""
        return 0

    def _mails(self) -> tuple[RawMail, ...]:
        thread = self._completion.thread(self.message_id)
        try:
            return tuple(self._select(self.message_id, thread))
        except InboxError as error:
            raise InboxError(f"{self.name}: {error}") from error
