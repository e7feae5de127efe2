# SPDX-License-Identifier: GPL-2.0-or-later
"""The states of a mail in the outbox, and the states that may follow each of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from bot.error import AdapterError


class MailState(StrEnum):
    """The state of a mail in the outbox."""

    QUEUED = "queued"
    """It waits until it is due."""
    HELD = "held"
    """It waits for `patchwarden outbox approve`."""
    APPROVED = "approved"
    """A person approved it; it waits until it is due."""
    SENDING = "sending"
    """A worker claimed it; from here on the mail may have left."""
    SENT = "sent"
    """The mail server took it, or an archive has it."""
    FILED = "filed"
    """A dry run wrote it to a file."""
    UNCONFIRMED = "unconfirmed"
    """It may have left: the final reply of the mail server was lost or malformed."""
    REFUSED = "refused"
    """The mail server refused it permanently, or all attempts failed. It did not leave."""
    EXPIRED = "expired"
    """It waited too long."""
    WITHDRAWN = "withdrawn"
    """The settings, a mute, a newer revision or a person no longer allow it."""

    @property
    def is_deliverable(self) -> bool:
        """Return whether a worker may claim a mail in this state."""
        return self in DELIVERABLE


DELIVERABLE: Final = (MailState.QUEUED, MailState.APPROVED)
WAITING: Final = (*DELIVERABLE, MailState.HELD)
MAY_HAVE_LEFT: Final = (MailState.SENDING, MailState.SENT, MailState.UNCONFIRMED)

_END: Final[frozenset[MailState]] = frozenset()
_FROM_DELIVERABLE: Final = frozenset(
    {MailState.SENDING, MailState.HELD, MailState.SENT, MailState.REFUSED, MailState.WITHDRAWN}
)

TRANSITIONS: Final[Mapping[MailState, frozenset[MailState]]] = {
    MailState.QUEUED: _FROM_DELIVERABLE | {MailState.QUEUED, MailState.EXPIRED},
    # A mail that a person approved does not expire.
    MailState.APPROVED: _FROM_DELIVERABLE | {MailState.APPROVED},
    MailState.HELD: frozenset({MailState.APPROVED, MailState.SENT, MailState.WITHDRAWN}),
    MailState.SENDING: frozenset(MailState) - {MailState.SENDING, MailState.EXPIRED, MailState.WITHDRAWN},
    MailState.UNCONFIRMED: frozenset({MailState.SENT, MailState.QUEUED, MailState.APPROVED, MailState.WITHDRAWN}),
    MailState.SENT: _END,
    MailState.FILED: _END,
    MailState.REFUSED: _END,
    MailState.EXPIRED: _END,
    MailState.WITHDRAWN: _END,
}
"""The states that may follow each state."""

FINAL: Final = tuple(state for state, following in TRANSITIONS.items() if not following)
DROPPABLE: Final = tuple(state for state, following in TRANSITIONS.items() if MailState.WITHDRAWN in following)
"""The states in which a person may still withdraw the mail."""


class TransitionError(AdapterError):
    """A mail cannot change from its state to the given state."""


def check_transition(message_id: str, before: MailState, after: MailState) -> None:
    """Raise TransitionError unless `after` may follow `before`."""
    if after not in TRANSITIONS[before]:
        raise TransitionError(f"mail {message_id} is {before} and cannot become {after}")
