# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the steps after an analysis: review a posting, draft its mail, freeze the mail."""

from collections.abc import Sequence
from datetime import datetime

from bot.mail.compose import ComposeRefused
from bot.mail.outgoing import REVIEW, Outgoing
from bot.mail.parse import SYNTHETIC
from bot.mail.posting import Posting
from bot.pipeline.analyse import Analysis
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import draft
from bot.pipeline.freeze import freeze, review_terms
from bot.pipeline.review import review_posting
from bot.pool.guard import Crashed, guard
from bot.ports.postings import VerifiedBlobs
from bot.review.model import Recipients, Review
from rules.lazy import dataclass, replace


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """A posting's review, its mail, if any, and the images that the analysis verified, as it has them.

    `refused` says why there is no mail although the review has something to say to somebody.
    """

    review: Review
    outgoing: Outgoing | None
    blobs: VerifiedBlobs
    refused: str = ""


def process(
    posting: Posting,
    analysis: Analysis | Crashed,
    previous: Review | None,
    context: ReviewContext,
    arrived: datetime,
    now: datetime,
) -> ReviewResult | Crashed:
    """Return the review of a posting that arrived then, and its mail; Crashed if there is no analysis, or a bug.

    Nothing in the review or in the bytes of the mail comes from a clock, unless the posting arrived after `now`. This
    runs in the process of the caller: it takes linear time (tests/readers.py), and the result of an analysis is
    limited: 10,000 findings take half a second.
    """
    if isinstance(analysis, Crashed):
        return analysis

    def result() -> ReviewResult:
        review = review_posting(posting, analysis, previous, context)
        mail = write_mail(review, context, arrived, now)
        if isinstance(mail, ComposeRefused):
            silent = replace(review, recipients=Recipients(reason=mail.reason))
            return ReviewResult(silent, None, analysis.blobs, mail.reason)
        return ReviewResult(review, mail, analysis.blobs)

    return guard(f"review of {posting.message_id}", result)


def write_mail(
    review: Review,
    context: ReviewContext,
    arrived: datetime,
    now: datetime,
    kind: str = REVIEW,
    preface: Sequence[str] = (),
) -> Outgoing | ComposeRefused | None:
    """Return the frozen mail for a review of a posting that arrived then, or None if there is nothing to say."""
    # An archive whose clock was wrong may have a time to come.
    reply = draft(review, context, kind, preface, min(arrived, now))
    if reply is None:
        return None
    if reply.in_reply_to.endswith(SYNTHETIC):
        return ComposeRefused("the mail has no message-id that could be answered")
    return freeze(reply, review_terms(review.posting, context.recipients(), kind, arrived, now))
