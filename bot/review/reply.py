# SPDX-License-Identifier: GPL-2.0-or-later
"""A review as a mail to be: whom it answers, its id, and its headers; nothing comes from a clock or a random source."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from bot.mail.outgoing import REVIEW
from bot.mail.posting import Posting
from bot.mail.reply import Identity, Reply
from bot.review.finding_group import remarks
from bot.review.model import Review
from bot.review.render.body import body
from bot.review.render.text import visible
from bot.review.review import answered
from rules.lint.rule import Rule

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALREADY = re.compile(r"re\s*:\s*", re.IGNORECASE)


def reply(
    review: Review, rules: Iterable[Rule], identity: Identity, date: datetime | None = None, hears: str = ""
) -> Reply | None:
    """The mail for a review; None where nothing is said or nobody is to hear it.

    Without a `date` it bears that of the mail it answers, so that a dry run gives the same bytes whenever it runs.
    Answers go to the address that `hears` commands, if there is one, and to the person who reads them.
    """
    known = {rule.id: rule for rule in rules}
    part = answered(review.posting, review.comments)
    if part is None or not review.said or not review.recipients.to:
        return None
    when = date or part.date or review.posting.date or _EPOCH
    answers = [each for each in (hears, identity.contact) if each]
    ids = sorted({remark.rule for remark in remarks(review.said, known)})
    return Reply(
        message_id=message_id(review.posting, identity),
        date=format_datetime(when.astimezone(UTC)),
        sender=identity.sender,
        to=review.recipients.to,
        cc=review.recipients.cc,
        subject=_subject(part.subject),
        in_reply_to=part.message_id,
        references=_references(part.references, part.message_id),
        body=body(review, known, identity),
        headers=(
            *((("Reply-To", ", ".join(answers)),) if answers else ()),
            ("Auto-Submitted", "auto-generated"),
            ("X-Patchwarden-Version", identity.version),
            ("X-Patchwarden-Rules", ", ".join(ids)),
        ),
    )


def message_id(posting: Posting, identity: Identity, kind: str = REVIEW) -> str:
    """Return the message-id of our only mail of that kind on a posting, for ever the same."""
    lists = ",".join(sorted(posting.lists))
    return identity.message_id(lists, posting.message_id, str(posting.series.revision), kind)


def _subject(original: str) -> str:
    subject = " ".join(visible(original).split())
    return subject if _ALREADY.match(subject) else f"Re: {subject}"


def _references(earlier: tuple[str, ...], answers: str) -> tuple[str, ...]:
    """The chain of the answered mail and that mail itself, each id once (RFC 5322 section 3.6.4)."""
    return tuple(dict.fromkeys((*(each for each in earlier if each != answers), answers)))
