# SPDX-License-Identifier: GPL-2.0-or-later
"""Mails as they arrived, and batches of them."""

from datetime import datetime
from enum import StrEnum

from rules.lazy import dataclass


class Provenance(StrEnum):
    """How a mail arrived.

    `followed`: from a followed archive; only such a mail starts a posting. `found`: fetched by its message-id, to
    complete a series. `private`: only in our own mailbox; it may be a command, a bounce or a copy of a mail of ours.
    """

    FOLLOWED = "followed"
    FOUND = "found"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail as it arrived.

    `origin` is its place (`0.git@commit` or a path). `arrived` is when the archive received it, in UTC.
    """

    origin: str
    arrived: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class DeletedMail:
    """A mail that was removed from the archive. `origin` names the commit that removed it."""

    origin: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class UnreadMail:
    """A mail that an archive has, but whose bytes are not read. `reason` says why.

    `is_damaged`: the archive cannot read it. Otherwise it is too large.
    """

    origin: str
    arrived: datetime
    reason: str
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails in the order of the archive, and the cursor after the last mail.

    If `epoch` is the origin of a mail, the batch has only that mail. It could not be read before, and was released from
    quarantine.
    """

    source: str
    epoch: str
    cursor: str
    mails: tuple[RawMail, ...]
    deleted: tuple[DeletedMail, ...] = ()
    provenance: Provenance = Provenance.FOLLOWED
    unread: tuple[UnreadMail, ...] = ()
