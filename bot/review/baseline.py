# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare findings with those of the previous revision: new, repeated, moved or resolved."""

from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import islice
from typing import Final

from bot.review.disposition import ALREADY_REPORTED, DISMISSED, OLD_DISMISSED
from bot.review.model import FindingState, Review, ReviewFinding
from bot.review.render.sentence import Sentence
from rules.finding import Finding, Report
from rules.lazy import re

RESOLVED: Final = "resolved since the previous revision"
_MAX_COMPARED: Final = 20  # earlier findings with the same key
_REPLIED: Final = f"{ALREADY_REPORTED}, and somebody replied"
_WORD = re.compile(r"\w++")
_Key = Callable[[Finding], str]
ALREADY_REPLIED: Final = Sentence(_REPLIED + " in {reply}")


def compare(
    report: Report,
    previous: Review | None,
    active_rules: Container[str] | None = None,
    reply: str = "",
    paths: Container[str] | None = None,
) -> tuple[ReviewFinding, ...]:
    """Return each finding with its state, in the order of the report, and then the resolved findings.

    A finding is repeated if the previous revision has one with the same fingerprint, and moved if it has one with the
    same rule and text, or with the same rule in the same item of the same file. If the message is the same too, the
    function may be in another impl than before; without a known item, up to half of the words of the line may differ. A
    finding does not count as resolved if its rule failed, skipped something, or is not in `active_rules` (None: all
    rules are active), or if the series no longer changes its file: the author may have moved that patch to another
    series. `paths` are the files that it changes (None: all files). A review without recipients reported nothing.

    `reply` is the message-id of a person's reply to the mail about the previous review. The author knows the findings
    in that mail, so they are withheld from now on.
    """
    mailed = previous is not None and bool(previous.recipients.to)
    old = () if previous is None else previous.current
    matches: list[tuple[_Key, ReviewFinding] | None] = [None] * len(report.findings)
    rest: Sequence[ReviewFinding] = old
    for key in (_fingerprint, _content, _item, _function):
        unmatched = _Unmatched(rest, key)
        for index, finding in enumerate(report.findings):
            if matches[index] is None and (earlier := unmatched.take(finding, _is_edit if key is _function else None)):
                matches[index] = key, earlier
        rest = unmatched.rest()
    findings = []
    for finding, match in zip(report.findings, matches, strict=True):
        if match is None:
            findings.append(ReviewFinding(finding))
            continue
        matched_by, earlier = match
        state, before = FindingState.MOVED, earlier.finding.fingerprint
        if matched_by is _fingerprint:
            state, before = FindingState.REPEATED, ""
        # What a person said about other code of the item is not about this code.
        withheld = None if matched_by in (_item, _function) else _still_withheld(earlier, mailed, reply)
        findings.append(ReviewFinding(finding, state, withheld, *_mailings(earlier, mailed), before))
    incomplete = {failure.rule for failure in report.failures} | {skipped.rule for skipped in report.skipped}
    unread = {skipped.path for skipped in report.skipped if not skipped.rule}
    findings += [
        ReviewFinding(entry.finding, FindingState.RESOLVED, RESOLVED, *_mailings(entry, mailed))
        for entry in rest
        if entry.finding.rule not in incomplete
        and entry.finding.path not in unread
        and (active_rules is None or entry.finding.rule in active_rules)
        and (paths is None or entry.finding.path is None or entry.finding.path in paths)
    ]
    return tuple(findings)


class _Unmatched:
    """Findings of the previous revision that are not matched yet. Each is taken at most once, in order."""

    def __init__(self, findings: Iterable[ReviewFinding], key: _Key) -> None:
        self._findings = list(findings)
        self._key = key
        self._taken: set[int] = set()
        self._by_key: dict[str, deque[int]] = defaultdict(deque)
        for index, entry in enumerate(self._findings):
            self._by_key[key(entry.finding)].append(index)

    def take(self, finding: Finding, fits: Callable[[Finding, Finding], bool] | None = None) -> ReviewFinding | None:
        """Return the first that has the key of the finding and fits; None if there is none, or the key is empty."""
        indices = self._by_key.get(key) if (key := self._key(finding)) else None
        fitting = (
            index
            for index in islice(indices or (), _MAX_COMPARED)
            if fits is None or fits(self._findings[index].finding, finding)
        )
        index = next(fitting, None)
        if indices is None or index is None:
            return None
        indices.remove(index)
        self._taken.add(index)
        return self._findings[index]

    def rest(self) -> list[ReviewFinding]:
        return [entry for index, entry in enumerate(self._findings) if index not in self._taken]


def _fingerprint(finding: Finding) -> str:
    return finding.fingerprint


def _content(finding: Finding) -> str:
    text = " ".join(finding.anchor.text.split())
    return f"{finding.rule}\0{text}" if text else ""


def _item(finding: Finding) -> str:
    return f"{finding.rule}\0{finding.path}\0{finding.scope}" if finding.scope else ""


def _function(finding: Finding) -> str:
    """Return rule, file, message and innermost item (if known): a renamed type or trait of the impl keeps them."""
    function = finding.scope.rpartition(" / ")[2]
    return f"{finding.rule}\0{finding.path}\0{function}\0{finding.message}"


def _is_edit(before: Finding, after: Finding) -> bool:
    """Return whether a finding may be about edited code: that of the same item, else a line with half of its words."""
    if after.scope:
        return True
    old, new = _words(before.anchor.text), _words(after.anchor.text)
    return bool(old) and 2 * len(old & new) >= len(old | new)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _still_withheld(entry: ReviewFinding, mailed: bool, reply: str) -> str | None:
    """Return why a finding of the previous revision is withheld because of what a person replied to it."""
    if (entry.withheld or "").startswith((DISMISSED, OLD_DISMISSED, _REPLIED)):
        return entry.withheld
    was_mailed = mailed and entry.withheld is None and not entry.unmailed
    return ALREADY_REPLIED.format(reply=reply) if reply and was_mailed else None


def _mailings(entry: ReviewFinding, mailed: bool) -> tuple[int, bool]:
    """Return the number of revisions that it was mailed for, and whether only the lack of a mail withheld it last."""
    is_reported, is_mailed = entry.withheld is None, mailed and not entry.unmailed
    return entry.mailed_before + (is_reported and is_mailed), is_reported and not is_mailed
