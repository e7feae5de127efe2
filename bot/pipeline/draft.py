# SPDX-License-Identifier: GPL-2.0-or-later
"""Draft the mail for a review: the answered mail, the message-id and the headers; pure, without a clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from bot.mail.authority import reply_address
from bot.mail.outgoing import REVIEW
from bot.mail.posting import NO_DATE, Posting
from bot.mail.reply import Identity, Reply
from bot.pipeline.context import ReviewContext
from bot.review.finding_group import group_findings
from bot.review.model import Review
from bot.review.render.body import body
from bot.review.render.text import visible
from bot.review.review import part_to_answer
from rules.lazy import re

_MAX_AHEAD: Final = timedelta(days=1)
"""How much later than the arrival of its series the date of a mail may be: clocks and time zones are often wrong."""
_ALREADY = re.compile(r"re\s*:\s*", re.IGNORECASE)


def draft(
    review: Review,
    context: ReviewContext,
    kind: str = REVIEW,
    preface: Sequence[str] = (),
    arrived: datetime | None = None,
) -> Reply | None:
    """Return the mail for a review, or None if there is nothing to report or no recipient.

    It has the date of the mail that it answers, so that a dry run gives the same bytes whenever it runs. If that mail
    has none, or one in the future, it is when the series `arrived`. Each `kind` has its own message-id. The `preface`
    is on top. Replies go to the address that accepts commands, if there is one, and to the person who reads them.
    """
    part = part_to_answer(review.posting, review.findings)
    if part is None or not review.reported or not review.recipients.to:
        return None
    known, identity = {rule.id: rule for rule in context.rules_for(review.posting)}, context.identity
    when = part.date or review.posting.date or arrived or NO_DATE
    if arrived is not None and when - arrived > _MAX_AHEAD:
        when = arrived
    reply_to = [address for address in (_command_address(review.posting, context), identity.contact) if address]
    rule_ids = sorted({group.rule for group in group_findings(review.reported, known)})
    return Reply(
        message_id=message_id(review.posting, identity, kind),
        date=format_datetime(when.astimezone(UTC)),
        sender=identity.sender,
        to=review.recipients.to,
        cc=review.recipients.cc,
        subject=_subject(part.subject),
        in_reply_to=part.message_id,
        references=_references(part.references, part.message_id),
        body="\n".join([*preface, *([""] if preface else []), body(review, known, identity)]),
        headers=(
            *((("Reply-To", ", ".join(reply_to)),) if reply_to else ()),
            ("Auto-Submitted", "auto-generated"),
            ("X-Patchwarden-Version", identity.version),
            ("X-Patchwarden-Rules", ", ".join(rule_ids)),
        ),
    )


def message_id(posting: Posting, identity: Identity, kind: str = REVIEW) -> str:
    """Return the message-id of our only mail of that kind on a posting, for ever the same."""
    lists = ",".join(sorted(posting.lists))
    return identity.message_id(lists, posting.message_id, str(posting.series.revision), kind)


def _command_address(posting: Posting, context: ReviewContext) -> str:
    """Return the address that accepts commands about the series, or "" if none does."""
    sender = context.identity.sender.address
    return reply_address(sender, context.secret, posting.topic) if context.secret else ""


def _subject(original: str) -> str:
    subject = " ".join(visible(original).split())
    return subject if _ALREADY.match(subject) else f"Re: {subject}"


def _references(earlier: tuple[str, ...], answered_id: str) -> tuple[str, ...]:
    """Return the chain of the answered mail and that mail itself, each id once (RFC 5322 section 3.6.4)."""
    return tuple(dict.fromkeys((*(earlier_id for earlier_id in earlier if earlier_id != answered_id), answered_id)))
