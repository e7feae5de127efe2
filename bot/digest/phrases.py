# SPDX-License-Identifier: GPL-2.0-or-later
"""The phrases that the plain text and the HTML of a digest share."""

from collections import Counter
from typing import Final
from unicodedata import east_asian_width

from bot.digest import sentences
from bot.digest.model import CollisionLine, Digest, FindingLine, SeriesLine, SubsystemLine
from bot.mail.state import MailState
from bot.review.model import FindingState
from bot.review.render import text as plain_text
from bot.review.statistics import RuleTally
from rules.bindings.pending_facts import PendingKind

MIN_INACTIVE_DAYS: Final = 7
"""The minimum number of days since the last mail for the number to be shown."""

_COLLISIONS: Final = {
    PendingKind.C_CHANGE: sentences.C_CHANGE,
    PendingKind.C_USE: sentences.C_CHANGE,
    PendingKind.ADDED: sentences.ADDED_TWICE,
    PendingKind.ITEM_CHANGE: sentences.ITEM_CHANGE,
    PendingKind.ITEM_USE: sentences.ITEM_CHANGE,
    PendingKind.REWRITE: sentences.SAME_LINES,
}


def title(digest: Digest) -> str:
    """Return the subject of the mail and the heading of the page."""
    since, until = digest.period.since, digest.period.until
    return sentences.TITLE.format(since=f"{since:%Y-%m-%d}", until=f"{until:%Y-%m-%d}")


def summary(digest: Digest) -> str:
    """Return the numbers of series and findings, without those that are 0."""
    lines = []
    if digest.waiting:
        lines.append(sentences.WAITING.format(count=len(digest.waiting)))
    if digest.inactive:
        lines.append(sentences.INACTIVE.format(count=len(digest.inactive)))
    if digest.collisions:
        several = sentences.COLLISIONS.format(count=len(digest.collisions))
        lines.append(several if len(digest.collisions) > 1 else sentences.ONE_COLLISION)
    counts = [
        sentence.format(count=count)
        for sentence, count in (
            (sentences.NEW, digest.count(FindingState.NEW)),
            (sentences.REPEATED, digest.count(FindingState.REPEATED, FindingState.MOVED)),
            (sentences.RESOLVED, digest.count(FindingState.RESOLVED)),
        )
        if count
    ]
    if counts:
        lines.append(sentences.COUNTS.format(counts=", ".join(counts)))
    if news := sum(len(series.findings) for series in digest.landing):
        lines.append(sentences.LANDING_COUNT.format(findings=plain_text.count(news, "finding")))
    return " ".join(lines) or sentences.NOTHING


def subject(line: SeriesLine, columns: int) -> str:
    """Return the subject without control characters, cut to that many columns. Wide characters take two columns."""
    text, used = plain_text.visible(line.subject), 0
    for index, character in enumerate(text):
        used += 2 if east_asian_width(character) in "WF" else 1
        if used > columns:
            return f"{text[: max(0, index - 4)].rstrip()} ..."
    return text


def size(line: SeriesLine) -> str:
    """Return the revision and the number of patches: "v2, 3 patches"."""
    return sentences.SIZE.format(revision=line.revision, patches=plain_text.count(line.patches, "patch"))


def age(line: SeriesLine) -> str:
    """Return the age of the series, and the time since the last mail if that is a week or more."""
    if line.age_days <= 0:
        return sentences.TODAY
    if line.inactive_days >= MIN_INACTIVE_DAYS:
        return sentences.AGE_INACTIVE.format(days=line.age_days, inactive=line.inactive_days)
    return sentences.AGE.format(days=line.age_days)


def state(line: SeriesLine) -> str:
    """Return the numbers of replies, trailers and findings that we mailed."""
    replies = sentences.ONE_REPLY if line.replies == 1 else sentences.REPLIES.format(count=line.replies)
    parts = [replies if line.replies else sentences.NO_REPLY]
    parts += [f"{kind} {count}" for kind, count in line.trailers if kind.isascii() and kind.replace("-", "").isalpha()]
    if line.reported:
        parts.append(plain_text.count(line.reported, "finding"))
    return ", ".join(parts)


def finding(line: FindingLine) -> str:
    """Return how many findings of which rule: "new: warning missing-safety-comment, 3 places"."""
    count = len(line.places)
    sentence = sentences.FINDING_PLACES if count > 1 else sentences.FINDING
    return sentence.format(state=line.state, severity=line.severity, rule=line.rule, count=count)


def landing(line: FindingLine, ref: str) -> str:
    """Return a finding that is new since a landing ref moved: "since next-20260302 changed: bug c-change...: ..."."""
    return sentences.LANDING.format(
        ref=plain_text.visible(ref), severity=line.severity, rule=line.rule, message=plain_text.harmless(line.message)
    )


def reason(line: FindingLine) -> str:
    """Return why the findings were not mailed, which may quote the person who disputed them; "" if they were mailed."""
    return sentences.NOT_MAILED.format(reason=" ".join(line.withheld.split())) if line.withheld else ""


def collision(line: CollisionLine) -> str:
    """Return why two series collide: "both add helper get_page in different forms"."""
    return _COLLISIONS[PendingKind(line.kind)].format(name=plain_text.harmless(f"`{line.name}`"))


def delta(line: SubsystemLine) -> str:
    """Return the change of unsafe code and the uses of bindings: "+3 -1 unsafe, bindings used in 2 places"."""
    parts = []
    if line.added or line.removed:
        parts.append(sentences.UNSAFE.format(added=line.added, removed=line.removed))
    if line.moved:
        parts.append(sentences.MOVED.format(count=line.moved))
    if line.bindings:
        parts.append(sentences.BINDINGS.format(places=plain_text.count(line.bindings, "place")))
    return ", ".join(parts)


def rule(tally: RuleTally) -> str:
    """Return the outcome of a rule's findings."""
    outcomes = (
        (sentences.FIXED, tally.fixed),
        (sentences.DISPUTED, tally.disputed),
        (sentences.WITHOUT_REPLY, tally.no_reply),
    )
    counts = ", ".join(sentence.format(count=count) for sentence, count in outcomes if count)
    return sentences.REPORTED.format(rule=tally.rule, count=tally.reported, outcomes=counts)


def mails(state: str, count: int) -> str:
    """Return how many of our mails are in a state: "mails sent: 2". A dry run writes its mails to a file."""
    sentence = sentences.MAILS_FILED if state == MailState.FILED else sentences.MAILS
    return sentence.format(count=count, state=state)


def not_checked(digest: Digest) -> list[str]:
    """Return one line for each kind of mail, series and rule that could not be read, checked or run."""
    lines = []
    if digest.not_checked.unreadable:
        lines.append(sentences.UNREADABLE.format(mails=plain_text.count(digest.not_checked.unreadable, "mail")))
    if digest.not_checked.defective:
        lines.append(sentences.DAMAGED.format(count=digest.not_checked.defective))
    if digest.not_checked.refused:
        kinds = Counter(
            {kind: int(count) for kind, _, count in (line.rpartition(": ") for line in digest.not_checked.reasons)}
        )
        reasons = ", ".join(f"{count} {plain_text.harmless(kind)}" for kind, count in kinds.most_common())
        lines.append(sentences.REFUSED.format(count=digest.not_checked.refused, reasons=reasons))
    lines += [sentences.RULE_FAILED.format(failure=failure) for failure in digest.failed_rules]
    return lines


def about(version: str, contact: str) -> str:
    """Return what wrote the digest, and who reads replies."""
    lines = [sentences.ABOUT.format(version=version)]
    if contact:
        lines.append(sentences.CONTACT.format(contact=contact))
    return " ".join(lines)
