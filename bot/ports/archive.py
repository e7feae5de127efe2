# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources of mails. Mails are bytes as they arrived."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from bot.ports.raw_mail import Batch, RawMail


class UnreadBatch(Protocol):
    """A batch whose mails any process of this machine can read. It is small, and can be pickled."""

    def __len__(self) -> int:
        """Return how many mails it adds and removes."""

    def read(self) -> Batch:
        """Return the batch with its mails. Raises bot.inbox.error.InboxError."""


class Archive(Protocol):
    """A source of mails without a state: the store keeps its cursors together with the mails.

    Raises bot.inbox.error.InboxError, which names the path, if the source cannot be read.
    """

    name: str

    def batches(self, cursors: dict[str, str], size: int = 500) -> Iterator[Batch]:
        """Yield the mails after the cursors (epoch → commit id or position), oldest first."""

    def count(self, cursors: dict[str, str]) -> int:
        """Count the mails that `batches` would yield, for a progress bar, without reading them."""


class UnreadEpoch(Protocol):
    """The mails of an epoch after the cursor. Any process of this machine can list them; it can be pickled."""

    @property
    def is_new(self) -> bool:
        """Whether nothing of the epoch was read, so that it may have very many mails."""

    def batches(self, size: int) -> Iterator[UnreadBatch]:
        """Yield the batches, oldest first, without reading the mails. Raises bot.inbox.error.InboxError."""


@runtime_checkable
class SharedArchive(Archive, Protocol):
    """An archive that several processes can read at the same time."""

    def unread(self, cursors: dict[str, str]) -> Iterator[UnreadEpoch]:
        """Yield the epochs, with the mails that `batches` would yield."""


@runtime_checkable
class History(Archive, Protocol):
    """An archive that can yield earlier mails again."""

    def before(self, cursors: dict[str, str], limit: int) -> Iterator[Batch]:
        """Yield at most `limit` of the latest mails before the cursors, oldest first; none for a foreign cursor."""


@runtime_checkable
class Remote(Archive, Protocol):
    """An archive on the network, which is not requested in each round."""

    @property
    def is_failing(self) -> bool:
        """Return whether the last request failed."""


class Lookup(Protocol):
    """An archive of all lists that returns mails by message-id. `base` is its URL. Raises InboxError."""

    @property
    def base(self) -> str: ...

    def missing(self, known: Mapping[int, str], absent: Sequence[int]) -> tuple[RawMail, ...]:
        """Return the absent parts of a series that can be found from its known parts (index → message-id)."""
