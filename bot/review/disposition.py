# SPDX-License-Identifier: GPL-2.0-or-later
"""What people answered to findings, and what they want to hear no more of; it stays with the series' topic."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.mail.command import MAX_REASON, Scope
from bot.review.model import FindingStatus, Review
from bot.review.render.sentence import Sentence
from bot.review.render.text import visible

DISMISSED: Final = "disputed"
OLD_DISMISSED: Final = "called not applicable"
"""Reviews stored by older versions begin a reason with this."""
NO_REASON: Final = Sentence("no reason given")


class DispositionKind(StrEnum):
    """What somebody says of a finding."""

    NOT_APPLICABLE = "not-applicable"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Disposition:
    """An answer to one finding of a series, whichever revision it is found in: `fingerprint` names it.

    `by` is the proven address, in lower case; `message_id` the mail that said so.
    """

    topic: str
    fingerprint: str
    rule: str
    answer: DispositionKind
    reason: str
    by: str
    message_id: str
    given: datetime


@dataclass(frozen=True, slots=True)
class Muted:
    """Something that is silent: `subject` is a series' topic, an author's or a list's address in lower case."""

    scope: Scope
    subject: str
    by: str
    message_id: str
    given: datetime


def dismissed(dispositions: Iterable[Disposition]) -> dict[str, str]:
    """The fingerprints that are not said again, with what was said against them: the last answer to each counts."""
    latest = {each.fingerprint: each for each in sorted(dispositions, key=lambda each: (each.given, each.message_id))}
    return {
        fingerprint: each.reason or NO_REASON
        for fingerprint, each in latest.items()
        if each.answer is DispositionKind.NOT_APPLICABLE
    }


def silence(muted: Iterable[Muted]) -> str:
    """Why nothing is said of a series for which these are; "" where there are none."""
    first = min(muted, key=lambda each: each.given, default=None)
    return "" if first is None else f"muted ({first.scope}) by {first.by}"


def named(review: Review, finding: str) -> tuple[tuple[str, str], ...] | None:
    """The findings, as fingerprint and rule, that a person means: those of a rule that were said, or the one whose
    fingerprint begins so. None where there are none, or where the beginning fits several."""
    present = [comment for comment in review.comments if comment.standing is not FindingStatus.RESOLVED]
    of_rule = {
        each.finding.fingerprint: each.finding.rule
        for each in present
        if each.finding.rule == finding and (each.withheld is None or each.said_before)
    }
    if of_rule:
        return tuple(of_rule.items())
    beginning = {
        each.finding.fingerprint: each.finding.rule for each in present if each.finding.fingerprint.startswith(finding)
    }
    return tuple(beginning.items()) if len(beginning) == 1 else None


def plain_reason(reason: str) -> str:
    """A reason as it is kept: one line, visible, not long."""
    return " ".join(visible(reason).split())[:MAX_REASON]
