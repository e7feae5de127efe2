# SPDX-License-Identifier: GPL-2.0-or-later
"""A frozen mail: the bytes to send, and what the outbox knows about them."""

from datetime import datetime
from typing import Final

from bot.mail.state import MailState
from rules.lazy import dataclass, field

REVIEW: Final = "review"
COMMAND_REPLY: Final = "answer"
DIGEST: Final = "digest"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frozen mail in the outbox: `content` are the very bytes to be sent, `mode` what was agreed when it was written.

    `kind` is REVIEW, COMMAND_REPLY, DIGEST, or the kind of a re-check's mail. `reason` says why it is in its `state`.
    `destination` is where it went. It is not tried (again) before `due`; `attempts` were made. `created` is when it was
    written, by our clock.
    """

    message_id: str
    posting_id: str
    kind: str
    envelope_from: str
    envelope_to: tuple[str, ...]
    content: bytes
    due: datetime
    mode: str = "dry-run"
    lists: tuple[str, ...] = ()
    author: str = ""
    state: MailState = MailState.QUEUED
    reason: str = ""
    destination: str = ""
    attempts: int = 0
    changed: datetime | None = field(default=None, compare=False)
    created: datetime | None = field(default=None, compare=False)
