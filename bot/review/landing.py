# SPDX-License-Identifier: GPL-2.0-or-later
"""What a re-check finds because a landing ref moved; pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from bot.review.difference import ChangeKind, difference
from bot.review.model import Review, ReviewFinding
from bot.review.render.sentence import Sentence
from bot.review.render.text import visible, wrap
from rules.finding import REQUIRES, Finding, Severity
from rules.lazy import re, replace

CHECKED_AGAIN: Final = Sentence(
    "This series was checked again because {ref} changed. Below are only the findings that are new since then."
)

_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"(?<!\w)\w++\Z")


def landing_preface(ref: str) -> tuple[str, ...]:
    """Return the lines above the findings in a mail about a moved landing ref."""
    return tuple(wrap(CHECKED_AGAIN.format(ref=visible(ref))))


def find_news(old: Review, new: Review, names: Collection[str], known: Collection[str]) -> tuple[ReviewFinding, ...]:
    """Return the findings that only the new review has and that speak of one of the changed names.

    Other rules or another base also cause new findings, which are not news of the landing ref. `known` are the
    fingerprints of findings that were news before.
    """
    words = {match[0] for name in names if (match := _LAST_WORD.search(name))}
    added = (change.entry for change in difference(old, new).of(ChangeKind.NEW))
    return tuple(
        entry
        for entry in added
        if entry.finding.severity is not Severity.NOTE
        and entry.finding.fingerprint not in known
        and not words.isdisjoint(_words_of(entry.finding))
    )


def keep_findings(review: Review, findings: Iterable[ReviewFinding]) -> Review:
    """Return the review with these findings only, without the sentence about unsafe code."""
    return replace(review, findings=tuple(findings), unsafe_delta="")


def mark_unmailed(review: Review, old: Review | None, mailed: Iterable[ReviewFinding] = ()) -> Review:
    """Return the review with a mark on each finding that neither the old review mailed nor a mail reports now."""
    earlier = [entry for entry in old.reported if not entry.unmailed] if old is not None else []
    mailings = Counter(entry.finding.fingerprint for entry in (*earlier, *mailed))

    def marked(entry: ReviewFinding) -> ReviewFinding:
        if entry.withheld is not None:
            return entry
        known = mailings[entry.finding.fingerprint] > 0
        mailings[entry.finding.fingerprint] -= known
        return replace(entry, unmailed=not known)

    return replace(review, findings=tuple(map(marked, review.findings)))


def _words_of(finding: Finding) -> set[str]:
    texts = (finding.message, *(value for name, value in finding.facts if name != REQUIRES))
    return {word for text in texts for word in _WORD.findall(text)}
