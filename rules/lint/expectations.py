# SPDX-License-Identifier: GPL-2.0-or-later
"""The margin of an example: what a rule is expected to find, and where its findings differ from that."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rules.finding import Anchor, Confidence, Finding, Severity

_MARGIN = re.compile(r"(?P<count>!+)(?P<words>(?: +[a-z]+)*)$")


@dataclass(frozen=True, slots=True)
class Mark:
    """What one margin says."""

    count: int
    severity: Severity | None
    confidence: Confidence | None
    mended: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """One line's expected findings: `path` and `side` are "" for a log; None stands for what is not named."""

    patch: int
    path: str
    side: str
    line: int
    count: int
    severity: Severity | None
    confidence: Confidence | None
    mended: bool

    @property
    def place(self) -> tuple[int, str, str, int]:
        return (self.patch, self.path, self.side, self.line)


def read_margin(margin: str) -> Mark | None:
    """What a margin says; None where it is empty, ValueError where it cannot be read."""
    if not margin:
        return None
    match = _MARGIN.match(margin)
    if not match:
        raise ValueError(f"cannot read the margin {margin!r}")
    words = match["words"].split()
    named = [word for word in words if word in set(Severity)]
    sure = [Confidence(word) for word in words if word not in named and word != "mended"]
    return Mark(
        len(match["count"]), Severity(named[0]) if named else None, sure[0] if sure else None, "mended" in words
    )


def differences(expected: Iterable[Expected], rule_id: str, findings: Iterable[Finding]) -> tuple[str, ...]:
    """What the rule's findings have too much, too little or otherwise than the margin says; empty if they agree."""
    found: dict[tuple[int, str, str, int], list[Finding]] = {}
    for finding in findings:
        if finding.rule == rule_id:
            found.setdefault(_place(finding), []).append(finding)
    said: list[str] = []
    for one in expected:
        here = found.pop(one.place, [])
        if len(here) != one.count:
            said.append(f"{one.place}: expected {one.count} findings, got {len(here)}")
        for finding in here:
            if one.severity not in (None, finding.severity):
                said.append(f"{one.place}: expected severity {one.severity}, got {finding.severity}")
            if one.confidence not in (None, finding.confidence):
                said.append(f"{one.place}: expected confidence {one.confidence}, got {finding.confidence}")
            if one.mended != (finding.mended_by is not None):
                said.append(f"{one.place}: expected mended {one.mended}, got {finding.mended_by}")
    said.extend(f"{place}: not expected: {one.anchor.text!r}" for place, here in found.items() for one in here)
    return tuple(sorted(said))


def _place(finding: Finding) -> tuple[int, str, str, int]:
    anchor = finding.anchor
    if isinstance(anchor, Anchor):
        return (anchor.patch, anchor.path, anchor.side, anchor.line)
    return (anchor.patch, "", "", anchor.line)
