# SPDX-License-Identifier: GPL-2.0-or-later
"""Dispositions of findings and mutes, both from replies. They apply to all revisions of a series."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.mail.command import MAX_REASON, Scope
from bot.review.model import Review
from bot.review.render.sentence import Sentence
from bot.review.render.text import visible
from rules.lazy import dataclass, re

DISMISSED: Final = "disputed"
ALREADY_REPORTED: Final = "already reported"
OLD_DISMISSED: Final = "called not applicable"
"""Reviews that older versions stored have reasons that begin with this."""
NO_REASON: Final = Sentence("no reason given")
_ADDRESS: Final = re.compile(r"(?<![^\s@<>])[^\s@<>]++@[^\s@<>]++")
_MUTED_BY: Final = re.compile(r"^(muted \([a-z]{1,20}\)) by \S{1,500}")


class DispositionKind(StrEnum):
    """The kinds of dispositions that a person can give to a finding."""

    NOT_APPLICABLE = "not-applicable"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Disposition:
    """A person's reply about one finding of a series, in any revision: `fingerprint` names the finding.

    `by` is the verified address of the person, in lower case. `message_id` is the mail with the command.
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
class ActiveMute:
    """A request for no more mails. `subject` is the topic of a series, or the address of an author or list.

    Addresses are in lower case.
    """

    scope: Scope
    subject: str
    by: str
    message_id: str
    given: datetime


def disputes(dispositions: Iterable[Disposition]) -> dict[str, str]:
    """Return the fingerprints that are disputed, with the reasons. The last disposition of a finding counts."""
    in_order = sorted(dispositions, key=lambda disposition: (disposition.given, disposition.message_id))
    latest = {disposition.fingerprint: disposition for disposition in in_order}
    return {
        fingerprint: disposition.reason or NO_REASON
        for fingerprint, disposition in latest.items()
        if disposition.answer is DispositionKind.NOT_APPLICABLE
    }


def mute_reason(mutes: Iterable[ActiveMute]) -> str:
    """Return why there is no mail, by the first of the mutes; "" if there is none."""
    first = min(mutes, key=lambda mute: mute.given, default=None)
    return "" if first is None else f"muted ({first.scope}) by {first.by}"


def public_reason(reason: str) -> str:
    """Return why a finding or mail is withheld, without the address of the person who muted it."""
    return _MUTED_BY.sub(r"\1", reason)


def without_addresses(reason: str) -> str:
    """Return the text without addresses: replies of mail servers name recipients, and mutes name people."""
    return _ADDRESS.sub("[address]", reason)


def match_findings(review: Review, name: str) -> tuple[tuple[str, str], ...] | None:
    """Return the findings that a command names, as pairs of fingerprint and rule.

    The name is a rule id, for all reported findings of the rule, or the beginning of one fingerprint. Return None if
    it matches no finding, or several fingerprints.
    """
    of_rule = {
        entry.finding.fingerprint: entry.finding.rule
        for entry in review.current
        if entry.finding.rule == name and (entry.withheld is None or entry.mailed_before)
    }
    if of_rule:
        return tuple(of_rule.items())
    by_fingerprint = {
        entry.finding.fingerprint: entry.finding.rule
        for entry in review.current
        if entry.finding.fingerprint.startswith(name)
    }
    return tuple(by_fingerprint.items()) if len(by_fingerprint) == 1 else None


def plain_reason(reason: str) -> str:
    """Return a reason in the form that is stored: one line of limited length without control characters."""
    return " ".join(visible(reason).split())[:MAX_REASON]
