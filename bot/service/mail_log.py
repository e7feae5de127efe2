# SPDX-License-Identifier: GPL-2.0-or-later
"""Log each change of a mail's state. The store calls this after the commit."""

from collections.abc import Mapping
from typing import Final

from bot.log import Level, LogEvent, Value, event
from bot.mail.outgoing import Outgoing
from bot.mail.state import MailState
from bot.ports.outbox import MailChange
from bot.review.consent import Mode
from rules.lazy import re

_EVENTS: Final[Mapping[MailState, tuple[LogEvent, Level]]] = {
    MailState.QUEUED: (LogEvent.MAIL_REQUEUED, "warning"),
    MailState.HELD: (LogEvent.MAIL_HELD, "info"),
    MailState.APPROVED: (LogEvent.MAIL_APPROVED, "info"),
    MailState.SENDING: (LogEvent.MAIL_CLAIMED, "info"),
    MailState.SENT: (LogEvent.MAIL_SENT, "info"),
    MailState.FILED: (LogEvent.MAIL_FILED, "info"),
    MailState.UNCONFIRMED: (LogEvent.MAIL_UNCONFIRMED, "warning"),
    MailState.REFUSED: (LogEvent.MAIL_REFUSED, "warning"),
    MailState.EXPIRED: (LogEvent.MAIL_EXPIRED, "warning"),
    MailState.WITHDRAWN: (LogEvent.MAIL_WITHDRAWN, "info"),
}
_CODE: Final = re.compile(r"(\d{3}) ")


def log_change(change: MailChange) -> None:
    """Log the change, at debug level if a file of a dry run is claimed."""
    mail = change.mail
    is_retried = mail.state is MailState.QUEUED or (mail.state, change.before) == (
        MailState.APPROVED,
        MailState.SENDING,
    )
    name, level = _EVENTS[MailState.QUEUED if is_retried else mail.state]
    if mail.state is MailState.SENDING and mail.mode == Mode.DRY_RUN:
        level = "debug"
    reply = mail.destination if mail.state in {MailState.SENT, MailState.FILED} else ""
    code = _CODE.match(reply)
    event(
        name,
        level,
        **mail_fields(mail),
        attempt=mail.attempts or None,
        code=int(code[1]) if code else None,
        reply=reply,
        reason=mail.reason,
        due=mail.due if is_retried else None,
    )


def mail_fields(mail: Outgoing) -> dict[str, Value]:
    """Return the fields that identify our mail in the log. Recipients are not logged."""
    return {
        "message_id": mail.message_id,
        "series": mail.posting_id,
        "kind": mail.kind,
        "mode": mail.mode,
        "recipients": len(mail.envelope_to),
    }
