# SPDX-License-Identifier: GPL-2.0-or-later
"""Freeze a reply: its bytes, its envelope, and its first state in the outbox; pure."""

from datetime import datetime
from typing import Final

from bot.mail.compose import ComposeRefused, compose, recipients
from bot.mail.outgoing import Outgoing
from bot.mail.posting import Posting
from bot.mail.reply import Reply
from bot.mail.state import MailState
from bot.review.consent import Mode
from bot.review.mail_lint import problems
from bot.review.recipients import RecipientContext
from rules.lazy import dataclass, replace

EMBARGO: Final = "embargo"
WAITS_FOR_APPROVAL: Final = "waits for approval"


@dataclass(frozen=True, slots=True)
class MailTerms:
    """How the outbox treats a mail: its kind, whom it is for, what was agreed, and when its first attempt is due.

    `posting_id` and `lists` are those of the posting that the mail is about, if any. `reason` says why it is due later.
    """

    kind: str
    author: str
    mode: Mode
    due: datetime
    posting_id: str = ""
    lists: tuple[str, ...] = ()
    reason: str = ""


def posting_terms(posting: Posting, context: RecipientContext, kind: str, author: str, now: datetime) -> MailTerms:
    """Return the terms of a mail about a posting, due now."""
    mode, lists = context.consent_of(posting).mode, context.lists_of(posting)
    return MailTerms(kind, author, mode, now, posting.message_id, lists)


def review_terms(posting: Posting, context: RecipientContext, kind: str, arrived: datetime, now: datetime) -> MailTerms:
    """Return the terms of a review of a posting that arrived then: it is due after the embargo."""
    terms = posting_terms(posting, context, kind, posting.author.key, now)
    due = context.consent_of(posting).embargo_end(arrived, now)
    return replace(terms, due=due, reason=EMBARGO) if due > now else terms


def freeze(reply: Reply, terms: MailTerms, html: str = "") -> Outgoing | ComposeRefused:
    """Return the mail as it is sent, held if a person has to look at it, or why it cannot be composed."""
    content = compose(reply, html)
    if isinstance(content, ComposeRefused):
        return content
    held = _hold_reason(reply, terms.mode)
    return Outgoing(
        message_id=reply.message_id,
        posting_id=terms.posting_id,
        kind=terms.kind,
        envelope_from=reply.sender.address,
        envelope_to=recipients(reply),
        content=content,
        due=terms.due,
        mode=terms.mode.value,
        lists=terms.lists,
        author=terms.author,
        state=MailState.HELD if held else MailState.QUEUED,
        reason=held or terms.reason,
    )


def _hold_reason(reply: Reply, mode: Mode) -> str:
    """Return why a mail waits for `patchwarden outbox approve`, or "" if it does not."""
    return "; ".join(problems(reply.body)) or (WAITS_FOR_APPROVAL if mode.needs_approval else "")
