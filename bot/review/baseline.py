# SPDX-License-Identifier: GPL-2.0-or-later
"""Where each finding stands against the previous revision: new, repeated, moved, or resolved since."""

from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterable
from typing import Final

from bot.review.disposition import DISMISSED, OLD_DISMISSED
from bot.review.model import FindingStatus, Review, ReviewFinding
from bot.review.render.sentence import Sentence
from rules.finding import Finding, Report

RESOLVED = "resolved since the previous revision"
_REPLIED: Final = "already reported, and somebody replied"
ALREADY_REPLIED: Final = Sentence(_REPLIED + " in {reply}")


def compare(
    report: Report, previous: Review | None, alive: Container[str] | None = None, reply: str = ""
) -> tuple[ReviewFinding, ...]:
    """Every finding with its standing, in the report's order, then what the previous revision had and this one has not.

    A finding is repeated where its fingerprint is found again, moved where only rule and text are. Nothing counts as
    resolved that could not be looked for: a rule that failed now, that had too much to judge, or that is not `alive`
    (None: all are). What went to nobody was not said.

    `reply` is the message-id of a person's reply to the mail about the previous review. The findings in that mail are
    known to the author, and they are withheld from now on.
    """
    mailed = previous is not None and bool(previous.recipients.to)
    old = () if previous is None else previous.current
    by_print = _Pool(old, lambda finding: finding.fingerprint)
    matched = [by_print.take(finding) for finding in report.findings]
    by_text = _Pool(by_print.rest(), _content)
    comments = []
    for finding, same in zip(report.findings, matched, strict=True):
        if same is not None:
            comments.append(
                ReviewFinding(
                    finding, FindingStatus.REPEATED, _still_withheld(same, mailed, reply), *_said(same, mailed)
                )
            )
        elif finding.anchor.text.strip() and (moved := by_text.take(finding)) is not None:
            before = moved.finding.fingerprint
            comments.append(
                ReviewFinding(
                    finding, FindingStatus.MOVED, _still_withheld(moved, mailed, reply), *_said(moved, mailed), before
                )
            )
        else:
            comments.append(ReviewFinding(finding))
    failed = {failure.rule for failure in report.failures} | {skipped.rule for skipped in report.skipped}
    comments += [
        ReviewFinding(gone.finding, FindingStatus.RESOLVED, RESOLVED, *_said(gone, mailed))
        for gone in by_text.rest()
        if gone.finding.rule not in failed and (alive is None or gone.finding.rule in alive)
    ]
    return tuple(comments)


class _Pool:
    """Comments to be matched, each at most once, in their order."""

    def __init__(self, comments: Iterable[ReviewFinding], key: Callable[[Finding], str]) -> None:
        self._comments = list(comments)
        self._key = key
        self._taken: set[int] = set()
        self._waiting: dict[str, deque[int]] = defaultdict(deque)
        for number, comment in enumerate(self._comments):
            self._waiting[key(comment.finding)].append(number)

    def take(self, finding: Finding) -> ReviewFinding | None:
        waiting = self._waiting.get(self._key(finding))
        if not waiting:
            return None
        number = waiting.popleft()
        self._taken.add(number)
        return self._comments[number]

    def rest(self) -> list[ReviewFinding]:
        return [comment for number, comment in enumerate(self._comments) if number not in self._taken]


def _content(finding: Finding) -> str:
    return "\0".join((finding.rule, " ".join(finding.anchor.text.split())))


def _still_withheld(comment: ReviewFinding, mailed: bool, reply: str) -> str | None:
    """Return why a finding of the previous revision is withheld because of what a person replied to it."""
    if (comment.withheld or "").startswith((DISMISSED, OLD_DISMISSED, _REPLIED)):
        return comment.withheld
    was_mailed = mailed and comment.withheld is None and not comment.unmailed
    return ALREADY_REPLIED.format(reply=reply) if reply and was_mailed else None


def _said(comment: ReviewFinding, mailed: bool) -> tuple[int, bool]:
    """How often it was mailed up to the previous revision, and whether only that revision's silence kept it back."""
    worthy, told = comment.withheld is None, mailed and not comment.unmailed
    return comment.said_before + (worthy and told), worthy and not told
