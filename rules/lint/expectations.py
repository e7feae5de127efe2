# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse the margin of an example, and compare the expected findings with a rule's findings."""

from collections.abc import Iterable

from rules.finding import Anchor, Confidence, Finding, Severity
from rules.lazy import dataclass, re

_MARGIN = re.compile(r"(?P<count>!+)(?P<words>(?: +[a-z]+)*)$")


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of one margin. A severity or confidence that is not given is None."""

    count: int
    severity: Severity | None
    confidence: Confidence | None
    fixed: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected findings of one line. `path` and `side` are "" for a log. A None is not compared."""

    patch: int
    path: str
    side: str
    line: int
    count: int
    severity: Severity | None
    confidence: Confidence | None
    fixed: bool

    @property
    def place(self) -> tuple[int, str, str, int]:
        return (self.patch, self.path, self.side, self.line)


def read_margin(margin: str) -> Mark | None:
    """Return the content of a margin, None if it is empty. Raises ValueError if it cannot be parsed."""
    if not margin:
        return None
    match = _MARGIN.match(margin)
    if not match:
        raise ValueError(f"cannot read the margin {margin!r}")
    words = match["words"].split()
    severities = [word for word in words if word in set(Severity)]
    confidences = [Confidence(word) for word in words if word not in severities and word != "fixed"]
    return Mark(
        len(match["count"]),
        Severity(severities[0]) if severities else None,
        confidences[0] if confidences else None,
        "fixed" in words,
    )


def differences(expected: Iterable[Expected], rule_id: str, findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return a line for each difference between the expected findings and those of the rule."""
    by_place: dict[tuple[int, str, str, int], list[Finding]] = {}
    for finding in findings:
        if finding.rule == rule_id:
            by_place.setdefault(_place(finding), []).append(finding)
    lines: list[str] = []
    for line in expected:
        actual = by_place.pop(line.place, [])
        name = _name(line.place)
        if len(actual) != line.count:
            lines.append(f"{name}: expected {line.count} finding{'s'[line.count == 1 :]}, got {len(actual)}")
        for finding in actual:
            if line.severity not in (None, finding.severity):
                lines.append(f"{name}: expected severity {line.severity}, got {finding.severity}")
            if line.confidence not in (None, finding.confidence):
                lines.append(f"{name}: expected confidence {line.confidence}, got {finding.confidence}")
            if line.fixed != (finding.fixed_by_patch is not None):
                lines.append(f"{name}: expected fixed {line.fixed}, got {finding.fixed_by_patch}")
    for place, unexpected in by_place.items():
        lines.extend(f"{_name(place)}: not expected: {finding.anchor.text!r}" for finding in unexpected)
    return tuple(sorted(lines))


def _name(place: tuple[int, str, str, int]) -> str:
    patch, path, side, line = place
    where = f"{path}, line {line} {'before' if side == 'pre' else 'after'} the patch" if path else f"log, line {line}"
    return f"patch {patch}, {where}"


def _place(finding: Finding) -> tuple[int, str, str, int]:
    anchor = finding.anchor
    if isinstance(anchor, Anchor):
        return (anchor.patch, anchor.path, anchor.side, anchor.line)
    return (anchor.patch, "", "", anchor.line)
