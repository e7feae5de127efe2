# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare two reviews of one posting, and explain each change by the rules, the base or the known files."""

from collections import defaultdict, deque
from enum import StrEnum
from typing import Final

from bot.review.model import Basis, Review, ReviewFinding
from bot.review.record import verdict_of
from bot.review.render.sentence import Sentence
from rules.lazy import dataclass

NOT_CHECKED: Final = Sentence("not checked before")
MAILED_NOW: Final = Sentence("can be mailed now")
NOT_MAILED_NOW: Final = Sentence("no longer mailed: {reason}")
RULE_FAILED: Final = Sentence("the rule failed in one of the two checks")
TOO_MUCH: Final = Sentence("an analysis limit was exceeded in one of the two checks")
READ_DIFFERENTLY: Final = Sentence("the series was parsed differently")
MORE_FILES: Final = Sentence("more of the files are known now")
NO_BASIS: Final = Sentence("the stored review does not name its rules and base")
NEW_RULE: Final = Sentence("the rule is new")
RULE_UNUSED: Final = Sentence("the rule is no longer used")
OTHER_BASE: Final = Sentence("other base: {before}, now {after}")
OTHER_VERSION: Final = Sentence("other rule version: patchwarden {before}, now {after}")
OTHER_CODE: Final = Sentence("other rule version: the code of the rules changed")


class ChangeKind(StrEnum):
    """Whether a finding is in both reviews, or only in the new or the old one."""

    NEW = "new"
    GONE = "gone"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """A finding with its change and the reason.

    If the finding is in both reviews, `reason` says whether it is now mailed or withheld, "" if that did not change.
    """

    kind: ChangeKind
    entry: ReviewFinding
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """All findings of both reviews, those of the new review first.

    `verdict` says whether different findings would be mailed. `first` says that there was no stored review. `later` is
    the highest later revision, if any.
    """

    changes: tuple[Change, ...]
    verdict: bool
    first: bool = False
    later: int | None = None

    def of(self, kind: ChangeKind) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def is_empty(self) -> bool:
        """Return whether both reviews have and report the same findings."""
        return not self.verdict and all(change.kind is ChangeKind.SAME for change in self.changes)


def difference(before: Review | None, after: Review, later: int | None = None) -> Difference:
    """Return the changes from the stored review to the new one."""
    if before is None:
        new = tuple(Change(ChangeKind.NEW, entry, NOT_CHECKED) for entry in after.current)
        return Difference(new, verdict=bool(verdict_of(after)), first=True, later=later)
    known: dict[tuple[str, str], deque[ReviewFinding]] = defaultdict(deque)
    for entry in before.current:
        known[_key(entry)].append(entry)
    changes = []
    for entry in after.current:
        if known[_key(entry)]:
            changes.append(Change(ChangeKind.SAME, entry, _mail_change(known[_key(entry)].popleft(), entry)))
        else:
            changes.append(Change(ChangeKind.NEW, entry, _why(before, after, entry)))
    removed = (entry for findings in known.values() for entry in findings)
    changes += [Change(ChangeKind.GONE, entry, _why(before, after, entry)) for entry in removed]
    return Difference(tuple(changes), verdict_of(before) != verdict_of(after), later=later)


def _key(entry: ReviewFinding) -> tuple[str, str]:
    return entry.finding.fingerprint, entry.finding.severity


def _mail_change(old: ReviewFinding, new: ReviewFinding) -> str:
    if (old.withheld is None) == (new.withheld is None):
        return ""
    return MAILED_NOW if new.withheld is None else NOT_MAILED_NOW.format(reason=new.withheld)


def _why(before: Review, after: Review, entry: ReviewFinding) -> str:
    old, new, rule = before.basis, after.basis, entry.finding.rule
    if reason := _of_basis(old, new, rule):
        return reason
    if rule in {failure.rule for failure in before.failures} ^ {failure.rule for failure in after.failures}:
        return RULE_FAILED
    if rule in {skipped.rule for skipped in before.skipped} ^ {skipped.rule for skipped in after.skipped}:
        return TOO_MUCH
    if before.posting.series != after.posting.series:
        return READ_DIFFERENTLY
    return MORE_FILES


def _of_basis(old: Basis, new: Basis, rule: str) -> str:
    if old == Basis():
        return NO_BASIS
    if rule not in old.rules or rule not in new.rules:
        return NEW_RULE if rule not in old.rules else RULE_UNUSED
    if old.base != new.base:
        return OTHER_BASE.format(before=old.base or "none", after=new.base or "none")
    if old.version != new.version:
        return OTHER_VERSION.format(before=old.version, after=new.version)
    return OTHER_CODE if old.code != new.code else ""
